"""Connect: what a developer copies of an app, the secret once, and what the app would be told of whoever looks."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from html import unescape
from typing import Any
from urllib.parse import quote, unquote

import pytest

from accounts.models import User
from clients.metadata import Audience
from clients.models import AccessToken, Authorization, Client, Grant, RefreshToken
from clients.policy import metadata_of
from clients.registration import change
from projects.actors import Actor
from projects.models import Api, Consent, Project, Status
from provider.admin.connect_snippets import SNIPPETS, shown, written
from provider.admin.connect_values import Connection, Literal
from tests.console import ORDERS, browser, client, page, send
from tests.world import Browser, Response, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
ROOT = Actor.operator("tests")
ISSUER = "https://id.example"


@pytest.fixture(autouse=True)
def _world(console: None, settings: Any) -> None:
    """Every test begins with the projects and people of tests/console.py."""
    settings.IDP_ISSUER = ISSUER


def connect(who: str = "viewer", client_id: str = "web", *further: str) -> Response:
    name = "clients_client_connect_file" if further else "clients_client_connect"
    return browser(who).get(page(name, client(client_id).pk, *further))


def changed(client_id: str = "web", **said: object) -> Client:
    row = client(client_id)
    change(row, metadata_of(row).changed(said), ROOT)
    return row


def text(response: Response) -> str:
    return response.content.decode()


def registered(**said: object) -> Response:
    """The answer that makes an app, which is the one that shows its secret."""
    where = f"{page('clients_client_new')}?project=acme"
    app = {
        "name": "Shop",
        "redirect_uris": "https://shop.acme.example/callback",
        "permissions": f"{ORDERS} orders.read",
    }
    return send(browser("editor"), where, {**app, **said})


def secret_of(response: Response) -> str:
    found = re.search(r'id="shown-secret"[^>]* value="([^"]+)"', text(response))
    assert found
    return found[1]


# --- The page ---


@pytest.mark.parametrize(
    ("who", "status"), [("root", 200), ("owner", 200), ("viewer", 200), ("outsider", 404), ("nobody", 404)]
)
def test_whoever_sees_the_app_sees_how_to_connect_it(who: str, status: int) -> None:
    for further in ((), ("env",), ("json",)):
        assert connect(who, "web", *further).status_code == status
    you = browser(who).get(page("clients_client_you", client().pk))
    assert you.status_code == status


def test_it_only_looks() -> None:
    for name, args in (
        ("clients_client_connect", ()),
        ("clients_client_you", ()),
        ("clients_client_connect_file", ("env",)),
    ):
        assert browser("owner").post(page(name, client().pk, *args)).status_code == 405


def test_it_says_what_an_app_has_to_know() -> None:
    said = text(connect())
    for value in (ISSUER, f"{ISSUER}/.well-known/openid-configuration", "web", ORDERS, "openid email orders.read"):
        assert f'value="{value}"' in said or value in said
    assert "It was shown once, when it was made." in said
    assert "Make another one" not in said, "a viewer makes none"
    assert "Make another one" in text(connect("editor"))


def test_the_secret_is_shown_by_the_answer_that_made_it_and_never_again() -> None:
    answer = registered()
    secret, said = secret_of(answer), text(answer)
    assert "no-store" in answer["Cache-Control"]
    assert f"OIDC_CLIENT_SECRET={secret}" in said
    made = Client.objects.get(name="Shop")
    for name, further in (
        ("clients_client_connect", ()),
        ("clients_client_connect_file", ("env",)),
        ("clients_client_change", ()),
    ):
        assert secret not in text(browser("editor").get(page(name, made.pk, *further)))


def test_the_files_of_that_answer_are_in_their_links_with_the_secret() -> None:
    answer = registered()
    links = re.findall(r'href="data:([^;]+);charset=utf-8,([^"]+)" download="([^"]+)"', text(answer))
    assert [(kind, name) for kind, _text, name in links] == [
        ("text/plain", "shop.env"),
        ("application/json", "shop.json"),
    ]
    env, said = (unquote(unescape(one)) for _kind, one, _name in links)
    assert f"OIDC_CLIENT_SECRET={secret_of(answer)}\n" in env
    assert json.loads(said)["client_secret"] == secret_of(answer)


def test_the_files_come_without_the_secret_later() -> None:
    env, said = connect("viewer", "web", "env"), connect("viewer", "web", "json")
    assert env["Content-Disposition"] == 'attachment; filename="acme-web.env"'
    assert text(env).splitlines()[:3] == [f"OIDC_ISSUER={ISSUER}", "OIDC_CLIENT_ID=web", "OIDC_CLIENT_SECRET="]
    assert json.loads(text(said))["client_secret"] is None
    assert "OIDC_CLIENT_SECRET" not in text(connect("viewer", "spa", "env"))
    assert connect("viewer", "web", "toml").status_code == 404


def test_the_long_form_hands_over_in_the_same_way() -> None:
    new = {"project": client().project_id, "name": "Long", "client_id": "long", "grant_types": ["client_credentials"]}
    answer = send(browser("editor"), page("clients_client_add"), new)
    assert f"OIDC_CLIENT_SECRET={secret_of(answer)}" in text(answer)


# --- What will not work yet ---


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"people": ["email"]}, "Without the scope openid"),
        ({"people": [], "permissions": []}, "Without the scope openid"),
        ({"redirect_uris": "http://127.0.0.1:3000/callback"}, "Its redirect URIs are on this machine only"),
        ({"kind": "machine", "redirect_uris": "", "permissions": []}, "Without an audience its tokens are for no API"),
        ({"kind": "api", "redirect_uris": ""}, "It acts for no API"),
    ],
)
def test_what_will_be_refused_is_said_at_once(said: dict[str, object], sentence: str) -> None:
    assert sentence in text(registered(**said))


def test_an_app_of_which_nothing_is_missing_is_not_warned_of_anything() -> None:
    assert "What will not work yet" not in text(registered())
    Project.objects.filter(key="acme").update(status=Status.TESTING)
    assert "in testing" in text(connect())


# --- Snippets ---


def snippets_of(row: Client) -> dict[str, str]:
    return {one.snippet.key: "\n".join(text for _name, text in one.files) for one in shown(Connection(row))}


def test_each_kind_of_app_has_programs_of_its_own() -> None:
    assert list(snippets_of(client())) == ["django", "flask", "fastapi", "nextjs", "express", "spring", "go", "curl"]
    assert list(snippets_of(client("spa"))) == ["browser", "curl"]
    assert list(snippets_of(changed("web", grant_types=("client_credentials",), scope="orders.read"))) == [
        *("curl_own", "python_own", "node_own", "go_own")
    ]
    keyed = changed("web", token_endpoint_auth_method="private_key_jwt")
    assert snippets_of(keyed) == {}, "they all send a secret"


def test_a_program_that_insists_on_its_own_address_says_so() -> None:
    assert "https://web.acme.example/api/auth/callback/vestibule" in text(connect())
    changed(redirect_uris=("https://web.acme.example/api/auth/callback/vestibule",))
    assert "is no redirect URI of this app" not in text(connect())


# What registrations take, and every language reads as something else: quotes, variables, placeholders, comments.
NASTY = "a'$(id)`id`${HOME}#{1+1}%0a<b>&\"\\n{{x}}"


@pytest.mark.parametrize("value", [NASTY, "plain", "two words", "ü", "", "*/ //", "#"])
def test_a_value_is_never_code(value: str) -> None:
    literal = Literal(value)
    assert json.loads(literal.code) == value
    for quoted in (literal.shell, literal.line):
        said = subprocess.run(["sh", "-c", f'V={quoted}; printf %s "$V"'], capture_output=True, text=True, check=True)
        assert said.stdout == value
    assert not re.search(r"(?<!\\)[$#]\{", json.loads(literal.spring))


def every_program(app: Connection) -> list[str]:
    """Whether it fits the app or not."""
    return [written(file, app) for one in SNIPPETS for file in one.files]


def test_programs_hold_the_values_of_this_app_quoted_and_no_secret() -> None:
    row = client()
    row.client_id = NASTY  # nothing that was registered is this bad
    for said in every_program(Connection(row)):
        assert type(said) is str, "it is not marked as safe: a page that shows it escapes it"
        bare = said
        for quoted in (
            Literal(NASTY).code,
            Literal(NASTY).spring,
            Literal(f"client_id={NASTY}").shell,
            quote(NASTY, safe=""),
        ):
            bare = bare.replace(quoted, "")
        assert "$(id)" not in bare
        assert not [one for one in ("foreign", "web-secret", "{{", "{%") if one in bare]


@pytest.mark.parametrize("name", ["web", "spa"])
def test_programs_of_python_are_programs(name: str) -> None:
    for one in shown(Connection(client(name))):
        for file, said in one.files:
            if file.endswith(".py"):
                ast.parse(said)


def test_the_page_escapes_what_the_snippets_hold() -> None:
    changed(redirect_uris=("https://web.acme.example/cb'alert(1)'",))
    said = text(connect())
    assert "cb'alert" not in said
    assert "cb&#x27;alert" in said


# --- As yourself ---


def told(who: str = "viewer", client_id: str = "web") -> tuple[list[tuple[str, bool, str]], dict[str, dict[str, Any]]]:
    """What the page says of the way, and each answer as the app would read it."""
    context: Any = browser(who).get(page("clients_client_you", client(client_id).pk)).context
    return context["attempts"], {one.name: json.loads(one.text) for one in context["told"]}


def test_it_tells_of_whoever_looks_what_the_app_would_be_told() -> None:
    _way, said = told("root")
    root = User.objects.get(username="root")
    assert list(said) == ["ID token", "Userinfo"]
    assert (said["ID token"]["sub"], said["ID token"]["aud"], said["ID token"]["iss"]) == (str(root.sub), "web", ISSUER)
    assert said["Userinfo"] == {"sub": str(root.sub), "email": "root@people.example", "email_verified": True}
    assert "name" not in said["Userinfo"], "the app has no profile"


def test_it_tells_what_a_real_sign_in_tells(keys: None) -> None:
    http = browser("root")
    context: Any = http.get(page("clients_client_you", client().pk)).context
    foreseen = next(json.loads(one.text) for one in context["told"] if one.name == "ID token")
    real = claims_of(Browser("", http).tokens("web", scope="openid email orders.read", resource=ORDERS)["id_token"])
    of_the_moment = dict.fromkeys(("iat", "exp", "jti", "at_hash", "nonce"))
    assert {**foreseen, **of_the_moment} == {**real, **of_the_moment}


def test_a_jwt_for_an_api_is_shown_and_another_token_is_not() -> None:
    assert "Access token" not in told()[1]
    Api.objects.filter(identifier=ORDERS).update(token_format="jwt")
    changed(audience=(Audience(ORDERS),))
    said = told()[1]["Access token"]
    assert (said["aud"], said["client_id"], said["scope"].split()[-1]) == (ORDERS, "web", "orders.read")


def test_whoever_would_not_be_let_in_reads_why() -> None:
    Project.objects.filter(key="acme").update(status=Status.TESTING)
    way, said = told()
    assert said == {}
    assert not way[0][1]
    assert "not one of its test users" in way[0][2]


def test_nothing_is_kept_of_it() -> None:
    told("root")
    assert not [
        one for one in (Authorization, Grant, AccessToken, RefreshToken, Consent) if one._default_manager.exists()
    ]


def test_the_way_there_and_back() -> None:
    assert page("clients_client_you", client().pk) in text(connect())
    assert page("clients_client_you", client("foreign").pk) not in text(connect("outsider", "foreign")), (
        "nobody signs in"
    )
