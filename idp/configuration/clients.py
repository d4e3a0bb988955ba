"""`clients`: a door to `clients.registration`. It says where a problem stands in the file, and has no rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from clients import registration
from clients.metadata import Audience, ClientMetadata
from clients.models import Client
from clients.policy import metadata_of, problems
from idp.configuration.client_secrets import give_secrets, set_secret
from idp.configuration.context import Context
from idp.configuration.problems import Place, quoted
from idp.configuration.shape import Entry
from projects import matcher
from projects.models import Project
from projects.problems import Problem, RegistrationError

REFERENCES = ("audience", "introspects", "acts_for", "allowed_callers", "administers")
# Clients may be named before they stand in the file: those lists follow when all are there. APIs are there by then.
FOLLOWING = ("introspects", "allowed_callers", "administers")
TEXT_LISTS = (
    *("grant_types", "response_types", "redirect_uris", "post_logout_redirect_uris"),
    *("introspects", "acts_for", "allowed_callers"),
    *("contacts", "default_acr_values", "administers"),
)
NOT_METADATA = ("client_secret", "client_secret_from")
ELSEWHERE = "Only clients of the same project can be callers."


def apply_clients(context: Context, project: Project, entries: Iterable[Entry]) -> None:
    """The clients themselves, all at once; what they are linked to follows when everything they may name is there."""
    ours = [one for one in entries if context.first("client", one.values["client_id"], one.place_of("client_id"))]
    ids = [entry.values["client_id"] for entry in ours]
    stored = {name: one for name, one in registration.locked(ids).items() if one.project_id == project.pk}
    made = _register(context, project, [entry for entry in ours if entry.values["client_id"] not in stored])
    for entry in ours:
        client_id = entry.values["client_id"]
        context.clients[client_id] = made.get(client_id)
        if client_id in made:
            wanted = ClientMetadata(client_id=client_id).changed(_said_first(entry))
            fields = registration.differences(ClientMetadata(client_id=client_id).settled(), wanted.settled())
            fields += ["client_secret"] if wanted.uses_secrets else []
            context.ledger.note("client", client_id, created=True, fields=entry.section.in_order(fields))
        elif client_id in stored:
            _change(context, stored[client_id], entry)


def _register(context: Context, project: Project, entries: Sequence[Entry]) -> dict[str, Client]:
    """The new clients, with their secrets; those of other projects are as good as taken."""
    wanted = [ClientMetadata(client_id=one.values["client_id"]).changed(_said_first(one)) for one in entries]
    made: dict[str, Client] = {}
    for entry, answer in zip(entries, registration.register_all(wanted, project, context.by), strict=True):
        if isinstance(answer, Client):
            made[answer.client_id] = answer
        else:
            _tell(context, entry, answer)
    give_secrets(context, {made[one.values["client_id"]]: one for one in entries if one.values["client_id"] in made})
    return made


def _change(context: Context, client: Client, entry: Entry) -> None:
    """Most clients of most files are as the file says already: those cost no statement."""
    before, changed = metadata_of(client), []
    if registration.is_already(client, before.changed(_said(entry)), context.by):
        context.linked.add(client.client_id)
    else:
        try:
            changed = registration.change_locked(client, before.changed(_said_first(entry)), context.by)
        except RegistrationError as error:
            _tell(context, entry, error.problems)
            return
    context.clients[client.client_id] = client
    changed += set_secret(context, client, entry, had_none=not before.uses_secrets)
    context.ledger.note("client", client.client_id, fields=entry.section.in_order(changed))


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
        if owner is None:
            return f"An app that registered itself has the client id {quoted(client_id)}. Use another client_id."
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
