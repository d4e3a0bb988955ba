"""`clients`: a door to `clients.registration`. It says where a problem stands in the file, and has no rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clients import registration
from clients.metadata import Audience, ClientMetadata
from clients.models import Client
from clients.policy import metadata_of, problems
from idp.configuration.client_secrets import give_secrets, set_secrets
from idp.configuration.context import Context
from idp.configuration.problems import Place, quoted
from idp.configuration.secret_values import KEYS as SECRET_KEYS
from idp.configuration.shape import Entry
from projects import matcher
from projects.models import Project
from projects.paths import steps
from projects.problems import Problem, RegistrationError

REFERENCES = ("audience", "introspects", "acts_for", "allowed_callers", "administers")
# Clients may be named before they stand in the file: those lists follow when all are there. APIs are there by then.
FOLLOWING = ("introspects", "allowed_callers", "administers")
ELSEWHERE = "Only clients of the same project can be callers."


def apply_clients(context: Context, project: Project, entries: Iterable[Entry]) -> None:
    """The clients themselves, all at once; what they are linked to follows when everything they may name is there."""
    ours = [one for one in entries if context.first("client", one.text("client_id"), one.place_of("client_id"))]
    ids = [entry.text("client_id") for entry in ours]
    stored = {name: one for name, one in registration.locked(ids).items() if one.project_id == project.pk}
    made = _register(context, project, [entry for entry in ours if entry.text("client_id") not in stored])
    for entry in ours:
        client_id = entry.text("client_id")
        context.clients[client_id] = made.get(client_id)
        if client_id in made:
            wanted = ClientMetadata(client_id=client_id).changed(_said_first(entry))
            fields = registration.differences(ClientMetadata(client_id=client_id).settled(), wanted.settled())
            fields += ["client_secret"] if wanted.uses_secrets else []
            context.ledger.note("client", client_id, created=True, fields=_keys(entry, fields))
        elif client_id in stored:
            _change(context, stored[client_id], entry)


def _register(context: Context, project: Project, entries: Sequence[Entry]) -> dict[str, Client]:
    """The new clients, with their secrets; those of other projects are as good as taken."""
    wanted = [ClientMetadata(client_id=one.text("client_id")).changed(_said_first(one)) for one in entries]
    made: dict[str, Client] = {}
    for entry, answer in zip(entries, registration.register_all(wanted, project, context.by), strict=True):
        if isinstance(answer, Client):
            made[answer.client_id] = answer
        else:
            _tell(context, entry, answer)
    give_secrets(context, {made[one.text("client_id")]: one for one in entries if one.text("client_id") in made})
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
    changed += set_secrets(context, client, entry, had_none=not before.uses_secrets)
    context.ledger.note("client", client.client_id, fields=_keys(entry, changed))


def link_client(context: Context, project: Project, entry: Entry) -> None:
    """Allowlist, and the clients and APIs it names: they may stand anywhere in the file."""
    said = {name: value for name, value in _said(entry).items() if name in FOLLOWING}
    client = context.clients.get(entry.text("client_id"))
    if entry.text("client_id") in context.linked:
        return
    if client is None:  # it has problems of its own
        wanted = ClientMetadata(client_id=entry.text("client_id")).changed(_said(entry))
        _tell(context, entry, [one for one in problems(wanted, project, context.by) if one.name in REFERENCES])
    elif said:
        try:
            changed = registration.change(client, metadata_of(client).changed(said), context.by)
        except RegistrationError as error:
            _tell(context, entry, error.problems)
        else:
            context.ledger.note("client", client.client_id, fields=_keys(entry, changed))


def _keys(entry: Entry, changed: Sequence[str]) -> list[str]:
    """Whether it is held goes with `enabled`, unless the file has it apart."""
    return [key for key in entry.section.in_order(changed) if key != "held" or key in entry.values]


def _said_first(entry: Entry) -> dict[str, object]:
    return {name: value for name, value in _said(entry).items() if name not in FOLLOWING}


def _said(entry: Entry) -> dict[str, object]:
    """What the file says, as metadata; who applies a file decides like a superuser, also of what a member did first."""
    said = {name: value for name, value in entry.values.items() if name not in SECRET_KEYS}
    if "enabled" in said:
        said.setdefault("held", not said["enabled"])
    return said


def _place(entry: Entry, field: str) -> Place:
    """What is wrong with a key of a key set is told in words, at the set."""
    name, *rest = steps(field) or ("",)
    return entry.place_of(name) if name == "jwks" else entry.place_of(name, *rest)


def _unreadable(context: Context, entry: Entry, field: str) -> bool:
    """Whether the item cannot be read, and that is told: what the rules say of the nothing in its place is no news."""
    match steps(field):
        case (str(name), int(index), *_rest):
            items = entry.values.get(name)
            nothing = isinstance(items, tuple) and index < len(items) and items[index] in ("", Audience(""))
            return nothing and context.problems.known(entry.place_of(name, index))
    return False


def _tell(context: Context, entry: Entry, found: list[Problem] | tuple[Problem, ...]) -> None:
    for one in found:
        place = _place(entry, one.field)
        if not _follows(context, entry, one) and not _unreadable(context, entry, one.field):
            context.problems.add_unless_known(place, _words(entry, one, place))


def _follows(context: Context, entry: Entry, problem: Problem) -> bool:
    """Whether it is there only because something else of this file has a problem of its own."""
    if problem.code == "unknown":
        return bool(context.refused_scopes & set(entry.text("scope").split()))
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
        client_id = entry.text("client_id")
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
    if problem.name == "sign_in":
        return problem.message
    if problem.code == "missing" and problem.name == "acts_for":
        return "There is no API with this identifier, in this file or in the database."
    if problem.code == "missing":
        return f"There is no client {quoted(problem.value)}, in this file or in the database."
    return problem.message
