"""What endpoints do alike: their addresses, browsers of other origins, our own name, a database that is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client as Http

from clients.models import SigningKey
from idp.fast_path import BY_PATH
from tests.world import CHALLENGE, ISSUER, WEB_CB, App, Browser, Response, basic, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
OPEN_TO_BROWSERS = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource/api/v1",
    "/.well-known/jwks.json",
    "/openid/jwks.json",
    *(f"/{prefix}/{name}" for prefix in ("oauth2", "openid") for name in ("token", "userinfo", "revoke", "par")),
]
CLOSED = ("introspect", "tokeninfo", "device_authorization")
CLOSED_TO_BROWSERS = [f"/{prefix}/{name}" for prefix in ("oauth2", "openid") for name in CLOSED]
CLOSED_TO_BROWSERS += ["/oauth2/authorize", "/openid/authorize", "/oauth2/consent", "/accounts/login/", "/"]
CLOSED_TO_BROWSERS += ["/oauth2/logout", "/openid/logout/", "/oauth2/logout/confirm"]
ORIGIN = {"Origin": "https://spa.acme.example"}
AUTHORIZE = "/oauth2/authorize?" + urlencode(
    {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": WEB_CB,
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
)


def cors(response: Response) -> dict[str, str]:
    return {name: value for name, value in response.items() if name.lower().startswith("access-control")}


# --- Browsers of other origins (protocol section 15) ---------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", OPEN_TO_BROWSERS)
def test_any_origin_may_ask_and_never_with_credentials(path: str, slash: str) -> None:
    preflight = Http().options(
        path + slash,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization,content-type",
        headers=ORIGIN,
    )
    assert (preflight.status_code, preflight.content) == (204, b"")
    answers = {"GET": Http().get(path + slash, headers=ORIGIN), "POST": Http().post(path + slash, headers=ORIGIN)}
    for response in (preflight, *answers.values()):
        assert response["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response
        assert "Set-Cookie" not in response
    allowed_headers = preflight["Access-Control-Allow-Headers"].split(", ")
    assert set(allowed_headers) == {"Authorization", "*"}, "any header; the wildcard does not stand for that one"
    allowed = preflight["Access-Control-Allow-Methods"].split(", ")
    for method, response in answers.items():
        assert (method in allowed) is (response.status_code != 405)
    assert int(preflight["Access-Control-Max-Age"]) > 0, "browsers ask once, not before every request"


def test_a_script_reads_the_challenge_and_errors_too() -> None:
    response = Http().get("/oauth2/userinfo", headers=ORIGIN)
    assert response.status_code == 401
    assert "WWW-Authenticate" in response["Access-Control-Expose-Headers"]
    assert cors(Http().post("/oauth2/token", b"{", content_type="application/json", headers=ORIGIN))


@pytest.mark.any_database
@pytest.mark.parametrize("path", CLOSED_TO_BROWSERS)
def test_all_other_endpoints_stay_closed(path: str) -> None:
    for method in ("options", "get", "post"):
        assert not cors(getattr(Http(), method)(path, headers=ORIGIN))


# --- Addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", ["oauth2", "openid"])
def test_every_endpoint_answers_under_both_names_with_and_without_a_slash(prefix: str, slash: str) -> None:
    app, browser = App("web"), Browser("owner")

    def post(name: str, **form: str) -> Response:
        response = app.post(f"/{prefix}/{name}{slash}", form)
        assert response.status_code == 200, (name, response.content)
        return response

    query = AUTHORIZE.partition("?")[2].replace("code_challenge_method=S256", "").replace(CHALLENGE, "")
    page = browser.http.get(f"/{prefix}/authorize{slash}?{query}")
    code = redirected(browser.answer(page))["code"]
    token = post("token", grant_type="authorization_code", code=code, redirect_uri=WEB_CB).json()["access_token"]
    assert app.http.get(f"/{prefix}/userinfo{slash}", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 200
    assert post("introspect", token=token).json()["active"] is True
    post("revoke", token=token)
    assert post("introspect", token=token).json() == {"active": False}
    assert app.http.get(f"/.well-known/openid-configuration{slash}").status_code == 200


def test_protocol_endpoints_need_no_middleware(settings: Any) -> None:
    tokens = Browser("owner").tokens("web", scope="openid offline_access")
    settings.MIDDLEWARE = []
    app = App("web")
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    assert app.userinfo(tokens["access_token"]).status_code == 200
    assert app.introspect(tokens["access_token"]).json()["active"] is True
    assert app.post("/oauth2/tokeninfo", {"access_token": tokens["access_token"]}, auth=None).status_code == 200
    assert app.post("/oauth2/revoke", {"token": tokens["access_token"]}).status_code == 200
    assert app.http.get("/.well-known/jwks.json").status_code == 200


# --- Our own name --------------------------------------------------------------------------------------------------

LIES = [
    {"HTTP_HOST": "127.0.0.1:9999"},
    {"HTTP_HOST": "localhost"},
    {"SERVER_NAME": "localhost", "SERVER_PORT": "1"},
    {"HTTP_X_FORWARDED_HOST": "evil.example"},
    {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_PORT": "444"},
    {"HTTP_FORWARDED": "host=evil.example;proto=https"},
    {"HTTP_X_SCRIPT_NAME": "/evil", "HTTP_X_ORIGINAL_URL": "/evil"},
    {"wsgi.url_scheme": "https"},
]


@pytest.mark.any_database
@pytest.mark.parametrize("lie", LIES)
def test_nothing_a_request_says_changes_our_name(lie: dict[str, Any]) -> None:
    http = Http(**lie)
    text = http.get("/.well-known/openid-configuration").content.decode()
    assert text == Http().get("/.well-known/openid-configuration").content.decode()
    assert "evil" not in text
    browser = Browser("owner", http)
    answer = redirected(browser.answer(browser.authorize("web", scope="openid offline_access")))
    assert answer["iss"] == ISSUER
    tokens = App("web", http).exchange(answer["code"]).json()
    assert claims_of(tokens["id_token"])["iss"] == ISSUER
    assert App("web", http).introspect(tokens["access_token"]).json()["iss"] == ISSUER
    anonymous = Http(**lie).get(AUTHORIZE)
    assert anonymous["Location"].startswith("/accounts/login/?next=%2Foauth2%2Fauthorize")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost:8000@evil.example", "a b", ""])
def test_other_hosts_are_not_served(host: str) -> None:
    for path in ("/oauth2/token", "/.well-known/openid-configuration", AUTHORIZE, "/accounts/login/"):
        assert Http(HTTP_HOST=host).get(path).status_code == 400


@pytest.mark.any_database
@pytest.mark.parametrize("path", BY_PATH)
def test_a_program_that_asks_at_another_host_is_told_in_json(path: str) -> None:
    """Inside a cluster services are reached by other names, and a page says nothing to them."""
    response = Http(HTTP_HOST="vestibule.internal:8000").post(path)
    assert (response.status_code, response["Content-Type"]) == (400, "application/json")
    said = f"This is another host than the issuer's. Ask at {ISSUER}."
    assert response.json() == {"error": "invalid_request", "error_description": said}


# --- A database that is gone ---------------------------------------------------------------------------------------


@pytest.fixture(params=[OperationalError, InterfaceError])
def gone(request: pytest.FixtureRequest) -> Iterator[None]:
    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        raise request.param("the database is gone")

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.parametrize("path", ["token", "introspect", "revoke", "userinfo", "tokeninfo"])
def test_without_a_database_endpoints_say_when_to_come_back(path: str, gone: None) -> None:
    form = {"grant_type": "client_credentials", "token": "x", "access_token": "x"}
    auth = None if path in ("userinfo", "tokeninfo") else basic("web", "web-secret")
    response = App("web").post(f"/oauth2/{path}", form, auth=auth)
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert int(response["Retry-After"]) > 0
    assert response["Cache-Control"] == "no-store"
    assert "gone" not in response.content.decode()


WRAPPED = ("request=a.b.c", "request_uri=urn:ietf:params:oauth:request_uri:x")
AUTHORIZES = [AUTHORIZE, *(f"/oauth2/authorize?{one}&client_id=web" for one in WRAPPED), "/oauth2/authorize?kept=x"]


@pytest.mark.parametrize("path", [*AUTHORIZES, "/.well-known/jwks.json", "/openid/jwks.json"])
def test_pages_and_keys_do_too(path: str, gone: None) -> None:
    response = Http().get(path)
    assert (response.status_code, int(response["Retry-After"]) > 0) == (503, True)
    assert "gone" not in response.content.decode()


def test_discovery_and_liveness_need_no_database(gone: None) -> None:
    assert Http().get("/.well-known/openid-configuration").status_code == 200
    assert Http().get("/healthz/live").status_code == 200


def test_a_person_signed_in_meets_the_same_answer() -> None:
    browser = Browser("owner")
    browser.http.raise_request_exception = False

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        raise OperationalError("the database is gone")

    with connection.execute_wrapper(refuse):
        response = browser.authorize("web")
    assert (response.status_code, int(response["Retry-After"]) > 0) == (503, True)


def test_without_a_signing_key_clients_may_try_again_and_lose_nothing() -> None:
    code = Browser("owner").code("web")
    rows = list(SigningKey.objects.all())
    SigningKey.objects.all().delete()
    response = App("web").exchange(code)
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert int(response["Retry-After"]) > 0
    SigningKey.objects.bulk_create(rows)
    assert App("web").exchange(code).status_code == 200
