"""`clients`: who they are, what they may ask for, their secrets and whom they are linked to."""

from __future__ import annotations

from typing import Any

from clients.models import AudienceEntry, Client
from clients.models.allowlist import EntryMode
from clients.models.client import AuthMethod, Introspection
from idp.configuration.credentials import set_secret
from idp.configuration.problems import quoted
from idp.configuration.run import Run
from idp.configuration.shape import Entry
from projects import matcher
from projects.models import Api, Project

# Keys whose value goes into the field of the (almost) same name.
PLAIN = (
    "client_name",
    "token_endpoint_auth_method",
    "grant_types",
    "backchannel_logout_uri",
    "scope",
    "introspection",
    "access_token_format",
    "access_token_lifetime",
    "id_token_lifetime",
    "refresh_token_lifetime",
    "refresh_token_idle_lifetime",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "require_pkce",
    "rotate_refresh_tokens",
    "cross_client_public",
    "enabled",
)
URI_LISTS = ("redirect_uris", "post_logout_redirect_uris")


def apply_client(run: Run, project: Project, entry: Entry) -> None:
    """The client itself; what it is linked to follows when everything it may name is there."""
    client_id = entry.values["client_id"]
    if not run.first("client", client_id, entry.place_of("client_id")):
        return
    run.clients[client_id] = None
    client = Client.objects.filter(client_id=client_id).select_related("project").first()
    client = client or Client(client_id=client_id, project=project, client_type=Client.CLIENT_CONFIDENTIAL)
    if client.project_id != project.pk:
        run.problems.add(
            entry.place_of("client_id"),
            f"The client {quoted(client_id)} belongs to project '{client.project.key}' and stays there for ever. "
            "Use another client_id.",
        )
        return
    creating, was_public = client._state.adding, client.public
    values = _values(client, entry)
    held = client.held
    if "enabled" in values:
        # Who applies a file decides like a superuser, also of what a member did first: members do not undo it.
        values["disabled_by_superuser"] = not values["enabled"]
    _refuse_public_choices(run, values, entry)
    changed = run.save(client, values, entry)
    if changed is None:
        return
    run.clients[client_id] = client
    if client.held and not held and "enabled" not in changed:
        changed.append("enabled")
    changed += set_secret(run, client, entry, was_public=was_public)
    run.ledger.note("client", client_id, created=creating, fields=changed)


def _values(client: Client, entry: Entry) -> dict[str, Any]:
    values = entry.fields(*PLAIN)
    for key in URI_LISTS:
        # Compared as lists: how they are kept apart in the column is nobody's business.
        if key in entry.values and str(getattr(client, key)).split() != entry.values[key]:
            values[key] = "\n".join(entry.values[key])
    method = values.get("token_endpoint_auth_method", client.token_endpoint_auth_method)
    if method == AuthMethod.NONE:
        values["client_type"] = Client.CLIENT_PUBLIC
        values = {"require_pkce": True, "rotate_refresh_tokens": True, "introspection": Introspection.NONE} | values
    else:
        values["client_type"] = Client.CLIENT_CONFIDENTIAL
    return values


def _refuse_public_choices(run: Run, values: dict[str, Any], entry: Entry) -> None:
    """What a public client cannot choose is refused, not silently set to something else."""
    if values["client_type"] != Client.CLIENT_PUBLIC:
        return
    for key, fixed, why in (
        ("require_pkce", True, "A public client always needs PKCE. Leave this key out."),
        ("rotate_refresh_tokens", True, "A public client's refresh tokens always rotate. Leave this key out."),
        ("introspection", Introspection.NONE, "A public client may not introspect. Leave this key out."),
    ):
        if key in entry.values and entry.values[key] != fixed:
            run.problems.add(entry.place_of(key), why)


def link_client(run: Run, entry: Entry) -> None:
    """Allowlist, and the clients and APIs it names: they may stand anywhere in the file."""
    client = run.clients.get(entry.values["client_id"])
    if client is None:
        return
    changed = [*_set_audience(run, client, entry), *_set_introspects(run, client, entry)]
    changed += [*_set_acts_for(run, client, entry), *_set_allowed_callers(run, client, entry)]
    run.ledger.note("client", client.client_id, fields=changed)


def _set_audience(run: Run, client: Client, entry: Entry) -> list[str]:
    """The allowlist becomes exactly that of the file, in its order."""
    if "audience" not in entry.values:
        return []
    wanted: list[AudienceEntry] = []
    seen: set[str] = set()
    for said in entry.values["audience"]:
        row = AudienceEntry(client=client, **said.values)
        parsed = matcher.parse(row.value)
        if parsed.scheme not in ("http", "https"):
            if said.values.get("mode") == EntryMode.PREFIX:
                run.problems.add(said.place_of("mode"), "Only http(s) addresses have something below them: use exact.")
            row.mode = EntryMode.EXACT
        if parsed.canonical in seen:
            run.problems.add(said.place_of("value"), "This audience is listed twice. Keep one.")
        seen.add(parsed.canonical)
        if run.valid(row, said):
            wanted.append(row)
    before = [(row.value, row.mode, row.default) for row in client.audience_entries.all()]
    if before == [(row.value, row.mode, row.default) for row in wanted] or run.problems.found:
        return []
    client.audience_entries.all().delete()
    for row in wanted:
        row.save()
    return ["audience"]


def _set_introspects(run: Run, client: Client, entry: Entry) -> list[str]:
    if "introspects" not in entry.values:
        return []
    wanted = run.find_clients(entry.items("introspects"))
    if wanted and client.introspection != Introspection.LISTED:
        run.problems.add(entry.place_of("introspects"), "This list needs 'introspection: listed'.")
    return _set_links(client.introspects, wanted, "introspects")


def _set_allowed_callers(run: Run, client: Client, entry: Entry) -> list[str]:
    if "allowed_callers" not in entry.values:
        return []
    wanted: list[Client] = []
    for item in entry.items("allowed_callers"):
        for caller in run.find_clients([item]):
            if caller.project_id != client.project_id:
                run.problems.add(item[1], "Only clients of the same project can be callers.")
            wanted.append(caller)
    return _set_links(client.allowed_callers, wanted, "allowed_callers")


def _set_acts_for(run: Run, client: Client, entry: Entry) -> list[str]:
    if "acts_for" not in entry.values:
        return []
    wanted: list[Api] = []
    for identifier, place in entry.items("acts_for"):
        canonical = matcher.canonical(identifier)
        api = Api.objects.filter(canonical=canonical).first()
        if api is not None:
            wanted.append(api)
        elif ("API", canonical) not in run.named:
            run.problems.add(place, "There is no API with this identifier, in this file or in the database.")
    return _set_links(client.acts_for, wanted, "acts_for")


def _set_links(links: Any, wanted: list[Any], key: str) -> list[str]:
    if set(links.all()) == set(wanted):
        return []
    links.set(wanted)
    return [key]
