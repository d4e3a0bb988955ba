"""`roles` of a project: a door to `projects.roles`. A role that is not named stays as it is, unless it is pruned."""

from __future__ import annotations

from dataclasses import replace

from idp.configuration.context import Context
from idp.configuration.problems import quoted
from idp.configuration.shape import Entry, texts_of
from projects import roles
from projects.metadata import RoleMetadata
from projects.models import Project
from projects.paths import Step, steps
from projects.problems import Problem, RegistrationError
from projects.role_document import role as wanted_role

KINDS = {"users": "user", "groups": "group"}


def apply_role(context: Context, project: Project, entry: Entry) -> None:
    name = roles.plain(entry.text("name"))
    shown = f"{project.key}/{name}"
    if not context.first("role", shown.lower(), entry.place_of("name")):
        return
    found = roles.locked(name, project)
    before = roles.metadata_of(found) if found else RoleMetadata(name=name)
    wanted = replace(wanted_role(before, _known(context, entry)), name=name)
    changed = roles.differences(before, roles.settled(wanted))
    try:
        if found is None:
            roles.register(wanted, project, context.by)
        else:
            roles.change(found, wanted, context.by)
    except RegistrationError as error:
        for one in error.problems:
            context.problems.add_unless_known(entry.place_of(*_in_file(context, entry, steps(one.field))), _words(one))
        return
    context.ledger.note("role", shown, created=found is None, fields=entry.section.in_order(changed))


def _known(context: Context, entry: Entry) -> dict[str, object]:
    """What the file says, by the names that accounts have, and without whom has a problem of their own."""
    said = dict(entry.values)
    if "users" in said:
        names = texts_of(said["users"])
        said["users"] = tuple(context.username(name) for name in names if not context.is_refused(name))
    return said


def _in_file(context: Context, entry: Entry, way: tuple[Step, ...]) -> tuple[Step, ...]:
    """The way in the file, whose list has those too that were left out because of a problem of their own."""
    match way:
        case ("project",):
            return ()
        case ("users", int(number)):
            names = texts_of(entry.values.get("users"))
            left = [index for index, name in enumerate(names) if not context.is_refused(name)]
            return (*way[:-1], left[number]) if number < len(left) else way[:-1]
    return way


def _words(problem: Problem) -> str:
    if problem.code == "missing":
        return f"There is no {KINDS[problem.name]} {quoted(problem.value)}, in this file or in the database."
    return problem.message
