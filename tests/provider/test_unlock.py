"""A lock-out is on record, with its end, and `manage.py unlock` lifts it."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import CommandError, call_command
from django.test import Client as Http
from django.utils import timezone

from accounts import guesses
from accounts.models import AccountEvent, AccountEventKind, User
from clients import secrets
from clients.models import SecurityEvent
from common import counters
from idp.status import status
from provider import device_guesses, throttle
from tests.accounts.second_steps import code, enrol, give_code, wrong_code
from tests.world import App, Response, basic

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world", "shared")]


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that all processes count in."""
    cache = LocMemCache("shared", {})
    cache.clear()
    monkeypatch.setattr(counters, "caches", {counters.ALIAS: cache})
    monkeypatch.setattr(secrets, "_proved", {})


class Away(LocMemCache):
    def get(self, *_asked: Any, **_named: Any) -> Any:
        raise ConnectionError("It does not answer.")


def unlock(*arguments: str) -> list[dict[str, str]]:
    out = StringIO()
    call_command("unlock", "--format", "json", *arguments, stdout=out)
    lifted: list[dict[str, str]] = json.loads(out.getvalue())["lifted"]
    return lifted


def ask(secret: str, client_id: str = "web", address: str = "192.0.2.1") -> int:
    form = {"grant_type": "client_credentials"}
    return App(client_id).post("/oauth2/token", form, auth=basic(client_id, secret), REMOTE_ADDR=address).status_code


def lock_client(client_id: str = "web", address: str = "192.0.2.1") -> None:
    for _ in range(throttle.PER_CLIENT):
        assert ask("wrong", client_id, address) == 401
    assert ask("wrong", client_id, address) == 429


def sign_in(http: Http, password: str = "owner-pw", login: str = "owner", address: str = "192.0.2.1") -> Response:
    return http.post("/accounts/login/", {"login": login, "password": password}, REMOTE_ADDR=address)


def lock_person(http: Http) -> None:
    for _ in range(guesses.PASSWORDS.amount):
        assert sign_in(http, "wrong").status_code == 200
    assert sign_in(http).status_code == 429


def details(row: AccountEvent | SecurityEvent) -> dict[str, Any]:
    detail: dict[str, Any] = row.detail
    assert timezone.now() < datetime.fromisoformat(detail["until"])
    return detail


def test_a_lock_out_of_a_client_is_an_event_and_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        lock_client()
        lock_client("nobody")  # whom nobody registered: anybody could fill the log with such names
    row = SecurityEvent.objects.get(kind="client.locked_out")
    assert (row.client_id, details(row)["network"]) == ("web", "192.0.2.1")
    assert caplog.text.count("Too many wrong secrets: client web, network 192.0.2.1, until ") == 1
    assert "client nobody" not in caplog.text


def test_a_lock_out_of_a_person_is_an_event_and_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        lock_person(Http())
    row = AccountEvent.objects.get(kind=AccountEventKind.LOCKED_OUT)
    assert row.sub == str(User.objects.get(username="owner").sub)
    assert (details(row)["limit"], row.detail["network"], row.detail["device"]) == ("password", "192.0.2.1", "")
    assert f"account {row.sub}, network 192.0.2.1, until " in caplog.text
    assert "owner" not in caplog.text


def test_a_lock_out_of_a_network_is_an_event() -> None:
    for number in range(guesses.NETWORK.amount):
        sign_in(Http(), "wrong", f"nobody{number}")
    row = AccountEvent.objects.get(kind=AccountEventKind.LOCKED_OUT)
    assert (row.sub, details(row)["limit"], row.detail["network"]) == ("", "sign-in-network", "192.0.2.1")
    assert unlock("--network", "192.0.2.1") == [{"what": "sign-in-network", "who": "", "network": "192.0.2.1"}]
    assert sign_in(Http()).status_code == 302


def test_wrong_codes_lock_out_too() -> None:
    person = User.objects.get(username="owner")
    enrol(person)
    http = Http()
    sign_in(http)
    for _ in range(guesses.CODES.amount):
        give_code(http, wrong_code())
    assert give_code(http, code()).status_code == 429
    assert [one["what"] for one in unlock("--user", "owner")] == ["code"]
    assert give_code(http, code()).status_code == 302


def test_a_client_is_unlocked_wherever_it_was_locked_out() -> None:
    lock_client()
    lock_client(address="192.0.2.2")
    lock_client("service")
    assert len(unlock("--client", "web")) == 2
    assert [ask("web-secret", address=address) for address in ("192.0.2.1", "192.0.2.2")] == [200, 200]
    assert ask("wrong", "service") == 429


def test_a_person_is_unlocked_in_their_own_browsers_too() -> None:
    known = Http()
    sign_in(known)
    known.post("/accounts/logout/")
    lock_person(known)
    lock_person(Http())
    assert len(unlock("--user", "owner")) == 2
    assert (sign_in(Http()).status_code, sign_in(known).status_code) == (302, 302)


def test_a_network_is_unlocked_with_what_was_locked_out_there() -> None:
    lock_client()
    lock_client("service", "198.51.100.1")
    assert [one["who"] for one in unlock("--network", "192.0.2.0/24")] == ["web"]
    assert (ask("web-secret"), ask("wrong", "service", "198.51.100.1")) == (200, 429)


def test_a_dry_run_lifts_nothing() -> None:
    lock_client()
    assert len(unlock("--client", "web", "--dry-run")) == 1
    assert ask("web-secret") == 429


def standing() -> tuple[list[str], int]:
    """Which clients have to wait, and how many locks there are on people."""
    found = status()
    locked, people = found["clients"]["locked_out"], found["people"]["lock_outs"]
    assert isinstance(locked, list)
    assert isinstance(people, int)
    return [one["client_id"] for one in locked], people


def test_what_is_lifted_is_on_record_and_stands_no_more() -> None:
    lock_client()
    lock_client("service")
    lock_person(Http())
    assert (sorted(standing()[0]), standing()[1]) == (["service", "web"], 1)
    unlock("--client", "web", "--dry-run")
    assert not SecurityEvent.objects.filter(kind="client.unlocked").exists()
    unlock("--client", "web")
    unlock("--user", "owner")
    row = SecurityEvent.objects.get(kind="client.unlocked")
    assert (row.client_id, row.detail["network"], row.detail["by"]) == ("web", "192.0.2.1", "unlock")
    assert row.detail["run_by"]
    of_person = AccountEvent.objects.get(kind=AccountEventKind.UNLOCKED)
    assert (of_person.sub, of_person.detail["by"]) == (str(User.objects.get(username="owner").sub), "unlock")
    assert standing() == (["service"], 0)
    assert unlock("--client", "web") == []


def test_who_guesses_again_is_locked_out_again() -> None:
    lock_client()
    unlock("--client", "web")
    lock_client()
    assert standing()[0] == ["web"]
    assert len(unlock("--client", "web")) == 1


def test_lifting_it_at_one_place_lifts_it_nowhere_else() -> None:
    lock_client()
    lock_client(address="198.51.100.1")
    lock_person(Http())
    unlock("--network", "198.51.100.0/24")
    assert standing() == (["web"], 1)
    assert ask("wrong") == 429


def test_it_says_so_in_words() -> None:
    lock_client()
    out = StringIO()
    call_command("unlock", "--client", "web", stdout=out)
    call_command("unlock", "--client", "service", stdout=out)
    assert out.getvalue().splitlines() == ["client web from 192.0.2.1: lifted", "Nothing is locked."]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--client", "nobody"], "There is no client nobody"),
        (["--user", "nobody"], "There is no account nobody"),
        (["--network", "the office"], "--network takes an address"),
        ([], "required"),
        (["--client", "web", "--user", "owner"], "not allowed with"),
    ],
)
def test_what_cannot_be_unlocked_is_said(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        unlock(*arguments)


def test_the_memory_of_a_server_is_out_of_its_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(CommandError, match="own memory"):
        unlock("--client", "web")


def test_a_cache_that_is_away_lifts_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the lock-out would be told as lifted, and go on as soon as the cache is back."""
    lock_client()
    monkeypatch.setattr(counters, "caches", {counters.ALIAS: Away("away", {})})
    with pytest.raises(CommandError, match="does not answer"):
        unlock("--client", "web")
    assert not SecurityEvent.objects.filter(kind="client.unlocked").exists()
    assert standing()[0] == ["web"]


@pytest.mark.parametrize(
    "name", ["\uff4fwner", "OWNER", "Owner@people.example", "owner@people\N{IDEOGRAPHIC FULL STOP}example"]
)
def test_a_person_is_named_in_any_spelling(name: str) -> None:
    lock_person(Http())
    assert [one["what"] for one in unlock("--user", name)] == ["password"]
    assert sign_in(Http()).status_code == 302


def test_who_mistyped_codes_of_devices_types_on() -> None:
    owner = User.objects.get(username="owner")
    http = Http(REMOTE_ADDR="192.0.2.1")
    http.force_login(owner)
    for _guess in range(device_guesses.ACCOUNT.amount):
        assert http.post("/device", {"user_code": "BBBB-BBBB"}).status_code == 200
    assert http.post("/device", {"user_code": "BBBB-BBBB"}).status_code == 429
    locked = {"what": "device-code-account", "who": str(owner.sub), "network": "192.0.2.1"}
    assert unlock("--user", "member") == []
    assert unlock("--network", "192.0.2.0/24", "--dry-run") == [locked]
    assert unlock("--user", "owner") == [locked]
    assert SecurityEvent.objects.get(kind="device.unlocked").detail["person"] == str(owner.sub)
    assert unlock("--user", "owner") == []
    assert http.post("/device", {"user_code": "BBBB-BBBB"}).status_code == 200
