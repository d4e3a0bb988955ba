"""The one place where a project, its members and its consent screen are made, changed and deleted.

What clients have to say about a deletion is for `clients.resources`; doors ask there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, replace

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import normalization
from accounts.models import User
from accounts.moments import moment_problem
from common import clock
from projects import admission, claims, ends, guest_policy, logos, quotas, screens, subjects
from projects.actors import Actor, Right
from projects.apis import grouped
from projects.claim_table import of_stored, stored
from projects.events import Detail, acting, record
from projects.metadata import Membership, ProjectMetadata, Screen
from projects.models import ConsentMode, ConsentScreen, Member, Project, Status
from projects.problems import Problem, new_problems, of_validation, require
from projects.rules import lifetime_problem, page_problem, quoted
from projects.sign_in import LetIn

NOT_FOUND = gettext_lazy("No account has this username: %(names)s. Check the spelling, capitals included.")
COLUMNS = (
    *("name", "consent_mode", "cross_client", "status", "tokens_not_before", "longest_grant"),
    "require_pushed_authorization_requests",
    "profile",
    *("guest_apps", "guest_longest_grant"),
    *("consent_uri", "subject_type"),
)
BY_EDITORS = ("consent_screen",)  # everything else is for owners


def metadata_of(project: Project) -> ProjectMetadata:
    """What a project is now."""
    return metadata_of_all([project])[0]


def metadata_of_all(projects: Sequence[Project]) -> list[ProjectMetadata]:
    """The same of several, in as many statements as of one."""
    shown = {one.project_id: one for one in ConsentScreen.objects.filter(project__in=projects)}
    rows = Member.objects.filter(project__in=projects).select_related("user").order_by("pk")
    members = grouped((row.project_id, Membership(row.user.username, row.role)) for row in rows)
    invited = Project.test_users.through._default_manager.filter(project__in=projects)
    testers = grouped(invited.order_by("user__username").values_list("project", "user__username"))
    return [
        ProjectMetadata(
            id=project.key,
            guest_hosts=tuple(project.guest_hosts),
            claims=of_stored(project.claims),
            sign_in=let_in,
            test_users=tuple(testers.get(project.pk, ())),
            members=tuple(members.get(project.pk, ())),
            consent_screen=screens.screen_of(shown.get(project.pk)),
            **{name: getattr(project, name) for name in COLUMNS},
        )
        for project, let_in in zip(projects, admission.let_in_all(projects), strict=True)
    ]


# --- Problems ------------------------------------------------------------------------------------------------------


def problems(wanted: ProjectMetadata, by: Actor, project: Project | None = None) -> list[Problem]:
    """Everything that stands in the way of this project."""
    before = metadata_of(project) if project else None
    if not (by.edits(project) if project else by.may(Right.ADD_PROJECTS)):
        return [Problem("id", _("You may not change this project."))]

    def judge(one: ProjectMetadata) -> list[Problem]:
        return [*_own(one, project), *screens.problems(one.consent_screen), *claims.problems(one.claims, project)]

    return [
        *new_problems(judge, wanted, before),
        *logos.problems(wanted.consent_screen, before.consent_screen if before else Screen()),
        *_rights(wanted, by, before, owns=project is None or by.owns(project)),
        *_people(wanted),
        *member_problems(wanted.members),
        *admission.problems(wanted.sign_in, project),
        *subjects.problems(wanted, project),
    ]


def _own(wanted: ProjectMetadata, project: Project | None) -> list[Problem]:
    row = Project(pk=project.pk if project else None, key=wanted.id)
    row._state.adding = project is None
    for name in COLUMNS:
        setattr(row, name, getattr(wanted, name))
    row.guest_hosts = list(wanted.guest_hosts)
    subjects.salted(row)
    found = [Problem("id", _("The key of a project stays."))] if project and wanted.id != project.key else []
    for name in ("longest_grant", "guest_longest_grant"):
        if problem := lifetime_problem(getattr(wanted, name), nullable=True):
            found.append(Problem(name, problem))
            setattr(row, name, None)
    found += _hosts(wanted.guest_hosts)
    if problem := page_problem(wanted.consent_uri):
        found.append(Problem("consent_uri", problem))
    try:
        row.full_clean()
    except ValidationError as error:
        found += of_validation(error, {"key": "id"})
    return found


def _hosts(hosts: Sequence[str]) -> Iterator[Problem]:
    """Of guest apps: each once, and no more than anybody reads."""
    if len(hosts) > guest_policy.MOST_HOSTS:
        yield Problem("guest_hosts", quotas.too_many(guest_policy.MOST_HOSTS))
    for index, host in enumerate(hosts):
        if problem := guest_policy.host_problem(host):
            yield Problem(f"guest_hosts[{index}]", problem)
        elif host in hosts[:index]:
            yield Problem(f"guest_hosts[{index}]", _("%(value)s is listed twice.") % {"value": quoted(host)})


def _rights(wanted: ProjectMetadata, by: Actor, before: ProjectMetadata | None, *, owns: bool) -> Iterator[Problem]:
    """Who may sign in without being asked is the provider's decision, not the project's (protocol section 0)."""
    moved = differences(before, wanted) if before else []
    if not owns:
        for name in moved:
            if name not in BY_EDITORS:
                yield Problem(name, _("Only an owner of the project may change this."))
    if "status" in moved and not by.may(Right.CHANGE_STATUS):
        yield Problem("status", _("Only a superuser may change the status."))
    if "consent_mode" in moved and wanted.consent_mode == ConsentMode.IMPLICIT and not by.may(Right.MAKE_FIRST_PARTY):
        yield Problem("consent_mode", _("Only a superuser may make a project first party."))
    if "consent_uri" in moved and wanted.consent_uri and not by.may(Right.MAKE_FIRST_PARTY):
        yield Problem("consent_uri", _("Only a superuser may let another page answer for people."))
    moment = before.tokens_not_before if before else None
    if wanted.tokens_not_before != moment and (problem := moment_problem(moment, wanted.tokens_not_before)):
        yield Problem("tokens_not_before", problem)


def _people(wanted: ProjectMetadata) -> Iterator[Problem]:
    known = _accounts(wanted.test_users)
    for index, username in enumerate(wanted.test_users):
        if username not in known:
            yield Problem(f"test_users[{index}]", NOT_FOUND % {"names": username}, "missing", username)


def member_problems(members: Sequence[Membership]) -> Iterator[Problem]:
    """Members are named by the exact username, and each has one role."""
    known = _accounts([member.username for member in members])
    seen: set[str] = set()
    for index, member in enumerate(members):
        where = f"members[{index}].username"
        username = normalization.user_name(member.username)
        if member.username not in known:
            yield Problem(where, NOT_FOUND % {"names": member.username}, "missing", member.username)
        elif username in seen:
            yield Problem(where, _("This person is a member already. Change the role there."), "twice")
        seen.add(username)
        try:
            Member(role=member.role).clean_fields(exclude=["project", "user"])
        except ValidationError as error:
            yield from (Problem(f"members[{index}].{one.field}", one.message) for one in of_validation(error))


def _accounts(usernames: Sequence[str]) -> dict[str, User]:
    """Those there are, by the names that were asked for."""
    found = {user.username: user for user in User.objects.filter(username__in=usernames)} if usernames else {}
    same = {name: normalization.user_name(name) for name in usernames}
    return {name: found[username] for name, username in same.items() if username in found}


# --- Writing -------------------------------------------------------------------------------------------------------


def register(wanted: ProjectMetadata, by: Actor) -> Project:
    """A new project. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        require(problems(wanted, by))
        project = Project(key=wanted.id)
        _write(project, wanted, by)
        record(by, "project.created", project=project.key)
    return project


def locked(key: str) -> Project | None:
    """The project of this key; nobody else changes it until the transaction ends."""
    return Project.objects.select_for_update().filter(key=key).first()


def change(project: Project, wanted: ProjectMetadata, by: Actor) -> list[str]:
    """Make it what is wanted, and answer what that changed. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        project.refresh_from_db(from_queryset=Project.objects.select_for_update())
        require(problems(wanted, by, project))
        before = metadata_of(project)
        wanted = _switched(before, replace(wanted, sign_in=admission.settled(wanted.sign_in, project)))
        sent, wanted = wanted, replace(wanted, consent_screen=logos.settled(wanted.consent_screen))
        moved = differences(before, wanted)
        if moved:
            longest = (before.longest_grant, wanted.longest_grant)
            project.grants_not_before = ends.not_before(project.grants_not_before, *longest, clock.now())
            project.guests_not_before = guest_policy.not_before(project.guests_not_before, before, wanted, clock.now())
            _write(project, sent, by)
            told: dict[str, Detail] = {
                name: {"before": _told(name, before), "after": _told(name, wanted)}
                for name in moved
                if name not in ("name", "members")
            }
            if told:
                record(by, "project.changed", project=project.key, **told)
    return moved


def _switched(before: ProjectMetadata, after: ProjectMetadata) -> ProjectMetadata:
    """Whoever may not use a project for a while begins anew afterwards: letting them in again revives nothing."""
    testing = after.status == Status.TESTING
    if before.status == after.status and not (testing and set(before.test_users) - set(after.test_users)):
        return after
    return replace(after, tokens_not_before=clock.end_of_all_before(after.tokens_not_before, on=not testing))


def delete(project: Project, by: Actor, **with_it: int) -> None:
    """With its APIs, whose addresses stay closed to others. Raises ProtectedError while it has clients."""
    with acting(by), transaction.atomic():
        if not by.owns(project):
            require([Problem("id", _("You may not delete this project."))])
        record(by, "project.deleted", project=project.key, **with_it)
        project.delete()


def differences(before: ProjectMetadata, after: ProjectMetadata) -> list[str]:
    return [
        one.name for one in fields(after) if _sorted(getattr(before, one.name)) != _sorted(getattr(after, one.name))
    ]


def _sorted(value: object) -> object:
    """People are named in no order."""
    return sorted(value, key=str) if isinstance(value, tuple) else value


def _told(name: str, metadata: ProjectMetadata) -> object:
    """As an event keeps it: test users are counted, for events name nobody."""
    value = getattr(metadata, name)
    if isinstance(value, Screen):
        return asdict(value)
    if isinstance(value, LetIn):
        return value.json
    if name == "claims":
        return stored(metadata.claims)
    if isinstance(value, tuple):
        return sorted(value) if name == "guest_hosts" else len(value)
    return None if value is None else str(value)


def _write(project: Project, wanted: ProjectMetadata, by: Actor) -> None:
    for name in COLUMNS:
        setattr(project, name, getattr(wanted, name))
    project.guest_hosts, project.claims = list(wanted.guest_hosts), stored(wanted.claims)
    admission.keep(project, wanted.sign_in, project)
    subjects.salted(project)
    project.save()
    screens.write(project, wanted.consent_screen)
    project.test_users.set(_accounts(wanted.test_users).values())
    _write_members(project, wanted.members, by)


def _write_members(project: Project, wanted: Sequence[Membership], by: Actor) -> None:
    """Rows that stay are kept; each that comes, goes or changes is an event."""
    known = _accounts([member.username for member in wanted])
    roles = {known[member.username].pk: member.role for member in wanted}
    for row in project.members.select_related("user"):
        role = roles.pop(row.user_id, None)
        if role is None:
            row.delete()
        elif row.role != role:
            row.role = role
            row.save()
        else:
            continue
        record(by, "member.removed" if role is None else "member.changed", project=project.key, **_member(row))
    for user in known.values():
        if user.pk in roles:
            row = Member.objects.create(project=project, user=user, role=roles[user.pk])
            record(by, "member.added", project=project.key, **_member(row))


def _member(row: Member) -> dict[str, Detail]:
    return {"member": row.user.sub, "role": row.role}
