"""`manage.py doctor`: each fault it is there for is found, said in a line, and comes with what to do."""

from __future__ import annotations

import json
import smtplib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from clients.models import RefusedRequest, SigningKey
from common import counters
from common.command import NO, WRONG_USE
from common.redis_cache import RedisCache
from common.timers import TimerRun
from idp import doctor
from idp.doctor import FAILED, OK, WARNING, Finding, database, installation, neighbours, outside
from idp.management.commands.doctor import CHECKS
from provider.keys import rotation

pytestmark = pytest.mark.django_db


def states(found: Iterable[Finding]) -> set[str]:
    return {one.state for one in found}


def only(found: Iterable[Finding]) -> Finding:
    [one] = found
    assert one.state == OK or one.remedy, "what is not well comes with what to do"
    return one


# --- The command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks in the thread of the test, which has its own database."""
    monkeypatch.setattr(doctor, "within", lambda _seconds, check: doctor.found_by(check))


def run(*arguments: str) -> tuple[int, Any]:
    out = StringIO()
    try:
        call_command("doctor", "--format", "json", *arguments, stdout=out, stderr=StringIO())
    except CommandError as error:
        return error.returncode, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


@pytest.mark.usefixtures("here", "keys")
def test_what_is_well_is_said_and_ends_with_0() -> None:
    status, found = run("--only", "database", "--only", "schema", "--only", "keys", "--only", "cache")
    assert (status, found["failed"]) == (0, 0)
    assert {one["check"] for one in found["checks"]} == {"database", "schema", "keys", "cache"}


@pytest.mark.usefixtures("here")
def test_one_that_failed_ends_with_1_and_the_others_are_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Finding]:
        raise OperationalError("connection refused")

    monkeypatch.setitem(CHECKS, "clock", broken)
    status, found = run("--only", "clock", "--only", "schema")
    assert status == NO
    assert [(one["check"], one["state"]) for one in found["checks"]] == [("schema", OK), ("clock", FAILED)]
    assert "The database cannot be used" in found["checks"][1]["said"]
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("doctor", "--only", "clock", stdout=out)
    assert out.getvalue().splitlines()[-1] == "0 ok, 0 warnings, 1 failed"


def test_nothing_hangs_it() -> None:
    over, ended = threading.Event(), threading.Event()

    def late() -> Iterator[Finding]:
        over.wait(60)
        ended.set()
        yield doctor.ok("late")

    [one] = doctor.within(0.1, late)
    assert (one.state, ended.is_set()) == (FAILED, False)
    assert "No answer within 0.1 seconds" in one.said
    over.set()


def test_what_breaks_in_a_check_is_a_finding_without_its_words() -> None:
    def broken() -> Iterable[Finding]:
        raise RuntimeError("redis://:topsecret@cache")

    [one] = doctor.found_by(broken)
    assert one.state == FAILED
    assert "topsecret" not in one.said + one.remedy


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("address", ["nobody", "a@b\0"])
def test_a_mail_goes_to_an_address_only(address: str) -> None:
    assert run("--only", "disk", "--send-to", address)[0] == WRONG_USE


@pytest.mark.usefixtures("here")
def test_a_mail_is_sent_when_asked_for(settings: Any, mailoutbox: list[Any]) -> None:
    settings.IDP_MAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    _status, found = run("--only", "disk", "--send-to", "operator@acme.example")
    assert [one["state"] for one in found["checks"] if one["check"] == "sending"] == [OK]
    assert [mail.to for mail in mailoutbox] == [["operator@acme.example"]]


# --- The database --------------------------------------------------------------------------------------------------


def test_a_database_that_takes_no_writes_or_lacks_tables_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FAILED not in states(database.reachable())
    monkeypatch.setattr(database, "only_reads", lambda _connection: True)
    assert FAILED in states(database.reachable())
    assert only(database.schema()).state == OK
    monkeypatch.setattr(database, "missing_migrations", lambda _connection: ["clients.0042_more"])
    assert "manage.py migrate" in only(database.schema()).remedy


@pytest.mark.postgresql
@pytest.mark.parametrize(("off", "state"), [(0, OK), (2, WARNING), (60, FAILED)])
def test_a_clock_that_is_off_is_found(off: int, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shifted = SimpleNamespace(now=lambda zone: timezone.now().astimezone(zone) + timedelta(seconds=off))
    monkeypatch.setattr(database, "datetime", shifted)
    assert only(database.clock()).state == state


@pytest.mark.postgresql
def test_isolation_and_room_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(database.connections()) == {OK}
    monkeypatch.setattr(database, "CROWDED", 0.0)
    assert states(database.connections()) == {WARNING}


# --- Cache, mail, disk ---------------------------------------------------------------------------------------------


class Away(LocMemCache):
    def set(self, *args: Any, **kwargs: Any) -> None:
        raise ConnectionError("redis://:topsecret@cache")


@pytest.mark.parametrize(
    ("cache", "state"),
    [(LocMemCache("shared", {}), OK), (DummyCache("", {}), FAILED), (Away("away", {}), FAILED)],
    ids=["well", "forgets", "away"],
)
def test_a_cache_has_to_answer_and_to_remember(cache: Any, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "caches", {counters.ALIAS: cache})
    one = only(neighbours.cache())
    assert one.state == state
    assert "topsecret" not in one.said


class Remembering(RedisCache):
    """A Redis that forgets by a policy."""

    def __init__(self, policy: str) -> None:
        super().__init__("redis://127.0.0.1:1", {})
        self.kept: dict[str, Any] = {}
        self.policy = policy

    def set(self, key: str, value: Any, *_seconds: Any, **_version: Any) -> None:
        self.kept[key] = value

    def get(self, key: str, *_default: Any, **_version: Any) -> Any:
        return self.kept.get(key)

    def delete(self, key: str, *_version: Any, **_named: Any) -> bool:
        return self.kept.pop(key, None) is not None

    def forgets_by(self) -> str:
        return self.policy


@pytest.mark.parametrize(("policy", "state"), [("", OK), ("volatile-lru", WARNING)])
def test_a_redis_that_forgets_when_it_is_full_is_told(policy: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "caches", {counters.ALIAS: Remembering(policy)})
    one = only(neighbours.cache())
    assert (one.state, policy in one.said) == (state, True)


def test_a_cache_of_each_process_is_for_loopback(settings: Any) -> None:
    assert only(neighbours.cache()).state == OK
    settings.IS_LOCAL = False
    assert only(neighbours.cache()).state == WARNING


class Server:
    """A mail server that greets as a test says."""

    def __init__(self, fault: Exception | None) -> None:
        self.fault = fault

    def open(self) -> None:
        if self.fault is not None:
            raise self.fault

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("fault", "state"),
    [(None, OK), (ConnectionRefusedError(), FAILED), (smtplib.SMTPAuthenticationError(535, b"topsecret"), FAILED)],
)
def test_the_mail_server_has_to_greet(
    fault: Exception | None, state: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IDP_MAIL_BACKEND = neighbours.SMTP
    monkeypatch.setattr(neighbours, "get_connection", lambda _backend: Server(fault))
    one = only(neighbours.mail())
    assert (one.state, "topsecret" in one.said) == (state, False)


@pytest.mark.parametrize(("free", "state"), [(0.5, OK), (0.05, WARNING), (0.01, FAILED)])
def test_a_full_disk_is_found(free: float, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(free=free * 2**40, total=2**40)
    monkeypatch.setattr(neighbours.shutil, "disk_usage", lambda _place: usage)  # type: ignore[attr-defined]
    assert states(neighbours.disk()) == {state}


# --- What is installed ---------------------------------------------------------------------------------------------


def test_a_misspelt_variable_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_REFRESH_GRACE_SECOND", "5")
    assert [one for one in installation.settings() if "IDP_REFRESH_GRACE_SECOND is no variable" in one.said]


@pytest.mark.usefixtures("keys")
def test_keys_have_to_be_there_to_open_and_to_be_young(settings: Any) -> None:
    assert only(installation.keys()).state == OK
    SigningKey.objects.filter(algorithm="ES256", state="active").update(
        activated_at=timezone.now() - timedelta(days=120)
    )
    assert states(installation.keys()) == {OK, WARNING}
    settings.IDP_KEY_SECRETS = ["another secret that is long enough to be one"]
    assert states(installation.keys()) == {FAILED}


def test_timers_have_to_run() -> None:
    assert {one.said for one in installation.timers() if one.state == WARNING} == {
        "cleartokens has never run.",
        "rotatekeys has never run.",
    }
    for command, failed in (("cleartokens", False), ("rotatekeys", True)):
        at = timezone.now() - timedelta(days=3)
        TimerRun.objects.create(
            command=command, began_at=at, ended_at=at, failed=failed, said={"error": "No key opens."}, run_by="a test"
        )
    said = [one.said for one in installation.timers() if one.state == WARNING]
    assert said == ["cleartokens ran 3 d ago.", "rotatekeys ran 3 d ago, and failed: No key opens."]


# --- From outside --------------------------------------------------------------------------------------------------


def answers(monkeypatch: pytest.MonkeyPatch, by_path: Mapping[str, tuple[int, object]]) -> None:
    def get(url: str, *_more: object) -> outside.Answer:
        status, body = next((found for path, found in by_path.items() if url.endswith(path)), (404, {}))
        return outside.Answer(status, json.dumps(body).encode(), "the-request")

    monkeypatch.setattr(outside, "_get", get)


@pytest.mark.usefixtures("keys")
def test_the_issuer_has_to_answer_as_itself_with_the_keys_of_this_database(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    jwks = {"keys": [{"kid": kid} for kid in rotation.published()]}
    document = {"issuer": settings.IDP_ISSUER, "jwks_uri": f"{settings.IDP_ISSUER}/jwks"}
    good = {"openid-configuration": (200, document), "/jwks": (200, jwks)}
    answers(monkeypatch, good)
    assert states(outside.discovery()) == {OK}
    answers(monkeypatch, good | {"/jwks": (200, {"keys": [{"kid": "another"}]})})
    assert FAILED in states(outside.discovery())
    answers(monkeypatch, {"openid-configuration": (200, {**document, "issuer": "https://else.example"})})
    assert only(outside.discovery()).state == FAILED
    answers(monkeypatch, {"openid-configuration": (502, "a page")})
    assert only(outside.discovery()).state == FAILED


def test_an_issuer_that_nobody_answers_for_failed(settings: Any) -> None:
    settings.IDP_ISSUER = "http://127.0.0.1:1"
    assert "cannot be reached" in only(outside.discovery()).said


PROXY = "192.0.2.10"
SEEN: dict[str, tuple[str, Callable[[], bool], str]] = {
    "another machine": ("198.51.100.7", lambda: False, OK),
    "a forged address": (outside.FORGED, lambda: False, FAILED),
    "a forged address, from the proxy itself": (outside.FORGED, lambda: True, WARNING),
    "the proxy": (PROXY, lambda: False, FAILED),
}


@pytest.mark.parametrize("seen", SEEN)
def test_which_address_servers_see_tells_how_the_proxy_is_set(
    seen: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    network, is_proxy, state = SEEN[seen]
    settings.IDP_TRUSTED_PROXIES = [PROXY]
    answers(monkeypatch, {"/oauth2/token": (400, {})})
    monkeypatch.setattr(outside, "_is_proxy_itself", is_proxy)
    now = timezone.now()
    when = {"hour": now, "first_at": now, "last_at": now}
    what = {"endpoint": "token", "error": "unsupported_grant_type", "step": "token"}
    RefusedRequest.objects.create(**when, **what, network=network, request_ids="other the-request")
    assert only(outside.addresses()).state == state


def test_without_a_record_of_the_request_it_says_that_it_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, {"/oauth2/token": (400, {})})
    monkeypatch.setattr(outside, "WRITTEN_WITHIN", 0.0)
    assert only(outside.addresses()).state == WARNING


@pytest.mark.django_db(transaction=True)
def test_a_real_server_is_taken_for_what_it_is(live_server: Any, settings: Any, keys: None) -> None:
    settings.IDP_ISSUER = live_server.url
    assert states(outside.discovery()) == {OK}
    one = only(outside.addresses())
    assert (one.state, "127.0.0.1" in one.said) == (OK, True), one
