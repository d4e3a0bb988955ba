"""`projects` and their `members`, `test_users`, `consent_screen` and `apis`."""

from __future__ import annotations

from idp.configuration.problems import Place
from idp.configuration.run import Run
from idp.configuration.shape import Entry
from projects import matcher
from projects.models import Api, ApiScope, ConsentScreen, Member, Project, Role, Shared

ROLES = {"owners": Role.OWNER, "editors": Role.EDITOR, "viewers": Role.VIEWER}


def apply_project(run: Run, entry: Entry) -> None:
    key = entry.values["id"]
    if not run.first("project", key, entry.place_of("id")):
        return
    run.projects[key] = None
    project = Project.objects.filter(key=key).first() or Project(key=key)
    creating = project._state.adding
    changed = run.save(project, entry.fields("name", "consent_mode", "cross_client", "status"), entry)
    if changed is None:
        return
    run.projects[key] = project
    changed += _set_consent_screen(run, project, entry)
    changed += _set_members(run, project, entry)
    if "test_users" in entry.values:
        wanted = run.find_users(entry.items("test_users"))
        if set(project.test_users.all()) != set(wanted):
            project.test_users.set(wanted)
            changed.append("test_users")
    run.ledger.note("project", key, created=creating, fields=changed)


def _set_consent_screen(run: Run, project: Project, entry: Entry) -> list[str]:
    said: Entry | None = entry.values.get("consent_screen")
    if said is None or not said.values:
        return []
    screen = ConsentScreen.objects.filter(project=project).first() or ConsentScreen(project=project)
    changed = run.save(screen, said.fields(*said.section.keys), said)
    return [f"consent_screen.{key}" for key in changed or ()]


def _set_members(run: Run, project: Project, entry: Entry) -> list[str]:
    """Each role that is named has exactly these people; roles that are not named keep theirs."""
    said: Entry | None = entry.values.get("members")
    if said is None:
        return []
    before = set(project.members.values_list("user", "role"))
    wanted: dict[int, Role] = {}
    for key in (key for key in ROLES if key in said.values):
        for item in said.items(key):
            for user in run.find_users([item]):
                if user.pk in wanted:
                    run.problems.add(item[1], "This person has another role in this project already. Keep one.")
                wanted[user.pk] = ROLES[key]
    named = [role for key, role in ROLES.items() if key in said.values]
    project.members.filter(role__in=named).exclude(user__in=wanted).delete()
    for user_id, role in wanted.items():
        Member.objects.update_or_create(project=project, user_id=user_id, defaults={"role": role})
    return [] if before == set(project.members.values_list("user", "role")) else ["members"]


def apply_api(run: Run, project: Project, entry: Entry) -> None:
    identifier = entry.values["identifier"]
    place = entry.place_of("identifier")
    try:
        canonical = matcher.canonical(identifier)
    except matcher.Malformed as error:
        run.problems.add(place, error)
        return
    if not run.first("API", canonical, place):
        return
    api = Api.objects.filter(canonical=canonical).select_related("project").first() or Api(project=project)
    if api.project_id != project.pk:
        run.problems.add(place, f"This API belongs to project '{api.project.key}'.")
        return
    creating = api._state.adding
    values = entry.fields("identifier", "name", "description", "token_format", "token_lifetime")
    if "shared" in entry.values:
        values["shared"] = entry.values["shared"] if isinstance(entry.values["shared"], str) else Shared.LISTED
    changed = run.save(api, values, entry)
    if changed is None:
        return
    changed += _set_scopes(run, api, entry)
    changed += _set_shared_with(run, api, entry)
    run.ledger.note("API", identifier, created=creating, fields=changed)


def _set_shared_with(run: Run, api: Api, entry: Entry) -> list[str]:
    if "shared" not in entry.values:
        return []
    listed: list[tuple[str, Place]] = [] if isinstance(entry.values["shared"], str) else entry.values["shared"]
    wanted = run.find_projects(listed)
    if set(api.shared_with.all()) == set(wanted):
        return []
    api.shared_with.set(wanted)
    return ["shared"]


def _set_scopes(run: Run, api: Api, entry: Entry) -> list[str]:
    """The scopes of an API become exactly those of the file."""
    if "scopes" not in entry.values:
        return []
    present = {scope.name: scope for scope in api.scopes.all()}
    wanted: dict[str, Entry] = entry.values["scopes"]
    gone = [scope.pk for name, scope in present.items() if name not in wanted]
    api.scopes.filter(pk__in=gone).delete()
    different = bool(gone)
    for name, said in wanted.items():
        scope = present.get(name) or ApiScope(api=api, name=name)
        different |= scope._state.adding
        different |= bool(run.save(scope, said.fields("description", "sensitive"), said))
    return ["scopes"] if different else []
