"""A node whose clock is wrong: what it issues works on the others, and what they issued works there."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from accounts import outbox
from accounts.models import SignIn, User
from clients.models import Authorization, Client, Grant, SigningKey
from common import clock, service
from tests.world import App, Browser, claims_of, header_of, redirected

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db, pytest.mark.usefixtures("world")]
_compare = clock.compare
TWO_MINUTES = timedelta(minutes=2)


@pytest.fixture(autouse=True)
def _compared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(clock, "compare", _compare)
    yield
    clock._Clock.behind = timedelta(0)


@pytest.mark.parametrize("off", [TWO_MINUTES, -TWO_MINUTES])
def test_a_code_of_a_node_with_a_wrong_clock_is_exchanged_on_another(off: timedelta) -> None:
    browser = Browser("owner")
    browser.code("web")  # its consent is there
    with time_machine.travel(timezone.now() + off, tick=True):
        code = browser.code("web")
    assert App("web").exchange(code).status_code == 200


@pytest.mark.parametrize("off", [TWO_MINUTES, -TWO_MINUTES])
def test_a_node_with_a_wrong_clock_exchanges_codes_and_checks_tokens_of_others(off: timedelta) -> None:
    code, other = Browser("owner").code("web"), Browser("owner").tokens("web")
    with time_machine.travel(timezone.now() + off, tick=True):
        answer = App("web").exchange(code)
        assert answer.status_code == 200
        assert App("web").userinfo(other["access_token"]).status_code == 200
    claims = claims_of(answer.json()["id_token"])
    assert abs(claims["iat"] - timezone.now().timestamp()) < 10


@contextmanager
def node(off: timedelta) -> Iterator[None]:
    """A node with this clock, which has answered something before."""
    with time_machine.travel(timezone.now() + off, tick=True):
        App("service").token(grant_type="client_credentials")
        yield
    App("service").token(grant_type="client_credentials")


@pytest.mark.parametrize("off", [TWO_MINUTES, -TWO_MINUTES])
def test_what_a_node_with_a_wrong_clock_writes_has_the_time_of_the_database(off: timedelta) -> None:
    browser = Browser()
    with node(off):
        browser.http.post("/accounts/login/", {"login": "owner", "password": "owner-pw"})
        browser.code("web")
        browser.http.post("/accounts/logout/")
    sign_in, authorization = SignIn.objects.get(), Authorization.objects.get()
    moments = [sign_in.auth_time, sign_in.created_at, sign_in.seen_at, sign_in.ended_at, Grant.objects.get().created]
    for moment in (*moments, authorization.created_at, authorization.auth_time):
        assert moment is not None
        assert abs(moment - timezone.now()) < timedelta(seconds=20)


@pytest.mark.parametrize("off", [TWO_MINUTES, -TWO_MINUTES])
def test_tokens_that_were_ended_are_ended_and_those_after_are_not(off: timedelta) -> None:
    before = Browser("owner").tokens("web")["access_token"]
    with node(off):
        also_before = Browser("owner").tokens("web")["access_token"]
    User.objects.filter(username="owner").update(tokens_not_before=timezone.now())
    with node(off):
        after = Browser("owner").tokens("web")["access_token"]
    assert [App("web").userinfo(one).status_code for one in (before, also_before, after)] == [401, 401, 200]


@pytest.mark.parametrize("off", [TWO_MINUTES, -TWO_MINUTES])
def test_a_fresh_sign_in_is_fresh_on_a_node_with_another_clock(off: timedelta) -> None:
    browser = Browser("owner")
    with node(off):
        here = parse_qs(urlsplit(browser.authorize("web", prompt="login")["Location"]).query)["next"][0]
    browser.http.post("/accounts/reauthenticate/", {"password": "owner-pw", "next": here})
    with node(off):
        page = browser.http.get(here)
        assert page.status_code == 200, "it asks for consent, and not for the password again"
        assert redirected(browser.answer(page))["code"]


@pytest.mark.parametrize("off", [TWO_MINUTES, -TWO_MINUTES])
def test_a_command_on_a_node_with_a_wrong_clock_ends_what_was_issued_until_now(off: timedelta) -> None:
    """No row tells of the JWT that a client got for itself: only the moment ends it."""
    Client.objects.filter(client_id="service").update(access_token_format="jwt")
    before = App("service").token(grant_type="client_credentials").json()["access_token"]
    time.sleep(1.1)  # JWTs tell whole seconds
    with time_machine.travel(timezone.now() + off, tick=True):
        clock._Clock.behind = timedelta(0)  # a process of its own, which knows nothing yet
        call_command("revoke", "--client", "service")
    assert App("service").introspect(before).json() == {"active": False}
    time.sleep(1.1)
    after = App("service").token(grant_type="client_credentials").json()["access_token"]
    assert App("service").introspect(after).json()["active"]


@pytest.mark.parametrize("off", [TWO_MINUTES, -TWO_MINUTES])
def test_a_key_that_a_node_with_a_wrong_clock_retires_has_signed_until_now(off: timedelta) -> None:
    Client.objects.filter(client_id="service").update(access_token_format="jwt")
    SigningKey.objects.update(created_at=timezone.now() - timedelta(hours=1))
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    with time_machine.travel(timezone.now() + off, tick=True):
        clock._Clock.behind = timedelta(0)
        call_command("rotatekeys")
    retired = SigningKey.objects.get(kid=header_of(token)["kid"])
    assert retired.retired_at is not None
    assert abs(retired.retired_at - timezone.now()) < timedelta(seconds=10)
    assert App("service").introspect(token).json()["active"]


def test_a_service_learns_when_its_clock_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[timedelta] = []
    with time_machine.travel(timezone.now() - TWO_MINUTES, tick=True) as travelled:

        def deliver(*_: object) -> None:
            seen.append(clock._Clock.behind)
            if len(seen) == 2:
                signal.raise_signal(signal.SIGTERM)
            travelled.shift(TWO_MINUTES)

        monkeypatch.setattr(outbox, "deliver", deliver)
        monkeypatch.setattr(service, "close_old_connections", lambda: None)  # the one of this test has to stay
        call_command("delivermail", "--interval", "0.05")
    assert abs(seen[0] - TWO_MINUTES) < timedelta(seconds=10)
    assert seen[1] == timedelta(0)


def test_a_clock_that_is_off_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        clock.compare(timezone.now() + TWO_MINUTES)
    assert [record.getMessage().partition(" by ")[0] for record in caplog.records] == [
        "The clock of this machine differs from the database's"
    ]
    assert abs(clock.now() - timezone.now() - TWO_MINUTES) < timedelta(seconds=1)
    clock.compare(timezone.now() + timedelta(milliseconds=300))
    assert clock._Clock.behind == timedelta(0), "the network may be slower than that"
    clock.compare(timezone.now() - timedelta(seconds=3), took=timedelta(seconds=3))
    assert clock._Clock.behind == timedelta(0), "an answer that took so long says nothing"
