"""`projects` and `apis`: doors to their registrations. They say where a problem stands, and have no rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from clients import resources
from idp.configuration.context import Context
from idp.configuration.problems import Place, quoted
from idp.configuration.shape import Entry
from projects import api_registration, matcher, registration
from projects.metadata import ApiMetadata, Membership, ProjectMetadata, Scope
from projects.models import Api, Project, Role, Shared
from projects.problems import Problem, RegistrationError

ROLES = {"owners": Role.OWNER, "editors": Role.EDITOR, "viewers": Role.VIEWER}
PROJECT_KEYS = (
    *("name", "consent_mode", "cross_client", "status", "longest_grant"),
    "require_pushed_authorization_requests",
    "profile",
    *("guest_apps", "guest_longest_grant"),
)
API_KEYS = ("identifier", "name", "description", "token_format", "token_signing_alg", "token_lifetime")
Places = Mapping[str, Place]  # of fields that do not stand where their name says

# --- Projects ------------------------------------------------------------------------------------------------------


def apply_project(context: Context, entry: Entry) -> None:
    key = entry.values["id"]
    if not context.first("project", key, entry.place_of("id")):
        return
    context.projects[key] = None
    project = registration.locked(key)
    before = registration.metadata_of(project) if project else ProjectMetadata(id=key)
    wanted, places = _wanted_project(context, before, entry)
    try:
        if creating := project is None:
            project, changed = registration.register(wanted, context.by), registration.differences(before, wanted)
        else:
            changed = registration.change(project, wanted, context.by)
    except RegistrationError as error:
        _tell(context, entry, error.problems, places)
        return
    context.projects[key] = project
    old, new = asdict(before.consent_screen), asdict(wanted.consent_screen)
    screen = [f"consent_screen.{name}" for name in new if new[name] != old[name]]
    own = [name for name in entry.section.in_order(changed) if name != "consent_screen"]
    context.ledger.note("project", key, created=creating, fields=[*own, *screen])


def _wanted_project(context: Context, before: ProjectMetadata, entry: Entry) -> tuple[ProjectMetadata, Places]:
    """What the file makes of the project, and where those stand whom it names."""
    said: dict[str, Any] = {name: entry.values[name] for name in PROJECT_KEYS if name in entry.values}
    places: dict[str, Place] = {}
    if "guest_hosts" in entry.values:
        hosts = entry.items("guest_hosts")
        said["guest_hosts"] = tuple(host for host, _place in hosts)
        places |= {f"guest_hosts[{index}]": place for index, (_host, place) in enumerate(hosts)}
    if "test_users" in entry.values:
        people = [one for one in entry.items("test_users") if not context.is_refused(one[0])]
        said["test_users"] = tuple(context.username(name) for name, _place in people)
        places |= {f"test_users[{index}]": place for index, (_name, place) in enumerate(people)}
    if "consent_screen" in entry.values:
        said["consent_screen"] = replace(before.consent_screen, **entry.values["consent_screen"].values)
    if "members" in entry.values:
        kept, named = _members(context, before, entry.values["members"])
        said["members"] = (*kept, *(member for member, _place in named))
        places |= {f"members[{len(kept) + index}].username": place for index, (_one, place) in enumerate(named)}
    return replace(before, **said), places


def _members(
    context: Context, before: ProjectMetadata, said: Entry
) -> tuple[list[Membership], list[tuple[Membership, Place]]]:
    """Each role that is named has exactly these people; roles that are not named keep theirs."""
    roles = {key: role for key, role in ROLES.items() if key in said.values}
    named = [
        (Membership(context.username(name), role.value), place)
        for key, role in roles.items()
        for name, place in said.items(key)
        if not context.is_refused(name)
    ]
    moved = {member.username for member, _place in named}
    kept = [one for one in before.members if one.role not in roles.values() and one.username not in moved]
    return kept, named


# --- APIs ----------------------------------------------------------------------------------------------------------


def apply_api(context: Context, project: Project, entry: Entry) -> None:
    identifier = entry.values["identifier"]
    canonical = _canonical(identifier)
    if not context.first("API", canonical, entry.place_of("identifier")):
        return
    api = api_registration.locked(canonical, project)
    before = api_registration.metadata_of(api) if api else ApiMetadata(identifier=identifier)
    wanted, places = _wanted_api(context, before, entry)
    try:
        if creating := api is None:
            api, changed = (
                resources.register_api(wanted, project, context.by),
                api_registration.differences(before, wanted),
            )
        else:
            changed = api_registration.change(api, wanted, context.by)
    except RegistrationError as error:
        context.refused_scopes |= {scope.name for scope in wanted.scopes}
        _tell(context, entry, error.problems, places)
        return
    fields = ["shared" if name == "shared_with" else name for name in changed]
    context.ledger.note("API", identifier, created=creating, fields=entry.section.in_order(fields))


def _wanted_api(context: Context, before: ApiMetadata, entry: Entry) -> tuple[ApiMetadata, Places]:
    """What the file makes of the API, and where its scopes and those it is shared with stand."""
    said: dict[str, Any] = {name: entry.values[name] for name in API_KEYS if name in entry.values}
    places: dict[str, Place] = {"shared_with": entry.place_of("shared")}
    if "shared" in entry.values:
        shared = entry.values["shared"]
        listed = [] if isinstance(shared, str) else [one for one in shared if not context.is_refused_project(one[0])]
        if isinstance(shared, str) or listed or not shared:
            said["shared"] = shared if isinstance(shared, str) else Shared.LISTED.value
            said["shared_with"] = tuple(key for key, _place in listed)
        places |= {f"shared_with[{index}]": place for index, (_key, place) in enumerate(listed)}
    if "scopes" in entry.values:
        present = {scope.name: scope for scope in before.scopes}
        said["scopes"] = tuple(
            replace(present.get(name, Scope(name)), **one.values) for name, one in entry.values["scopes"].items()
        )
        for index, one in enumerate(entry.values["scopes"].values()):
            places |= {f"scopes[{index}].name": one.place, f"scopes[{index}].description": one.place_of("description")}
    return replace(before, **said), places


def _canonical(identifier: str) -> str:
    """What is no identifier is itself: the registration says what is wrong with it."""
    try:
        return matcher.canonical(identifier)
    except matcher.Malformed:
        return identifier


# --- Problems ------------------------------------------------------------------------------------------------------


def _tell(context: Context, entry: Entry, found: Iterable[Problem], places: Places) -> None:
    for one in found:
        place = places.get(one.field) or places.get(one.name) or entry.place_at(one.field)
        if one.name == "consent_screen" and "consent_screen" in entry.values:
            place = entry.values["consent_screen"].place_of(one.field.rpartition(".")[2])
        context.problems.add_unless_known(place, _words(entry, one))


def _words(entry: Entry, problem: Problem) -> str:
    """The registration's, or what can be said more exactly of a file."""
    if problem.code == "twice":
        return "This person has another role in this project already. Keep one."
    if problem.code == "empty":
        return "An empty list shares this API with nobody. Write 'private'."
    if problem.code == "missing":
        kind = "project" if problem.name == "shared_with" else "user"
        return f"There is no {kind} {quoted(problem.value)}, in this file or in the database."
    if problem.code == api_registration.OVERLAP:
        canonical = _canonical(entry.values["identifier"])
        same = Api.objects.filter(canonical=canonical).select_related("project").first()
        return f"This API belongs to project '{same.project.key}'." if same else problem.message
    return problem.message
