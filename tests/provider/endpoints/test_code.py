"""A code is good once, for a minute, for its client, its redirect URI and its verifier; refusals use nothing up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import SignIn
from clients.models import AccessToken, Authorization, Client, Grant, RefreshToken, SecurityEvent
from tests.world import BILLING, CHALLENGE, VERIFIER, WEB_CB, App, Browser, claims_of, header_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
WITHOUT_PKCE = {"code_challenge": None, "code_challenge_method": None}


@pytest.fixture
def code() -> str:
    return Browser("owner").code("web", scope="openid email offline_access")


def refusal(code: str, client_id: str = "web", **params: Any) -> str:
    """The error; nothing was issued for it."""
    issued = AccessToken.objects.count(), RefreshToken.objects.count()
    response = App(client_id).exchange(code, **params)
    assert response.status_code == 400
    assert response["Cache-Control"] == "no-store"
    assert (AccessToken.objects.count(), RefreshToken.objects.count()) == issued
    return str(response.json()["error"])


def later(seconds: int) -> Any:
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds))


def still_good(code: str) -> bool:
    return App("web").exchange(code).status_code == 200


def test_a_code_gives_tokens_once(code: str) -> None:
    answer = App("web").exchange(code).json()
    refresh_token = {"refresh_token", "refresh_token_expires_in"}  # a month unused
    assert set(answer) == {"access_token", "expires_in", "token_type", "scope", "id_token"} | refresh_token
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert answer["scope"] == "openid email offline_access"
    claims = claims_of(answer["id_token"])
    assert (claims["aud"], claims["azp"], claims["nonce"]) == ("web", "web", "the-nonce")
    assert header_of(answer["id_token"])["alg"] == "RS256"
    assert len(answer["access_token"]) >= 43, "256 bits"


@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_a_retry_within_seconds_is_refused_and_ends_nothing(client_id: str) -> None:
    """React renders twice, libraries repeat what was not answered: it is the same party, and it is signed in."""
    code = Browser("owner").code(client_id, scope="openid offline_access")
    answer = App(client_id).exchange(code).json()
    for seconds in (0, 9):
        with later(seconds):
            assert refusal(code, client_id) == "invalid_grant"
    assert App(client_id).userinfo(answer["access_token"]).status_code == 200
    assert App(client_id).refresh(answer["refresh_token"]).status_code == 200
    assert not SecurityEvent.objects.filter(kind="token.reuse").exists()
    with later(11):
        assert refusal(code, client_id) == "invalid_grant"
    assert Authorization.objects.get().ended_because == "code used twice"


@pytest.mark.parametrize(
    "changed", [{"code_verifier": "x" * 43}, {"code_verifier": None}, {"redirect_uri": "https://web.acme.example/x"}]
)
def test_with_another_verifier_or_redirect_uri_it_is_no_retry(code: str, changed: dict[str, Any]) -> None:
    App("web").exchange(code)
    assert refusal(code, **changed) == "invalid_grant"
    assert Authorization.objects.get().ended_because == "code used twice"


def test_without_pkce_a_retry_is_known_by_its_client_and_redirect_uri() -> None:
    code = Browser("owner").code("web", **WITHOUT_PKCE)
    assert App("web").exchange(code, code_verifier=None).status_code == 200
    assert refusal(code, code_verifier=None) == "invalid_grant"
    assert Authorization.objects.get().ended_at is None


def test_a_second_use_ends_the_authorization_and_every_token(code: str) -> None:
    answer = App("web").exchange(code).json()
    with later(11):
        assert refusal(code) == "invalid_grant"
    assert App("web").introspect(answer["access_token"]).json() == {"active": False}
    assert App("web").userinfo(answer["access_token"]).status_code == 401
    assert App("web").refresh(answer["refresh_token"]).json()["error"] == "invalid_grant"
    assert Authorization.objects.get().ended_because == "code used twice"
    assert SecurityEvent.objects.filter(kind="token.reuse", client_id="web").count() == 1


def test_a_second_use_counts_even_after_the_minute_and_with_other_mistakes(code: str) -> None:
    App("web").exchange(code)
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        assert refusal(code, code_verifier="x" * 43, redirect_uri="https://web.acme.example/x") == "invalid_grant"
    assert Authorization.objects.get().ended_at


def test_only_who_knows_the_verifier_ends_what_a_public_client_has() -> None:
    """Anybody may speak as one, and a used code stays in histories and logs."""
    code = Browser("owner").code("spa")
    answer = App("spa").exchange(code).json()
    for verifier in ({"code_verifier": None}, {"code_verifier": "x" * 43}, {"code_verifier": "x"}):
        assert refusal(code, "spa", **verifier, redirect_uri="https://spa.acme.example/x") == "invalid_grant"
    assert App("spa").userinfo(answer["access_token"]).status_code == 200
    with later(11):
        assert refusal(code, "spa") == "invalid_grant"
    assert Authorization.objects.get().ended_because == "code used twice"


@pytest.mark.parametrize("client_id", ["sibling", "spa", "stranger"])
def test_another_client_can_neither_use_nor_end_it(code: str, client_id: str) -> None:
    assert refusal(code, client_id, redirect_uri=WEB_CB) == "invalid_grant"
    answer = App("web").exchange(code).json()
    assert refusal(code, client_id, redirect_uri=WEB_CB) == "invalid_grant"
    assert App("web").introspect(answer["access_token"]).json()["active"] is True


def test_it_expires_after_a_minute(code: str) -> None:
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert refusal(code) == "invalid_grant"
    with time_machine.travel(timezone.now() + timedelta(seconds=50)):
        assert still_good(code)


@pytest.mark.parametrize("wrong", ["", "x", "0" * 43, "a b", "\u00e9", "x" * 5000])
def test_an_unknown_code_is_invalid(wrong: str) -> None:
    assert refusal(wrong) == ("invalid_request" if not wrong else "invalid_grant")


@pytest.mark.parametrize("redirect_uri", [None, "", "https://web.acme.example/other", WEB_CB + "/", WEB_CB.upper()])
def test_the_redirect_uri_is_the_one_of_the_request(code: str, redirect_uri: Any) -> None:
    assert refusal(code, redirect_uri=redirect_uri) == "invalid_grant"
    assert still_good(code)


def test_among_several_redirect_uris_it_is_still_that_one() -> None:
    other = "https://web.acme.example/other"
    Client.objects.filter(client_id="web").update(redirect_uris=f"{WEB_CB} {other}")
    code = Browser("owner").code("web")
    assert refusal(code, redirect_uri=other) == "invalid_grant"
    assert refusal(code, redirect_uri=None) == "invalid_request"
    assert still_good(code)


def test_it_dies_with_the_sign_in_it_came_from() -> None:
    browser = Browser("owner")
    code = browser.code("web")
    browser.http.post("/accounts/logout/")
    assert refusal(code) == "invalid_grant"
    code = Browser("owner").code("web")
    SignIn.objects.update(ended_at=timezone.now())
    assert refusal(code) == "invalid_grant"
    code = Browser("owner").code("web")
    SignIn.objects.all().delete()
    assert refusal(code) == "invalid_grant"


def test_tokens_outlive_the_sign_in(code: str) -> None:
    answer = App("web").exchange(code).json()
    SignIn.objects.update(ended_at=timezone.now())
    assert App("web").refresh(answer["refresh_token"]).status_code == 200


def test_it_is_kept_as_a_digest_only(code: str) -> None:
    row = Grant.objects.values().get()
    assert code not in str(row)
    assert refusal(row["digest"]) == "invalid_grant"


# --- PKCE (RFC 7636) -----------------------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize(
    "verifier",
    [
        *(None, "", "w" * 43, VERIFIER[:-1], VERIFIER + "v", VERIFIER.upper(), CHALLENGE, "v" * 42, "v" * 129),
        *("v" * 42 + "!", "v" * 42 + "\u00e9", VERIFIER + "\n", " " + VERIFIER),
    ],
)
@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_the_verifier_fits_the_challenge(client_id: str, verifier: Any) -> None:
    code = Browser("owner").code(client_id)
    assert refusal(code, client_id, code_verifier=verifier) == "invalid_grant"
    assert App(client_id).exchange(code).status_code == 200, "and the right one still works"


def test_a_verifier_without_a_challenge_is_refused() -> None:
    code = Browser("owner").code("web", **WITHOUT_PKCE)
    assert refusal(code) == "invalid_grant"
    assert App("web").exchange(code, code_verifier=None).status_code == 200


def test_a_client_that_requires_pkce_meanwhile_needs_it() -> None:
    code = Browser("owner").code("web", **WITHOUT_PKCE)
    Client.objects.filter(client_id="web").update(require_pkce=True)
    assert refusal(code, code_verifier=None) == "invalid_grant"


# --- What else is refused at the token endpoint --------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"audience": "https://api.acme.example/orders"},
        {"audience": "nobody"},
        {"resource": "nonsense"},
        {"scope": "openid profile"},
        {"scope": 'a"b'},
        {"audience": "a\tb"},
    ],
)
def test_refused_audiences_and_scopes_use_nothing_up(code: str, params: dict[str, str]) -> None:
    expected = "invalid_scope" if "scope" in params else refusal(code, **params)
    assert refusal(code, **params) == expected
    assert still_good(code)


@pytest.mark.any_database
@pytest.mark.parametrize("name", ["code", "redirect_uri", "code_verifier", "grant_type", "client_id", "scope", "x"])
def test_nothing_is_sent_twice(code: str, name: str) -> None:
    pairs = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", WEB_CB),
        ("code_verifier", VERIFIER),
    ]
    value = {**dict(pairs), "client_id": "web"}.get(name, "openid")
    for twice in ([(name, value), (name, value)], [(name, value), (name, "other")], [(name, ""), (name, value)]):
        response = App("web").post("/oauth2/token", [pair for pair in pairs if pair[0] != name] + twice)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
        assert response.json()["error_description"] == f"{name} was sent more than once."
    assert still_good(code)


@pytest.mark.parametrize(
    ("grant_type", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type"),
        ("Authorization_Code", "unsupported_grant_type"),
        ("refresh_token ", "unsupported_grant_type"),
        ("client_credentials", "unauthorized_client"),
    ],
)
def test_grant_types_that_are_not_offered(grant_type: Any, error: str) -> None:
    response = App("sibling").token(grant_type=grant_type, username="owner", password="owner-pw")
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_grant_types_the_client_does_not_have(code: str) -> None:
    for grant_types in (["client_credentials"], ["refresh_token"], []):
        Client.objects.filter(client_id="web").update(grant_types=grant_types)
        assert refusal(code) == "unauthorized_client"
    Client.objects.filter(client_id="web").update(grant_types=["authorization_code"])
    answer = App("web").exchange(code).json()
    assert "refresh_token" not in answer


def test_refresh_tokens_are_for_those_who_ask() -> None:
    assert "refresh_token" not in Browser("owner").tokens("web", scope="openid email")
    assert "refresh_token" in Browser("owner").tokens("web", scope="openid", access_type="offline")
    assert "refresh_token" in Browser("owner").tokens("web", scope="openid offline_access")
    assert "refresh_token" in Browser("owner").tokens("web", scope="email"), "plain OAuth, as RFC 6749 knows it"


def test_a_client_may_ask_for_one_with_every_sign_in() -> None:
    """As apps do that come from a provider where nobody has to ask: people are asked, and nothing else changes."""
    Client.objects.filter(client_id="web").update(refresh_tokens="always")
    answer = Browser("owner").tokens("web", scope="openid email")
    assert (answer["scope"], App("web").refresh(answer["refresh_token"]).json()["scope"]) == ("openid email",) * 2
    browser = Browser("member")
    page = browser.authorize("web", scope="openid email")
    assert 'value="offline_access"' in page.content.decode()
    code = redirected(browser.answer(page, scope=["openid", "email"]))["code"]
    assert "refresh_token" not in App("web").exchange(code).json(), "who does not allow it gives none"
    assert redirected(browser.authorize("web", scope=None))["error"] == "invalid_scope", "nothing was asked for"
    Client.objects.filter(client_id="web").update(grant_types=["authorization_code"])
    assert "refresh_token" not in Browser("outsider").tokens("web", scope="openid")


def test_the_granted_audience_is_in_the_token() -> None:
    answer = Browser("owner").tokens("web", audience=BILLING)
    assert App("web").introspect(answer["access_token"]).json()["aud"] == BILLING


# --- Scopes nobody registered, and `access_type` -------------------------------------------------------------------


def test_scopes_the_client_did_not_register_are_ignored_and_the_answer_says_what_was_granted() -> None:
    """Programs with fixed scopes sign people in all the same (OpenID Connect Core 1.0 section 3.1.2.1)."""
    asked = "openid groups email roles urn:custom offline_access"
    answer = Browser("owner").tokens("web", scope=asked)
    assert answer["scope"] == "openid email offline_access"
    again = App("web").refresh(answer["refresh_token"], scope=asked).json()
    assert again["scope"] == "openid email offline_access"


def test_access_type_offline_gives_a_refresh_token_and_no_scope_that_was_not_asked_for() -> None:
    answer = Browser("owner").tokens("web", scope="openid email", access_type="offline")
    assert answer["scope"] == "openid email"
    again = App("web").refresh(answer["refresh_token"]).json()
    assert again["scope"] == "openid email"
