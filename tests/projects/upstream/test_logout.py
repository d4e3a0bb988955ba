"""A provider elsewhere says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.socialaccount.models import SocialAccount
from django.test import Client as Http
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwcrypto.jwk import JWK

from accounts.models import AccountEvent, SignIn, User
from projects.upstream import logout
from projects.upstream.models import Connector
from tests.projects.upstream.elsewhere import KEY, Visitor, connector
from tests.projects.upstream.fake import LOGOUT, SUB, Provider
from tests.projects.upstream.test_oidc import from_now, returned
from tests.world import Browser, Response

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
ADDRESS = f"/accounts/from/{KEY}/logout"


@pytest.fixture
def linked(world: None, fake: Provider) -> Connector:
    made = connector(fake.issuer)
    SocialAccount.objects.create(user=User.objects.get(username="owner"), provider=KEY, uid=SUB)
    return made


def come(fake: Provider, sid: str | None = "there") -> Visitor:
    fake.claims = {"sid": sid}
    visitor = Visitor("")
    assert returned(fake, visitor, visitor.begin()).status_code == 302
    return visitor


def told(token: str, **more: Any) -> Response:
    return Http(enforce_csrf_checks=True).post(ADDRESS, {"logout_token": token, **more})


def live() -> int:
    return SignIn.objects.filter(ended_at=None).count()


@pytest.mark.parametrize("changed", [{}, {"sub": None}, {"sid": None}], ids=["both", "session", "person"])
def test_who_signed_out_there_is_signed_out_here(linked: Connector, fake: Provider, changed: dict[str, Any]) -> None:
    visitor = come(fake)
    answer = told(fake.logout_token(**changed))
    assert (answer.status_code, answer.content) == (200, b"")
    assert "no-store" in answer["Cache-Control"]
    assert (live(), visitor.here.get("/accounts/security/").status_code) == (0, 302)
    event = AccountEvent.objects.get(kind="upstream.signed_out")
    assert (event.sub, event.detail) == (User.objects.get(username="owner").sub, {"connector": KEY})


def test_one_session_there_is_one_session_here(linked: Connector, fake: Provider) -> None:
    come(fake, "first")
    come(fake, "second")
    assert told(fake.logout_token(sid="first")).status_code == 200
    assert live() == 1
    assert told(fake.logout_token(sid=None)).status_code == 200
    assert live() == 0


@pytest.mark.parametrize("changed", [{"sub": "another"}, {"sid": "another"}, {"sub": "another", "sid": None}])
def test_of_others_nothing_ends_and_nobody_hears_who_is_here(
    linked: Connector, fake: Provider, changed: dict[str, Any]
) -> None:
    come(fake)
    assert told(fake.logout_token(**changed)).status_code == 200
    assert live() == 1


def test_what_did_not_come_from_there_stays(linked: Connector, fake: Provider) -> None:
    Browser("owner")
    come(fake, None)
    assert told(fake.logout_token(sid=None)).status_code == 200
    assert [row.connector for row in SignIn.objects.filter(ended_at=None)] == [""]


def test_another_connector_has_sessions_of_its_own(linked: Connector, fake: Provider) -> None:
    connector(fake.issuer, id="other")
    come(fake)
    answer = Http().post("/accounts/from/other/logout", {"logout_token": fake.logout_token()})
    assert (answer.status_code, live()) == (200, 1)


def test_a_token_that_comes_again_ends_nothing_new(linked: Connector, fake: Provider) -> None:
    token = fake.logout_token(sid=None, exp=int(time.time()) + 3600)
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        come(fake)
        assert (told(token).status_code, live()) == (200, 1)


def test_a_proof_of_another_session_there_ends_with_that(linked: Connector, fake: Provider) -> None:
    """Who proved it again stands on the session in which they did."""
    visitor = come(fake, "first")
    location = visitor.begin()
    fake.claims = {"sid": "second", **from_now({"auth_time": 0})}
    returned(fake, visitor, location)
    assert told(fake.logout_token(sid="second")).status_code == 200
    assert live() == 0


WRONG: list[dict[str, Any]] = [
    {"iss": "https://evil.example"},
    {"iss": None},
    {"aud": "somebody-else"},
    {"aud": None},
    {"exp": -3600},
    {"exp": None},
    {"iat": 3600},
    {"iat": None},
    {"iat": "now"},
    {"events": None},
    {"events": {}},
    {"events": [LOGOUT]},
    {"events": {LOGOUT: None}},
    {"events": {LOGOUT: "x"}},
    {"nonce": ""},
    {"nonce": "n"},
    {"sub": None, "sid": None},
    {"sub": 7},
    {"sub": "", "sid": "there"},
    {"sid": 7},
    {"sid": ""},
    {"sid": "x" * 2000},
]


@pytest.mark.parametrize("changed", WRONG, ids=[str(one) for one in range(len(WRONG))])
def test_a_token_that_does_not_hold_ends_nothing(linked: Connector, fake: Provider, changed: dict[str, Any]) -> None:
    come(fake)
    answer = told(fake.logout_token(**from_now(changed)))
    assert (answer.status_code, answer.json()["error"], live()) == (400, "invalid_request", 1)


@pytest.mark.parametrize(
    "changed", [{"iat": -(2**52)}, {"iat": 0}, {"iat": -1}, {"exp": 2**52}, {"events": {LOGOUT: {"x": 1}}}]
)
def test_odd_moments_fail_nowhere(linked: Connector, fake: Provider, changed: dict[str, Any]) -> None:
    assert told(fake.logout_token(**changed)).status_code == 200


def test_whoever_has_another_key_ends_nothing(linked: Connector, fake: Provider) -> None:
    come(fake)
    fake.signs_with = JWK.generate(kty="EC", crv="P-256", kid="one")
    assert (told(fake.logout_token()).status_code, live()) == (400, 1)


@pytest.mark.parametrize("typ", ["at+jwt", "id_token+jwt"])
def test_a_token_of_another_kind_is_none(linked: Connector, fake: Provider, typ: str) -> None:
    come(fake)
    fake.header = {"typ": typ}
    assert (told(fake.logout_token()).status_code, live()) == (400, 1)


def test_an_id_token_is_none(linked: Connector, fake: Provider) -> None:
    come(fake)
    assert (told(fake.id_token("nonce")).status_code, live()) == (400, 1)


def test_it_comes_once_by_a_form(linked: Connector, fake: Provider) -> None:
    come(fake)
    token = fake.logout_token()
    http = Http()
    assert http.get(ADDRESS, {"logout_token": token}).status_code == 405
    assert http.post(ADDRESS).status_code == 400
    assert http.post(ADDRESS, {"logout_token": [token, token]}).status_code == 400
    assert http.post(ADDRESS, {"logout_token": token}, content_type="application/json").status_code == 400
    assert live() == 1


@pytest.mark.parametrize(
    "changed", [{"enabled": False}, {"kind": "google"}, {"kind": "ldap"}, {"key": "moved"}], ids=str
)
def test_of_a_connector_that_is_told_nothing_there_is_no_such_page(
    linked: Connector, fake: Provider, changed: dict[str, Any]
) -> None:
    Connector.objects.update(**changed)
    assert told(fake.logout_token()).status_code == 404


def test_a_provider_that_is_away_proves_nothing(linked: Connector, fake: Provider) -> None:
    come(fake)
    Connector.objects.update(issuer="http://127.0.0.1:1")
    assert (told(fake.logout_token()).status_code, live()) == (400, 1)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.text(max_size=60) | st.binary(max_size=60).map(lambda one: one.decode("latin-1")))
def test_whatever_is_sent_is_no_failure(linked: Connector, sent: str) -> None:
    assert told(sent).status_code == 400


# --- What anybody may send costs nothing there ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [{"iss": "https://else.example"}, {"aud": "another"}, {"exp": 1}, {"events": {}}, {"nonce": "n"}],
    ids=lambda one: next(iter(one)),
)
def test_what_could_not_hold_asks_nobody_for_keys(linked: Connector, fake: Provider, changed: dict[str, Any]) -> None:
    for token in ("x", "a.b.c", fake.logout_token(**changed)):
        assert told(token).status_code == 400
    fake.header = {"typ": "at+jwt"}
    assert told(fake.logout_token()).status_code == 400
    assert fake.asked == []


def test_one_at_a_time_waits_for_a_slow_provider(
    linked: Connector, fake: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logout, "PATIENCE", 0.01)
    token = fake.logout_token()
    with logout.alone(KEY):
        assert told(token).status_code == 400
        with logout.alone("another"):
            assert fake.asked == []
    assert told(token).status_code == 200
