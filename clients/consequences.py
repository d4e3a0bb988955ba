"""Whom a change of a project or an API hurts, in numbers: for whoever is about to save it.

Nothing here decides. What ends, ends by the rules that are elsewhere; a number is that of this moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.asked_first import Hurt
from accounts.models import User
from clients import resources, whole_projects
from clients.models import Client
from common import clock
from projects import admission, guest_policy
from projects.actors import Actor
from projects.metadata import ApiMetadata, ProjectMetadata
from projects.models import Api, Project, Shared, Status
from projects.sign_in import BY_GROUPS, BY_ROLES, Rule

Sees = Callable[[int | None], bool]  # an app, by its project
SHARING = (Shared.PRIVATE, Shared.LISTED, Shared.PUBLIC)


def of_project(project: Project, before: ProjectMetadata, after: ProjectMetadata) -> list[Hurt]:
    parts = (_of_status, _of_admission, _of_guests)
    return [one for part in parts for one in part(project, before, after)]


def _of_status(project: Project, before: ProjectMetadata, after: ProjectMetadata) -> Iterator[Hurt]:
    """Whoever may not come in any more loses access; everybody else signs in anew."""
    people = whole_projects.people_of(project)
    testing = after.status == Status.TESTING
    taken_off = set(before.test_users) - set(after.test_users)
    if before.status == after.status and not (testing and taken_off):
        return
    number = people.count()
    if not number:
        return
    if not testing:
        yield Hurt("status", _anew(number))
        return
    if before.status == after.status:
        yield Hurt("status", _anew(number))
        return
    stay = people.filter(username__in=after.test_users).count()
    parts = [_lost(number - stay)] if number > stay else []
    yield Hurt("status", " ".join([*parts, *([_keep(stay)] if stay else [])]))


def _lost(number: int) -> str:
    said = ngettext("%(number)s person loses access at once.", "%(number)s people lose access at once.", number)
    return said % {"number": number}


def _keep(number: int) -> str:
    said = ngettext("%(number)s test user signs in anew.", "%(number)s test users sign in anew.", number)
    return said % {"number": number}


def _anew(number: int) -> str:
    said = ngettext(
        "Every token of its apps ends: %(number)s person has to sign in anew.",
        "Every token of its apps ends: %(number)s people have to sign in anew.",
        number,
    )
    return said % {"number": number}


def _of_admission(project: Project, before: ProjectMetadata, after: ProjectMetadata) -> Iterator[Hurt]:
    if before.sign_in == after.sign_in:
        return
    row = Project(sign_in=after.sign_in.who)
    admission.keep(row, after.sign_in, project)
    people = _let_in(whole_projects.people_of(project), project.sign_in_rule)
    number = people.count() - _let_in(people, row.sign_in_rule).count()
    if number > 0:
        yield Hurt("sign_in", _lost(number))


def _let_in(people: QuerySet[User], rule: Rule) -> QuerySet[User]:
    """Those of these people whom it lets in, as `Rule.lets_in` says of one."""
    if rule.who == BY_GROUPS:
        groups = [UUID(one) for one in sorted(rule.ids)]
        return people.filter(pk__in=User.objects.filter(group_members__group__in=groups).values("pk"))
    if rule.who == BY_ROLES:
        roles = [int(one) for one in sorted(rule.ids)]
        has = Q(role_grants__role__in=roles) | Q(group_members__group__role_grants__role__in=roles)
        return people.filter(pk__in=User.objects.filter(has).values("pk"))
    return people


def _of_guests(project: Project, before: ProjectMetadata, after: ProjectMetadata) -> Iterator[Hurt]:
    if guest_policy.closes_to_some(before, after):
        guests = whole_projects.alive(project).filter(project=project)
        number = guests.values("user").distinct().count()
        said = ngettext(
            "What guest apps have here ends: %(number)s person allowed them something.",
            "What guest apps have here ends: %(number)s people allowed them something.",
            number,
        )
        if number:
            yield Hurt("guest_apps", said % {"number": number})
    longest = after.longest_grant
    if longest is not None and (before.longest_grant is None or longest < before.longest_grant):
        old = whole_projects.alive(project).filter(created_at__lt=clock.now() - timedelta(seconds=longest))
        if number := old.values("user").distinct().count():
            yield Hurt("longest_grant", _lost(number))


# --- APIs ----------------------------------------------------------------------------------------------------------


def of_api(api: Api, before: ApiMetadata, after: ApiMetadata, by: Actor) -> list[Hurt]:
    """For them: apps of projects that they do not see are not counted, only said to be there."""
    sees = whole_projects.seen_by(by)
    return [*_of_scopes(api, before, after, sees), *_of_sharing(api, before, after, sees)]


def _of_scopes(api: Api, before: ApiMetadata, after: ApiMetadata, sees: Sees) -> Iterator[Hurt]:
    gone = {one.name for one in before.scopes} - {one.name for one in after.scopes}
    if not gone:
        return
    apps = {entry.client_id for entry in resources.leaning_on(api)}
    rows = Client.objects.filter(pk__in=apps).values_list("project", "scope")
    asking = [(sees(project), set(scope.split()) & gone) for project, scope in rows]
    for name in sorted(gone):
        seen = [known for known, scopes in asking if name in scopes]
        number = sum(seen)
        said = ngettext(
            "%(scope)s goes: %(number)s app may no longer ask for it.",
            "%(scope)s goes: %(number)s apps may no longer ask for it.",
            number,
        )
        rest = _("Apps of projects that you do not see may no longer ask for %(scope)s.")
        parts = [*([said] if number else []), *([rest] if number < len(seen) else [])]
        if parts:
            yield Hurt(f"scope {name}", " ".join(parts) % {"scope": name, "number": number})


def _of_sharing(api: Api, before: ApiMetadata, after: ApiMetadata, sees: Sees) -> Iterator[Hurt]:
    narrower = SHARING.index(Shared(after.shared)) < SHARING.index(Shared(before.shared))
    unlisted = before.shared == after.shared == Shared.LISTED and not set(before.shared_with) <= set(after.shared_with)
    if not (narrower or unlisted):
        return
    kept = set(after.shared_with) if after.shared == Shared.LISTED else set()
    clients = {entry.client for entry in resources.leaning_on(api) if entry.client.project_id != api.project_id}
    seen = [sees(one.project_id) for one in clients if one.project is None or one.project.key not in kept]
    number = sum(seen)
    said = ngettext(
        "%(number)s app of another project loses this API at once.",
        "%(number)s apps of other projects lose this API at once.",
        number,
    )
    rest = _("Apps of projects that you do not see lose this API at once.")
    parts = [*([said] if number else []), *([rest] if number < len(seen) else [])]
    if parts:
        yield Hurt("shared", " ".join(parts) % {"number": number})
