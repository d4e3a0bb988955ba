"""What a provider elsewhere may answer, and what must never sign anybody in (rule U1)."""

from __future__ import annotations

import json
import logging
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from jwcrypto.jwk import JWK

from accounts.models import SignIn, User
from projects.events import SecurityEvent
from projects.upstream import id_tokens
from projects.upstream.models import Connector
from projects.upstream.oidc import made_of
from projects.upstream.told import Refused
from tests.projects.upstream.elsewhere import KEY, SECRET, Visitor, asked, connector
from tests.projects.upstream.fake import SUB, WELL_KNOWN, Provider
from tests.world import CHALLENGE, Response

REQUEST = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": "https://web.acme.example/cb",
    "scope": "openid",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def linked(world: None, fake: Provider) -> Connector:
    """A connector, by which the owner signs in."""
    made = connector(fake.issuer)
    SocialAccount.objects.create(user=User.objects.get(username="owner"), provider=KEY, uid=SUB)
    return made


def returned(fake: Provider, visitor: Visitor, location: str, **more: Any) -> Response:
    """Back from the provider, with what an honest one says, and what a test changes of it."""
    request = asked(location)
    said = {"code": request["nonce"], "state": request["state"], "iss": fake.issuer, **more}
    return visitor.here.get(f"/accounts/from/{KEY}/callback", {n: v for n, v in said.items() if v is not None})


def visited(fake: Provider, **more: Any) -> Response:
    visitor = Visitor("")
    return returned(fake, visitor, visitor.begin(), **more)


def waiting_in(page: Response) -> str:
    return parse_qs(urlsplit(page["Location"]).query)["next"][0]


def refused_as(answer: Response, reason: str, status: int) -> None:
    """A page that says what happened, an event that says no more, and nobody is signed in."""
    assert answer.status_code == status, answer.content
    assert b"Choose a way to sign in" in answer.content
    event = SecurityEvent.objects.get(kind="connector.refused")
    assert event.detail == {"connector": KEY, "reason": reason}
    assert not SignIn.objects.exists()


def test_what_is_asked_there(linked: Connector, fake: Provider) -> None:
    request = asked(Visitor("").begin())
    assert request["client_id"] == "federation"
    assert request["redirect_uri"] == f"http://localhost:8000/accounts/from/{KEY}/callback"
    assert request["code_challenge_method"] == "S256"
    assert len(request["state"]) >= 43
    assert request["nonce"] not in ("", request["state"])


def test_the_code_is_redeemed_with_the_verifier_and_the_secret(linked: Connector, fake: Provider) -> None:
    visitor = Visitor("")
    location = visitor.begin()
    assert returned(fake, visitor, location)["Location"] == "/"
    [(form, headers)] = [one[1:] for one in fake.asked if one[0] == "/token_endpoint"]
    assert form["code_verifier"] == made_of(asked(location)["state"], "verifier")
    assert headers["Authorization"].startswith("Basic ")
    assert SECRET not in json.dumps(form)
    assert SignIn.objects.get().user.username == "owner"


def test_where_only_post_is_known_the_secret_goes_into_the_form(linked: Connector, fake: Provider) -> None:
    fake.documents[WELL_KNOWN]["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert visited(fake).status_code == 302
    [form] = [form for path, form, _headers in fake.asked if path == "/token_endpoint"]
    assert (form["client_id"], form["client_secret"]) == ("federation", SECRET)


# --- State, and who may come back with it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [{"state": None}, {"state": ""}, {"state": "guessed"}, {"state": "\0"}, {"state": ["a", "b"]}]
)
def test_u1_a_state_that_is_not_of_this_browser_signs_nobody_in(linked: Connector, fake: Provider, more: Any) -> None:
    refused_as(visited(fake, **more), "unknown_state", 400)
    assert [path for path, _form, _headers in fake.asked] == [WELL_KNOWN], "and its code is not redeemed"


def test_u1_an_answer_in_another_browser_signs_nobody_in(linked: Connector, fake: Provider) -> None:
    location = Visitor("").begin()
    refused_as(returned(fake, Visitor(""), location), "unknown_state", 400)


def test_u1_an_answer_works_once(linked: Connector, fake: Provider) -> None:
    visitor = Visitor("")
    location = visitor.begin()
    assert returned(fake, visitor, location).status_code == 302
    assert returned(fake, visitor, location).status_code == 400


def test_u1_an_answer_for_one_connector_is_none_for_another(linked: Connector, fake: Provider) -> None:
    connector(fake.issuer, id="other")
    visitor = Visitor("")
    request = asked(visitor.begin())
    said = {"code": request["nonce"], "state": request["state"], "iss": fake.issuer}
    answer = visitor.here.get("/accounts/from/other/callback", said)
    assert answer.status_code == 400
    assert not SignIn.objects.exists()


@pytest.mark.parametrize("iss", [None, "", "https://evil.example"])
def test_u1_an_answer_of_another_issuer_is_refused(linked: Connector, fake: Provider, iss: str | None) -> None:
    """RFC 9207: this one says that it names itself, so an answer without a name is of another."""
    refused_as(visited(fake, iss=iss), "another_issuer", 403)
    assert "/token_endpoint" not in [path for path, _form, _headers in fake.asked]


def test_who_never_says_that_it_names_itself_need_not(linked: Connector, fake: Provider) -> None:
    del fake.documents[WELL_KNOWN]["authorization_response_iss_parameter_supported"]
    assert visited(fake, iss=None).status_code == 302


# --- ID tokens ------------------------------------------------------------------------------------------------------

TIMES = ("exp", "iat", "nbf", "auth_time")


def from_now(claims: dict[str, Any]) -> dict[str, Any]:
    """Seconds from now as moments."""
    now = int(time.time())
    return {name: now + value if name in TIMES and type(value) is int else value for name, value in claims.items()}


WRONG_CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"iss": "https://evil.example"}, "another_issuer"),
    ({"iss": None}, "another_issuer"),
    ({"aud": "somebody-else"}, "not_proved"),
    ({"aud": ["federation", "other"]}, "not_proved"),
    ({"aud": ["federation", "other"], "azp": "other"}, "not_proved"),
    ({"azp": "other"}, "not_proved"),
    ({"nonce": "of another sign-in"}, "replayed"),
    ({"nonce": None}, "replayed"),
    ({"exp": -3600}, "clock"),
    ({"exp": None}, "malformed"),
    ({"exp": True}, "malformed"),
    ({"iat": 3600}, "clock"),
    ({"nbf": 3600}, "clock"),
    ({"iat": None}, "malformed"),
    ({"sub": None}, "malformed"),
    ({"sub": ""}, "malformed"),
    ({"sub": 7}, "malformed"),
    ({"sub": "x" * 256}, "malformed"),
    ({"sub": "another than userinfo's"}, "not_proved"),
]


@pytest.mark.parametrize(("claims", "reason"), WRONG_CLAIMS, ids=[str(one) for one in range(len(WRONG_CLAIMS))])
def test_u1_an_id_token_that_does_not_hold_signs_nobody_in(
    linked: Connector, fake: Provider, claims: dict[str, Any], reason: str
) -> None:
    fake.claims = from_now(claims)
    refused_as(visited(fake), reason, {"malformed": 502}.get(reason, 403))


def test_u1_an_id_token_for_several_that_names_us_as_its_reader_is_ours(linked: Connector, fake: Provider) -> None:
    fake.claims = {"aud": ["federation", "other"], "azp": "federation"}
    assert visited(fake).status_code == 302


@pytest.mark.parametrize("skew", [-30, 30])
def test_clocks_may_differ_a_little(linked: Connector, fake: Provider, skew: int) -> None:
    fake.claims = from_now({"iat": skew, "exp": skew + 5})
    assert visited(fake).status_code == 302


def test_u1_a_signature_by_another_key_is_none(linked: Connector, fake: Provider) -> None:
    fake.signs_with = JWK.generate(kty="EC", crv="P-256", kid="one")
    refused_as(visited(fake), "not_proved", 403)


@pytest.mark.parametrize("typ", ["logout+jwt", "at+jwt"])
def test_u1_a_token_of_another_kind_is_no_id_token(linked: Connector, fake: Provider, typ: str) -> None:
    fake.header = {"typ": typ}
    refused_as(visited(fake), "not_proved", 403)


def test_keys_that_changed_are_fetched_once_more(
    linked: Connector, fake: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert visited(fake).status_code == 302
    SignIn.objects.all().delete()
    fake.key = JWK.generate(kty="EC", crv="P-256", kid="two", use="sig", alg="ES256")
    fake.header = {"kid": "two"}
    fake.documents["/jwks_uri"] = {"keys": [fake.key.export_public(as_dict=True)]}
    monkeypatch.setattr("projects.upstream.fetched.RETRY", 0.0)
    assert visited(fake).status_code == 302


@pytest.mark.parametrize("secret", ["", SECRET])
@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_u1_whoever_knows_only_our_secret_signs_nothing(algorithm: str, secret: str) -> None:
    token = "eyJhbGciOiJub25lIn0.e30.eA" if algorithm == "none" else "eyJhbGciOiJIUzI1NiJ9.e30.eA"
    expected = id_tokens.Expected("https://idp.example", "federation", "n", int(time.time()))
    with pytest.raises(Refused) as refused:
        id_tokens.verified(token, expected, lambda _kid, _algorithm: None)
    assert refused.value.reason == "not_proved"


# --- A fresh sign-in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("told", "holds"), [(None, False), (-7200, False), (5, True)])
def test_who_was_asked_to_prove_it_anew_says_when_they_did(
    linked: Connector, fake: Provider, told: int | None, holds: bool
) -> None:
    visitor = Visitor("")
    page = visitor.here.get("/oauth2/authorize", {**REQUEST, "prompt": "login"})
    location = visitor.begin(next_url=waiting_in(page))
    assert (asked(location)["prompt"], asked(location)["max_age"]) == ("login", "0")
    fake.claims = from_now({"auth_time": told})
    answer = returned(fake, visitor, location)
    if holds:
        assert answer.status_code == 302
    else:
        refused_as(answer, "not_fresh", 403)


def test_who_signed_in_there_an_hour_ago_did_so_an_hour_ago_here(linked: Connector, fake: Provider) -> None:
    fake.claims = from_now({"auth_time": -3600})
    assert visited(fake).status_code == 302
    assert SignIn.objects.get().auth_time.timestamp() == fake.claims["auth_time"]


def test_what_an_app_hints_at_is_hinted_at_there(linked: Connector, fake: Provider) -> None:
    visitor = Visitor("")
    page = visitor.here.get("/oauth2/authorize", {**REQUEST, "login_hint": "ada@corp.example"})
    assert asked(visitor.begin(next_url=waiting_in(page)))["login_hint"] == "ada@corp.example"


# --- Failures of theirs ---------------------------------------------------------------------------------------------

DOCUMENTS: list[tuple[dict[str, Any], str, int]] = [
    ({"/token_endpoint": b"<html>"}, "malformed", 502),
    ({"/token_endpoint": ["a list"]}, "malformed", 502),
    ({"/token_endpoint": {}}, "malformed", 502),
    ({"/token_endpoint": {"id_token": 7, "access_token": "at"}}, "malformed", 502),
    ({"/token_endpoint": {"id_token": "a.b.c", "access_token": "at"}}, "malformed", 502),
    ({"/token_endpoint": b"x" * 200_000}, "unreachable", 503),
    ({"/jwks_uri": {"keys": []}}, "not_proved", 403),
    ({"/jwks_uri": {"keys": [7, {"kid": "one", "kty": "EC", "crv": "P-256", "x": "!"}]}}, "not_proved", 403),
    ({"/jwks_uri": None}, "unreachable", 503),
    ({"/userinfo": None}, "not_redeemed", 502),
    ({"/userinfo": b"\xff"}, "malformed", 502),
]


@pytest.mark.parametrize(("documents", "reason", "status"), DOCUMENTS, ids=[str(one) for one in range(len(DOCUMENTS))])
def test_what_cannot_be_read_ends_on_a_page(
    linked: Connector, fake: Provider, documents: dict[str, Any], reason: str, status: int
) -> None:
    fake.documents |= documents
    refused_as(visited(fake), reason, status)


def test_a_code_that_is_not_taken_ends_on_a_page(linked: Connector, fake: Provider) -> None:
    fake.statuses["/token_endpoint"] = 400
    refused_as(visited(fake), "not_redeemed", 502)


@pytest.mark.parametrize("error", ["access_denied", "login_required"])
def test_who_cancels_there_chooses_again_here(linked: Connector, fake: Provider, error: str) -> None:
    refused_as(visited(fake, code=None, error=error), "cancelled", 403)


@pytest.mark.parametrize("more", [{"error": "server_error"}, {"error": "<script>"}])
def test_errors_of_theirs_end_on_a_page(linked: Connector, fake: Provider, more: dict[str, str]) -> None:
    answer = visited(fake, code=None, **more)
    refused_as(answer, "denied", 403)
    assert b"<script>" not in answer.content


@pytest.mark.parametrize("metadata", [{}, {"issuer": "https://evil.example"}, None, b"<html>"])
def test_metadata_that_is_gone_or_anothers_begins_nothing(linked: Connector, fake: Provider, metadata: Any) -> None:
    fake.documents[WELL_KNOWN] = metadata
    answer = Visitor("").here.post(f"/accounts/from/{KEY}/")
    assert answer.status_code in (403, 502, 503)
    assert b"Choose a way to sign in" in answer.content


def test_nobody_is_led_to_a_script(world: None, fake: Provider) -> None:
    connector(fake.issuer)
    fake.documents[WELL_KNOWN]["authorization_endpoint"] = "javascript:alert(1)"
    answer = Visitor("").here.post(f"/accounts/from/{KEY}/")
    assert answer.status_code == 502
    assert b"javascript" not in answer.content


def test_what_has_just_failed_is_not_waited_for_by_everybody(
    world: None, fake: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector(fake.issuer)
    fake.documents[WELL_KNOWN] = None
    for _ in range(3):
        assert Visitor("").here.post(f"/accounts/from/{KEY}/").status_code == 503
    assert len(fake.asked) == 1
    monkeypatch.setattr("projects.upstream.fetched.AGAIN", 0.0)
    fake.documents = fake.honest(fake.origin)
    assert Visitor("").here.post(f"/accounts/from/{KEY}/").status_code == 200


def test_a_machine_that_is_away_is_said_to_be_away(world: None) -> None:
    connector("http://127.0.0.1:1")
    assert Visitor("").here.post(f"/accounts/from/{KEY}/").status_code == 503


def test_nothing_that_was_sent_is_in_the_log(
    linked: Connector, fake: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    fake.claims = {"nonce": "wrong", "email": "ada@corp.example"}
    with caplog.at_level(logging.INFO):
        visited(fake)
    for secret in (SECRET, "ada@corp.example", SUB):
        assert secret not in caplog.text
