"""The addresses of django-oauth-toolkit lead to the endpoints of ours, when the deployment says so."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from tests.idp.test_settings import run, value_of
from tests.installation import Installation, free_port, prepared, serving
from tests.world import CHALLENGE, WEB_CB

ANSWERED = ("token", "introspect", "revoke_token", "userinfo", ".well-known/openid-configuration")
pytestmark = pytest.mark.any_database


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    port = free_port()
    origin = f"http://localhost:{port}"
    made = prepared(tmp_path_factory.mktemp("provider"), origin, "/o", IDP_TOOLKIT_PATHS="/o")
    with serving(made, port):
        yield made


def get(address: str, **params: str) -> requests.Response:
    return requests.get(address, params, timeout=30, allow_redirects=False)


@pytest.mark.parametrize("slash", ["", "/"])
def test_apps_ask_where_they_always_did(provider: Installation, slash: str) -> None:
    form = {"grant_type": "client_credentials"}
    answer = requests.post(f"{provider.issuer}/token{slash}", form, auth=("service", "service-secret"), timeout=30)
    token = answer.json()["access_token"]
    asked = {"token": token}
    told = requests.post(f"{provider.issuer}/introspect{slash}", asked, auth=("service", "service-secret"), timeout=30)
    assert told.json()["active"]
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{provider.issuer}/userinfo{slash}", headers=headers, timeout=30).json()["sub"] == "service"
    requests.post(f"{provider.issuer}/revoke_token{slash}", asked, auth=("service", "service-secret"), timeout=30)
    told = requests.post(f"{provider.issuer}/introspect{slash}", asked, auth=("service", "service-secret"), timeout=30)
    assert told.json() == {"active": False}


def test_documents_are_where_they_were_and_name_the_new_addresses(provider: Installation) -> None:
    metadata = get(f"{provider.issuer}/.well-known/openid-configuration/").json()
    assert metadata["issuer"] == provider.issuer
    assert metadata["token_endpoint"] == f"{provider.issuer}/oauth2/token"
    assert get(f"{provider.issuer}/.well-known/jwks.json").json()["keys"]


def test_browsers_are_led_on_from_there(provider: Installation) -> None:
    asked = {"response_type": "code", "client_id": "web", "redirect_uri": WEB_CB, "scope": "openid"}
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    response = get(f"{provider.issuer}/authorize/", **asked, **pkce)
    assert response.status_code == 302
    assert urlsplit(response.headers["Location"]).path == "/o/accounts/login/"
    assert get(f"{provider.issuer}/authorize/", client_id="nobody").status_code == 400
    ours, theirs = (get(f"{provider.issuer}{path}") for path in ("/oauth2/logout", "/logout/"))
    assert (theirs.status_code, theirs.headers.get("Location")) == (ours.status_code, ours.headers.get("Location"))
    assert theirs.status_code != 404


def test_they_are_off_unless_somebody_says_where_they_were() -> None:
    asked = "from idp.fast_path import BY_PATH; print(sum(path.startswith('/o/') for path in BY_PATH))"
    assert run("-c", f"import django; django.setup(); {asked}", DJANGO_SETTINGS_MODULE="idp.settings").stdout == "0\n"


@pytest.mark.parametrize(
    ("value", "issuer", "read"),
    [
        ("/o", "http://localhost:8000", "/o"),
        ("/o/", "http://localhost:8000/o", "/o"),
        (" ", "http://localhost:8000", ""),
    ],
)
def test_the_place_is_a_path_below_the_issuer(value: str, issuer: str, read: str) -> None:
    assert value_of("IDP_TOOLKIT_PATHS", IDP_TOOLKIT_PATHS=value, IDP_ISSUER=issuer) == read


@pytest.mark.parametrize(
    ("value", "issuer", "why"),
    [
        ("o", "http://localhost:8000", "must be a path"),
        ("/o?x", "http://localhost:8000", "must be a path"),
        ("/o/../x", "http://localhost:8000", "must be a path"),
        ("/o", "http://localhost:8000/auth", "lie below it"),
        ("/author", "http://localhost:8000/auth", "lie below it"),
    ],
)
def test_any_other_place_is_refused_at_the_start(value: str, issuer: str, why: str) -> None:
    done = run("-c", "from idp import settings", IDP_TOOLKIT_PATHS=value, IDP_ISSUER=issuer)
    assert done.returncode != 0
    assert why in done.stderr
