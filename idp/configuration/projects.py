"""`projects` and `apis`: doors to their registrations. They say where a problem stands, and have no rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace

from clients import resources
from idp.configuration.context import Context
from idp.configuration.logos import with_pictures
from idp.configuration.problems import quoted
from idp.configuration.shape import Entry, texts_of
from projects import api_registration, document, logos, matcher, registration, subjects
from projects.metadata import ApiMetadata, ProjectMetadata
from projects.models import Api, Project
from projects.paths import Step, steps
from projects.problems import Problem, RegistrationError
from projects.sign_in import EVERYBODY, LetIn

# --- Projects ------------------------------------------------------------------------------------------------------


def apply_project(context: Context, entry: Entry) -> None:
    key = entry.text("id")
    if not context.first("project", key, entry.place_of("id")):
        return
    context.projects[key] = None
    project = registration.locked(key)
    before = registration.metadata_of(project) if project else ProjectMetadata(id=key)
    said = with_pictures(context, entry, _without_refused(context, entry))
    wanted = document.project(before, said)
    try:
        if creating := project is None:
            project, changed = registration.register(wanted, context.by), registration.differences(before, wanted)
        else:
            changed = registration.change(project, wanted, context.by)
        if "subject_salt" in entry.values and subjects.bring(project, entry.text("subject_salt"), context.by):
            changed = [*changed, "subject_salt"]
    except RegistrationError as error:
        _tell(context, entry, error.problems, lambda path: document.place_in_project(path, wanted, said))
        return
    context.projects[key] = project
    old, new = asdict(before.consent_screen), asdict(logos.settled(wanted.consent_screen))
    screen = [f"consent_screen.{name}" for name in new if new[name] != old[name]]
    own = [name for name in entry.section.in_order(changed) if name != "consent_screen"]
    context.ledger.note("project", key, created=creating, fields=[*own, *screen])


def apply_sign_in(context: Context, entry: Entry) -> None:
    """Whom it lets in, now that the roles of the file are there. Until then nobody else sees the project."""
    said, project = entry.values.get("sign_in"), context.projects.get(entry.text("id"))
    if project is None or not isinstance(said, LetIn) or said == EVERYBODY:
        return
    try:
        changed = registration.change(project, replace(registration.metadata_of(project), sign_in=said), context.by)
    except RegistrationError as error:
        _tell(context, entry, [one for one in error.problems if not _is_refused_role(context, project, one)], str)
    else:
        context.ledger.note("project", project.key, fields=entry.section.in_order(changed))


def _is_refused_role(context: Context, project: Project, problem: Problem) -> bool:
    """Whether the file has this role, with a problem of its own."""
    return problem.name == "sign_in" and ("role", f"{project.key}/{problem.value}".lower()) in context.named


def _without_refused(context: Context, entry: Entry) -> dict[str, object]:
    """What the file says, by the names that accounts have, and without whom has a problem of their own.

    Whom it lets in by groups or roles follows (`apply_sign_in`).
    """
    said = {name: value for name, value in entry.values.items() if name != "subject_salt"}
    if said.get("sign_in") != EVERYBODY:
        said.pop("sign_in", None)
    if "test_users" in said:
        said["test_users"] = _usernames(context, said["test_users"])
    if isinstance(members := said.get("members"), dict):
        said["members"] = {role: _usernames(context, names) for role, names in members.items()}
    return said


def _usernames(context: Context, names: object) -> tuple[str, ...]:
    return tuple(context.username(name) for name in texts_of(names) if not context.is_refused(name))


# --- APIs ----------------------------------------------------------------------------------------------------------


def apply_api(context: Context, project: Project, entry: Entry) -> None:
    identifier = entry.text("identifier")
    canonical = _canonical(identifier)
    if not context.first("API", canonical, entry.place_of("identifier")):
        return
    api = api_registration.locked(canonical, project)
    before = api_registration.metadata_of(api) if api else ApiMetadata(identifier=identifier)
    wanted = document.api(before, _shared_with_known(context, entry))
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
        _tell(context, entry, error.problems, lambda path: document.place_in_api(path, wanted))
        return
    fields = ["shared" if name == "shared_with" else name for name in changed]
    context.ledger.note("API", identifier, created=creating, fields=entry.section.in_order(fields))


def _shared_with_known(context: Context, entry: Entry) -> dict[str, object]:
    """What the file says, without projects that have a problem of their own."""
    said = dict(entry.values)
    if listed := texts_of(said.get("shared")):
        known = tuple(key for key in listed if not context.is_refused_project(key))
        said = {name: value for name, value in said.items() if name != "shared"} | ({"shared": known} if known else {})
    return said


def _canonical(identifier: str) -> str:
    """What is no identifier is itself: the registration says what is wrong with it."""
    try:
        return matcher.canonical(identifier)
    except matcher.Malformed:
        return identifier


# --- Problems ------------------------------------------------------------------------------------------------------


def _tell(context: Context, entry: Entry, found: Iterable[Problem], in_document: Callable[[str], str]) -> None:
    for one in found:
        place = entry.place_of(*_in_file(context, entry, steps(in_document(one.field))))
        context.problems.add_unless_known(place, _words(entry, one))


def _in_file(context: Context, entry: Entry, way: tuple[Step, ...]) -> tuple[Step, ...]:
    """The way in the file, whose lists have those too that were left out because of a problem of their own."""
    match way:
        case ("test_users" | "shared" as name, int(number)):
            names = texts_of(entry.values.get(name))
        case ("members", str(role), int(number)):
            members = entry.values.get("members")
            names = texts_of(members.get(role) if isinstance(members, dict) else None)
        case _:
            return way
    refused = context.is_refused_project if way[0] == "shared" else context.is_refused
    left = [index for index, name in enumerate(names) if not refused(name)]
    return (*way[:-1], left[number]) if number < len(left) else way[:-1]


def _words(entry: Entry, problem: Problem) -> str:
    """The registration's, or what can be said more exactly of a file."""
    if problem.code == "twice":
        return "This person has another role in this project already. Keep one."
    if problem.code == "empty":
        return "An empty list shares this API with nobody. Write 'private'."
    if problem.code == "missing":
        if problem.name == "sign_in":
            return problem.message
        kind = "project" if problem.name == "shared_with" else "user"
        return f"There is no {kind} {quoted(problem.value)}, in this file or in the database."
    if problem.code == api_registration.OVERLAP:
        canonical = _canonical(entry.text("identifier"))
        same = Api.objects.filter(canonical=canonical).select_related("project").first()
        return f"This API belongs to project '{same.project.key}'." if same else problem.message
    return problem.message
