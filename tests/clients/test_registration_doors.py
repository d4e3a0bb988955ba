"""One table of what is asked of a registration, by whom, and what is wrong with it; asked through every door.

The doors are a direct call, the console's form (through HTTP), the configuration file, the HTTP API, and the
registration endpoint, where an app says all of it about itself. A row names a key as RFC 7591 or `docs/operations.md`
does; a door that has no such key, or lets nobody of that kind in, is not asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import pytest
import yaml
from django.test import Client as Http

from accounts.models import User
from clients import registration
from clients.metadata import Audience, ClientMetadata
from clients.models import Client
from clients.policy import metadata_of
from clients.rules import SHOWN_URIS, TEXTS
from clients.self_registration import MEMBERS
from idp.api.access import Caller
from idp.configuration import ConfigurationError, apply
from projects import quotas
from projects.actors import Actor
from projects.facts import ProjectFacts
from projects.problems import RegistrationError
from provider.protocol.facts import ClientFacts, TokenFacts
from tests import console, drawing
from tests.console import OPEN, ORDERS, REPORTS, Blanks, browser, page, project
from tests.provider.registering import Registrar, initial_token
from tests.snapshot import Snapshot, applied

pytestmark = pytest.mark.any_database

CALLBACK = "https://new.example/cb"
CODE = {"grant_types": ["authorization_code"], "redirect_uris": [CALLBACK], "scope": "openid"}
WEB = ["https://web.acme.example/cb", "https://web.acme.example/other"]
PUBLIC = {"token_endpoint_auth_method": "none"}
BOXES = ("grant_types", "response_types")
TOKEN = TokenFacts("access", ClientFacts(0, "tool", ProjectFacts(0)), None, (), (), 0, None)
BLANKS = Blanks()
LISTS = (*BOXES, "redirect_uris", "post_logout_redirect_uris", "introspects", "acts_for", "allowed_callers", *TEXTS)


@dataclass(frozen=True)
class Row:
    """What is said of a new client (or of `of`, which is there), and the fields with a problem."""

    said: Mapping[str, Any]
    wrong: tuple[str, ...] = ()
    by: str = "root"  # a username; `root` is the superuser, and stands for the operator who applies a file
    of: str = ""

    def __str__(self) -> str:
        return f"{self.by}: {self.of or 'new'} {dict(self.said)}"[:90]


ROWS = [
    Row(CODE),
    Row(CODE, by="editor"),
    Row({"client_name": "Renamed"}, of="web"),
    Row({"client_name": "x" * 256}, ("client_name",)),
    # Ids
    Row({**CODE, "client_id": "two words"}, ("client_id",)),
    Row({**CODE, "client_id": "1b4e28ba-2fa1-11d2-883f-0016d3cca427"}, ("client_id",)),
    Row({**CODE, "client_id": "urn:acme:x"}, ("client_id",)),
    Row({**CODE, "client_id": "x" * 256}, ("client_id",)),
    Row({**CODE, "client_id": "gone"}, ("client_id",)),
    Row({**CODE, "client_id": "foreign"}, ("client_id",)),
    # Authentication and what a public client has no choice in
    Row({"token_endpoint_auth_method": "client_secret_jwt"}, ("token_endpoint_auth_method",)),
    Row({"token_endpoint_auth_method": "private_key_jwt"}),
    Row({"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "EdDSA"}),
    Row({"token_endpoint_auth_signing_alg": "HS256"}, ("token_endpoint_auth_signing_alg",)),
    Row({"jwks_uri": "https://new.example/jwks.json"}, by="editor"),
    Row({"jwks_uri": "http://new.example/jwks.json"}, ("jwks_uri",)),
    Row({"jwks_uri": "https://10.1.2.3/jwks.json"}, ("jwks_uri",)),
    Row({**PUBLIC, "grant_types": ["client_credentials"]}, ("grant_types",)),
    Row({**CODE, **PUBLIC}),
    # Grants and addresses
    Row({"grant_types": ["implicit"]}, ("grant_types",)),
    Row({"grant_types": ["authorization_code"]}, ("redirect_uris",)),
    # Tokens through the browser are a superuser's, or a file's, to allow
    Row({**CODE, "response_types": ["paper"]}, ("response_types",)),
    Row({"response_types": ["id_token token"]}, ("redirect_uris",)),
    Row({**CODE, "response_types": ["code", "id_token"]}, ("response_types",), "editor"),
    Row({**CODE, "response_types": ["code", "id_token"]}),
    Row({"response_types": ["code", "code id_token token"]}, ("response_types",), "editor", "web"),
    Row({"response_types": ["code", "code id_token token"]}, (), "root", "web"),
    Row({"redirect_uris": ["http://web.acme.example/cb"]}, ("redirect_uris",)),
    Row({"redirect_uris": [f"{CALLBACK}#part"]}, ("redirect_uris",)),
    Row({"redirect_uris": ["https://a.example/cb,"]}, ("redirect_uris",)),
    Row({"redirect_uris": [f"https://a.example/{n}" for n in range(201)]}, ("redirect_uris",)),
    Row({"post_logout_redirect_uris": ["javascript:alert(1)"]}, ("post_logout_redirect_uris",)),
    Row({"backchannel_logout_uri": "http://web.acme.example/out"}, ("backchannel_logout_uri",)),
    Row({"backchannel_logout_uri": f"https://web.acme.example/{'x' * 500}"}, ("backchannel_logout_uri",)),
    # Scopes: those of signing in, and of APIs the project may use, whoever asks
    *(Row({"scope": "nonsense.scope"}, ("scope",), by) for by in ("editor", "root")),
    *(Row({"scope": "reports.read"}, ("scope",), by) for by in ("editor", "root")),
    Row({"scope": "openid orders.read open.read"}, by="editor"),
    Row({"scope": 'open"id'}, ("scope",)),
    # Lifetimes: a second to ten years
    *(
        Row({name: seconds}, (name,), of=of)
        for name in ("access_token_lifetime", "id_token_lifetime", "refresh_token_lifetime")
        for seconds in (0, 10**9)
        for of in ("", "web")
    ),
    Row({"refresh_token_idle_lifetime": 10**9}, ("refresh_token_idle_lifetime",)),
    Row({"access_token_lifetime": 604_800, "refresh_token_idle_lifetime": None}),
    # More than a day is a superuser's, or a file's
    *(
        Row({name: seconds}, (name,) if by == "editor" and seconds > 86_400 else (), by, of)
        for name in ("access_token_lifetime", "id_token_lifetime")
        for seconds in (86_400, 86_401)
        for by in ("editor", "root")
        for of in ("", "web")
    ),
    Row({"refresh_token_lifetime": 604_800, "refresh_token_idle_lifetime": 604_800}, by="editor"),
    # Formats and algorithms
    Row({"id_token_signed_response_alg": "HS256"}, ("id_token_signed_response_alg",)),
    Row({"userinfo_signed_response_alg": "none"}, ("userinfo_signed_response_alg",)),
    Row({"request_object_signing_alg": "ES256"}, ("request_object_signing_alg",)),
    Row({"request_object_signing_alg": "ES256", "jwks_uri": "https://new.example/jwks.json"}),
    Row({"request_object_signing_alg": "none"}, ("request_object_signing_alg",)),
    Row({"authorization_signed_response_alg": ""}, ("authorization_signed_response_alg",)),
    Row({"authorization_signed_response_alg": "none"}, ("authorization_signed_response_alg",)),
    Row({"authorization_signed_response_alg": "ES256", "require_pushed_authorization_requests": True}, by="editor"),
    Row({"access_token_format": "paper"}, ("access_token_format",)),
    # Audiences
    Row({"audience": [ORDERS, OPEN]}, by="editor"),
    Row({"audience": ["https://u@a.example"]}, ("audience",)),
    Row({"audience": [ORDERS, f"{ORDERS}/"]}, ("audience",)),
    Row({"audience": ["web"]}, ("audience",)),
    *(Row({"audience": [REPORTS]}, ("audience",), by) for by in ("editor", "root")),
    *(Row({"audience": [value]}, ("audience",), "editor") for value in ("urn:a:b", "https://nobody.example")),
    *(Row({"audience": [value]}) for value in ("urn:a:b", "https://nobody.example")),
    # What it says about itself, and about the sign-ins it wants
    Row({"application_type": "native"}, by="editor"),
    Row({"application_type": "desktop"}, ("application_type",)),
    Row({"contacts": ["apps@acme.example", "https://acme.example/contact"]}, by="editor"),
    Row({"contacts": ["x" * 255]}, ("contacts",)),
    Row({"contacts": [f"a{number}@acme.example" for number in range(quotas.ABOUT_THE_APP + 1)]}, ("contacts",)),
    *(
        Row({name: "https://app.acme.example/about#us"}, by="editor")
        for name in ("client_uri", "policy_uri", "tos_uri")
    ),
    *(
        Row({name: uri}, (name,))
        for name in (*SHOWN_URIS, "initiate_login_uri")
        for uri in ("http://app.acme.example/", "javascript:alert(1)", "https://u@app.acme.example/", "https://#x")
    ),
    Row({"logo_uri": f"https://app.acme.example/{'x' * 500}"}, ("logo_uri",)),
    Row({"initiate_login_uri": "https://app.acme.example/login?from=list"}, by="editor"),
    Row({"initiate_login_uri": "https://app.acme.example/login#here"}, ("initiate_login_uri",)),
    Row({"default_max_age": 0}, by="editor"),
    Row({"default_max_age": 10**9}, ("default_max_age",)),
    Row({"default_acr_values": ["urn:acme:strong", "2"]}, by="editor"),
    Row({"default_acr_values": ["\N{KEY}"]}, ("default_acr_values",)),
    # How much there may be (`projects.quotas`)
    Row({"audience": [f"{ORDERS}/{number}" for number in range(quotas.AUDIENCES)]}, by="editor"),
    Row({"audience": [f"{ORDERS}/{number}" for number in range(quotas.AUDIENCES + 1)]}, ("audience",)),
    Row({"scope": " ".join(f"s{number}" for number in range(quotas.CLIENT_SCOPES + 1))}, ("scope",)),
    Row({**CODE, "redirect_uris": [f"{CALLBACK}/{'x' * quotas.REDIRECT_URI}"]}, ("redirect_uris",)),
    # Other clients and APIs
    Row({"allowed_callers": ["web"]}, by="editor"),
    *(
        Row({"allowed_callers": [name]}, ("allowed_callers",), by)
        for name in ("foreign", "nix")
        for by in ("editor", "root")
    ),
    Row({"introspection": "listed", "introspects": ["web"]}, by="editor"),
    Row({"introspection": "listed", "introspects": ["foreign"]}, ("introspects",), "editor"),
    Row({"introspection": "listed", "introspects": ["foreign"]}),
    Row({"introspection": "listed", "introspects": ["nix"]}, ("introspects",)),
    Row({"introspects": ["web"]}, ("introspects",)),
    Row({"introspection": "all"}, ("introspection",), "editor"),
    Row({"introspection": "all"}),
    Row({"introspection": "some"}, ("introspection",)),
    Row({"acts_for": [ORDERS]}, by="editor"),
    Row({"acts_for": [OPEN]}, ("acts_for",), "editor"),
    Row({"acts_for": [OPEN]}),
    Row({"acts_for": ["https://nobody.example"]}, ("acts_for",)),
    # Keys to what reaches outside the project: `web` lists a name that is no API, which only a superuser may
    Row({"redirect_uris": [*WEB, "https://mallory.example/cb"]}, ("redirect_uris",), "editor", of="web"),
    Row({"redirect_uris": [*WEB, "https://new.example/cb"]}, of="web"),
    Row({"redirect_uris": WEB[:1]}, by="editor", of="web"),
    Row({**PUBLIC}, ("token_endpoint_auth_method",), "editor", of="web"),
    Row({**PUBLIC}, of="web"),
    Row({"redirect_uris": ["https://spa.acme.example/new"]}, by="editor", of="spa"),
    # What a superuser switched off
    Row({"enabled": True}, ("enabled",), "editor", of="spa"),
    Row({"enabled": True}, by="root", of="spa"),
]


def _begun() -> None:
    """The console with a client that is gone, and one that a superuser disabled."""
    applied(console.CONSOLE, "console.yaml")
    root = Actor.operator("test")
    registration.delete(registration.register(ClientMetadata(client_id="gone"), project(), root), root)
    spa = console_client("spa")
    registration.change(spa, metadata_of(spa).changed({"enabled": False}), root)


_begin = Snapshot(_begun)


@pytest.fixture(autouse=True)
def _before(db: None, settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "tokens"
    _begin()


def console_client(client_id: str) -> Client:
    return Client.objects.get(client_id=client_id)


# --- The doors -----------------------------------------------------------------------------------------------------


def directly(row: Row) -> tuple[str, ...]:
    """As an API of ours would call it."""
    said = {name: tuple(value) if name in LISTS else value for name, value in row.said.items()}
    if "audience" in said:
        said["audience"] = tuple(Audience(value) for value in said["audience"])
    by = Actor.person(User.objects.get(username=row.by))
    try:
        if row.of:
            client = console_client(row.of)
            registration.change(client, metadata_of(client).changed(said), by)
        else:
            registration.register(ClientMetadata(client_id="new").changed(said), project(), by)
    except RegistrationError as error:
        return names(one.field for one in error.problems)
    return ()


def in_the_console(row: Row) -> tuple[str, ...]:
    """As somebody at a browser fills in the form."""
    http = browser(row.by)
    where = page("clients_client_change", console_client(row.of).pk) if row.of else page("clients_client_add")
    fields = {"project": project().pk, "name": "New", "client_id": "new"} if not row.of else {}
    said = {
        "audience" if name == "audience" else {"client_name": "name"}.get(name, name): value
        for name, value in row.said.items()
    }
    for index, value in enumerate(said.pop("audience", ())):
        fields |= {f"audience_entries-{index}-value": value, f"audience_entries-{index}-mode": "prefix"}
        fields["audience_entries-TOTAL_FORMS"] = index + 1
    for name, value in said.items():
        lines = name in LISTS and name not in BOXES
        fields[name] = "\n".join(value) if lines else "" if value is None else value
    if row.said.get("token_endpoint_auth_method") == "none":
        fields["client_type"] = "public"
    answer = drawing.post(http, where, {**BLANKS.of(row.by, where, http), **fields})
    if answer.status_code == 302 or "adminform" not in answer.context:  # but the page with the secret
        return ()
    found = console.problems(answer)
    return names({"name": "client_name", "inlines": "audience"}.get(name, name) for name in found)


def by_a_file(row: Row) -> tuple[str, ...]:
    """As whoever runs the provider applies it."""
    client = {"client_id": row.of or "new", **row.said}
    text = yaml.safe_dump({"version": 1, "projects": [{"id": "acme", "clients": [client]}]})
    try:
        apply(text, path="doors.yaml")
    except ConfigurationError as error:
        places = [one.place for one in error.problems]
        return names(place.path.removeprefix("projects[0].clients[0].") for place in places if place.line)
    return ()


def by_the_api(row: Row) -> tuple[str, ...]:
    """As an app asks in the name of somebody; what its token must be like is for the tests of the API."""
    caller = Caller(TOKEN, User.objects.get(username=row.by))
    with mock.patch("idp.api.resource.caller_of", return_value=caller):
        address = f"/api/v1/projects/acme/clients/{row.of or 'new'}"
        method, media_type = ("PATCH", "application/merge-patch+json") if row.of else ("PUT", "application/json")
        answer = Http().generic(method, address, json.dumps({"client_id": row.of or "new", **row.said}), media_type)
    if answer.status_code in (200, 201):
        return ()
    assert answer.status_code == 422, answer.content
    return names(one["pointer"].split("/")[1] for one in answer.json()["errors"])


def by_itself(row: Row) -> tuple[str, ...]:
    """As an app registers itself with a token of the project's owner, which bounds it like an editor (RFC 7591).

    What it cannot have is refused, or left out of the answer, whatever that says instead (rule R3).
    """
    said = {"client_name": "New", **({} if "grant_types" in row.said else {"redirect_uris": [CALLBACK]}), **row.said}
    if "request_object_signing_alg" in said:
        said["require_signed_request_object"] = True  # elsewhere the algorithm says so, and here it demands nothing
    answer = Registrar(initial_token(scope="openid orders.read open.read")).register(said)
    if answer.status_code == 201:
        registered = answer.json()
        assert Client.objects.get(client_id=registered["client_id"]).registration_source == "dcr"
        return names(name for name, value in row.said.items() if not _is_registered(value, registered.get(name)))
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/json"), answer.content
    told = answer.json()
    field = str(told["error_description"]).partition(":")[0]
    assert told["error"] == (
        "invalid_redirect_uri" if field.startswith("redirect_uris") else "invalid_client_metadata"
    ), told
    return names([field])


def _is_registered(said: object, registered: object) -> bool:
    """Defaults that are empty are not repeated."""
    return registered == said or (registered is None and said in (None, "", [], False))


def names(fields: Any) -> tuple[str, ...]:
    return tuple(sorted({field.partition("[")[0].partition(".")[0] for field in fields}))


DOORS: dict[str, Callable[[Row], tuple[str, ...]]] = {
    "direct": directly,
    "console": in_the_console,
    "file": by_a_file,
    "api": by_the_api,
    "itself": by_itself,
}


def is_asked(door: str, row: Row) -> bool:
    """Files are applied by who runs the provider, never by a member.

    Apps say what they are, not what they may, and are bounded like an editor: what only a superuser may, they may not.
    """
    if door == "file":
        return row.by == "root"
    if door != "itself":
        return True
    only_superusers = row.by == "root" and any("token" in one for one in row.said.get("response_types", ()))
    return set(row.said) <= set(MEMBERS) and not row.of and not only_superusers


CASES = [(door, row) for row in ROWS for door in DOORS if is_asked(door, row)]


@pytest.mark.parametrize(("door", "row"), CASES, ids=str)
def test_every_door_finds_the_same_problems(door: str, row: Row) -> None:
    before = Client.objects.count()
    assert DOORS[door](row) == row.wrong
    made = Client.objects.count() - before
    assert made == (not row.wrong and not row.of) or (door == "itself" and made <= 1)


def test_what_nobody_says_is_the_same_through_every_door() -> None:
    made = []
    for index, door in enumerate(one for name, one in DOORS.items() if name != "itself"):
        assert door(Row(CODE)) == ()
        client = console_client("new")
        made.append(replace(metadata_of(client).settled(), client_name=""))
        Client.objects.filter(pk=client.pk).update(client_id=f"new-{index}")
    assert made[0] == made[1] == made[2] == made[3]
    assert made[0].require_pkce


def test_the_only_api_of_a_new_machine_app_is_its_default_in_the_console() -> None:
    """Such apps send a scope alone, and would get a token that no API accepts."""
    assert in_the_console(Row({"grant_types": ["client_credentials"], "audience": [ORDERS]}, by="owner")) == ()
    assert metadata_of(console_client("new")).audience == (Audience(ORDERS, "prefix", default=True),)


@pytest.mark.parametrize("more", [{"audience": [ORDERS, f"{ORDERS}/below"]}, CODE])
def test_any_other_app_has_no_default_that_nobody_ticked(more: Mapping[str, Any]) -> None:
    said = {"grant_types": ["client_credentials"], "audience": [ORDERS], **more}
    assert in_the_console(Row(said, by="owner")) == ()
    assert not any(one.default for one in metadata_of(console_client("new")).audience)
