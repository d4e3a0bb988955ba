"""`clients`: a door to `clients.registration`. It says where a problem stands in the file, and has no rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clients import registration
from clients.metadata import Audience, ClientMetadata
from clients.models import Client
from clients.policy import metadata_of, problems
from idp.configuration.client_secrets import set_secret
from idp.configuration.context import Context
from idp.configuration.problems import Place, quoted
from idp.configuration.shape import Entry
from projects import matcher
from projects.models import Project
from projects.problems import Problem, RegistrationError

REFERENCES = ("audience", "introspects", "acts_for", "allowed_callers")
# Clients may be named before they stand in the file: those lists follow when all are there. APIs are there by then.
FOLLOWING = ("introspects", "allowed_callers")
TEXT_LISTS = ("grant_types", "redirect_uris", "post_logout_redirect_uris", "introspects", "acts_for", "allowed_callers")
NOT_METADATA = ("client_secret", "client_secret_from", "jwks", "jwks_uri")
ELSEWHERE = "Only clients of the same project can be callers."


def lock_clients(context: Context, entries: Iterable[Entry]) -> None:
    """Read all that are named at once: each by itself would take longer than everything else."""
    context.stored |= registration.locked([entry.values["client_id"] for entry in entries])


def apply_client(context: Context, project: Project, entry: Entry) -> None:
    """The client itself; what it is linked to follows when everything it may name is there."""
    client_id = entry.values["client_id"]
    if not context.first("client", client_id, entry.place_of("client_id")):
        return
    context.clients[client_id] = None
    client = context.stored.get(client_id)
    if client is not None and client.project_id != project.pk:
        client = None  # of another project: as good as taken
    before = metadata_of(client) if client else ClientMetadata(client_id=client_id)
    try:
        if creating := client is None:
            client, changed = _register(context, project, before.changed(_said_first(entry)))
        else:
            changed = _change(context, client, before, entry)
    except RegistrationError as error:
        _tell(context, entry, error.problems)
        return
    context.clients[client_id] = client
    changed += set_secret(context, client, entry, was_public=before.public and not creating)
    context.ledger.note("client", client_id, created=creating, fields=entry.section.in_order(changed))


def _register(context: Context, project: Project, wanted: ClientMetadata) -> tuple[Client, list[str]]:
    client = registration.register(wanted, project, context.by)
    return client, registration.differences(ClientMetadata(client_id=wanted.client_id).settled(), wanted.settled())


def _change(context: Context, client: Client, before: ClientMetadata, entry: Entry) -> list[str]:
    """Most clients of most files are as the file says already: those cost no statement."""
    if registration.is_already(client, before.changed(_said(entry)), context.by):
        context.linked.add(client.client_id)
        return []
    return registration.change(client, before.changed(_said_first(entry)), context.by)


def link_client(context: Context, project: Project, entry: Entry) -> None:
    """Allowlist, and the clients and APIs it names: they may stand anywhere in the file."""
    said = {name: value for name, value in _said(entry).items() if name in FOLLOWING}
    client = context.clients.get(entry.values["client_id"])
    if entry.values["client_id"] in context.linked:
        return
    if client is None:  # it has problems of its own
        wanted = ClientMetadata(client_id=entry.values["client_id"]).changed(_said(entry))
        _tell(context, entry, [one for one in problems(wanted, project, context.by) if one.name in REFERENCES])
    elif said:
        try:
            changed = registration.change(client, metadata_of(client).changed(said), context.by)
        except RegistrationError as error:
            _tell(context, entry, error.problems)
        else:
            context.ledger.note("client", client.client_id, fields=entry.section.in_order(changed))


def _said_first(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in _said(entry).items() if name not in FOLLOWING}


def _said(entry: Entry) -> dict[str, Any]:
    """What the file says, as metadata; who applies a file decides like a superuser, also of what a member did first."""
    said = {name: value for name, value in entry.values.items() if name not in NOT_METADATA}
    for name in TEXT_LISTS:
        if name in said:
            said[name] = tuple(value for value, _place in said[name])
    if "audience" in said:
        said["audience"] = tuple(Audience(**one.values) for one in said["audience"])
    if "enabled" in said:
        said["held"] = not said["enabled"]
    return said


def _tell(context: Context, entry: Entry, found: list[Problem] | tuple[Problem, ...]) -> None:
    for one in found:
        place = entry.place_at(one.field)
        if not _follows(context, entry, one):
            context.problems.add_unless_known(place, _words(entry, one, place))


def _follows(context: Context, entry: Entry, problem: Problem) -> bool:
    """Whether it is there only because something else of this file has a problem of its own."""
    if problem.code == "unknown":
        return bool(context.refused_scopes & set(entry.values.get("scope", "").split()))
    if problem.code not in ("missing", "elsewhere"):
        return False
    if problem.name == "acts_for":
        return ("API", _canonical(problem.value)) in context.named
    return problem.value in context.clients and context.clients[problem.value] is None


def _canonical(identifier: str) -> str:
    try:
        return matcher.canonical(identifier)
    except matcher.Malformed:
        return ""


def _words(entry: Entry, problem: Problem, place: Place) -> str:
    """The registration's, or what can be said more exactly of a file."""
    if problem.code == "taken":
        client_id = entry.values["client_id"]
        owner = Client.objects.select_related("project").get(client_id=client_id).project
        return (
            f"The client {quoted(client_id)} belongs to project '{owner.key}' and stays there for ever. "
            "Use another client_id."
        )
    if problem.code == "twice":
        return f"{problem.message} Keep one."
    if problem.code == "elsewhere":
        return ELSEWHERE
    if problem.code == "missing" and problem.name == "acts_for":
        return "There is no API with this identifier, in this file or in the database."
    if problem.code == "missing":
        return f"There is no client {quoted(problem.value)}, in this file or in the database."
    return problem.message
