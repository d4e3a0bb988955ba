"""Keys at a client's own address: fetched seldom, by threads of their own, whatever that server does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provider import fetched_keys
from provider.fetched_keys import FetchedKeys
from provider.protocol.errors import TemporarilyUnavailable
from tests.foreign_keys import KEYS, OTHERS, public
from tests.provider.key_server import KeyServer, serving_keys

OLD, NEW = public(KEYS["ES256"], kid="old"), public(OTHERS["ES256"], kid="new")


class Clock:
    """The monotonic clock of the module, which a test moves."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.passed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(fetched_keys, "time", made)
    return made


@pytest.fixture
def server(settings: Any) -> Iterator[KeyServer]:
    settings.IS_LOCAL = True
    with serving_keys() as made:
        made.has(OLD)
        yield made


@pytest.fixture
def fetched() -> FetchedKeys:
    return FetchedKeys()


def kids(found: Any) -> list[str]:
    return [one.kid for one in found]


def settled(fetched: FetchedKeys) -> None:
    """Wait until no thread fetches any more."""
    for thread in threading.enumerate():
        if thread.name == "client-keys":
            thread.join(timeout=10)


def test_they_are_fetched_once_and_kept(server: KeyServer, fetched: FetchedKeys) -> None:
    for _ in range(3):
        assert kids(fetched.find((1, server.url), "old")) == ["old"]
    assert server.asked == 1


def test_many_at_once_fetch_once_a5(server: KeyServer, fetched: FetchedKeys) -> None:
    server.slow = 0.3
    with ThreadPoolExecutor(8) as pool:

        def find(_number: int) -> object:
            try:
                return kids(fetched.find((1, server.url), "old"))
            except TemporarilyUnavailable:
                return None

        answers = list(pool.map(find, range(8)))
    assert server.asked == 1
    assert answers.count(["old"]) >= 1
    assert set(map(str, answers)) <= {"['old']", "None"}


def test_an_unknown_key_is_looked_for_at_most_once_a_minute_a5(
    server: KeyServer, fetched: FetchedKeys, clock: Clock
) -> None:
    fetched.find((1, server.url), "old")
    server.has(OLD, NEW)
    assert kids(fetched.find((1, server.url), "new")) == ["old"], "fetched just now"
    clock.passed = fetched_keys.RETRY + 1
    assert kids(fetched.find((1, server.url), "new")) == ["old", "new"]
    for number in range(20):
        fetched.find((1, server.url), f"unknown-{number}")
    assert server.asked == 2


def test_a_key_that_was_taken_away_counts_no_longer_once_they_are_fetched_again(
    server: KeyServer, fetched: FetchedKeys, clock: Clock
) -> None:
    fetched.find((1, server.url), "old")
    server.has(NEW)
    clock.passed = fetched_keys.FRESH + 1
    assert kids(fetched.find((1, server.url), "old")) == ["old"], "nobody waits: it is being fetched"
    settled(fetched)
    assert kids(fetched.find((1, server.url), "old")) == ["new"]


def test_while_nobody_answers_old_keys_count_for_an_hour_and_no_longer(
    server: KeyServer, fetched: FetchedKeys, clock: Clock
) -> None:
    fetched.find((1, server.url), "old")
    server.status = 500
    clock.passed = fetched_keys.USABLE - 5
    assert kids(fetched.find((1, server.url), "old")) == ["old"]
    settled(fetched)
    clock.passed = fetched_keys.USABLE + 5
    assert kids(fetched.find((1, server.url), "old")) == []
    assert "the status is 500" in fetched.problem((1, server.url))


def test_who_waited_in_vain_gets_no_key_that_is_too_old(server: KeyServer, fetched: FetchedKeys, clock: Clock) -> None:
    """The request that begins a fetch, too: whoever has a key that was taken away may hold up the client's server."""
    fetched.find((1, server.url), "old")
    server.status = 500
    clock.passed = fetched_keys.USABLE + 5
    assert kids(fetched.find((1, server.url), "old")) == []


def test_a_set_without_keys_takes_all_of_them_away(server: KeyServer, fetched: FetchedKeys, clock: Clock) -> None:
    fetched.find((1, server.url), "old")
    server.has()
    clock.passed = fetched_keys.FRESH + 1
    fetched.find((1, server.url), "old")
    settled(fetched)
    assert kids(fetched.find((1, server.url), "old")) == []
    assert "no key" in fetched.problem((1, server.url))


def test_a_failure_is_remembered_for_a_minute(server: KeyServer, fetched: FetchedKeys, clock: Clock) -> None:
    server.status = 404
    for _ in range(5):
        assert fetched.find((1, server.url), "old") == ()
    assert server.asked == 1
    server.status = 200
    clock.passed = fetched_keys.RETRY + 1
    assert kids(fetched.find((1, server.url), "old")) == ["old"]
    assert fetched.problem((1, server.url)) == ""


def test_a_server_that_never_answers_holds_up_few_and_not_for_long(
    server: KeyServer, fetched: FetchedKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others that need no fetch have all other threads."""
    monkeypatch.setattr(fetched_keys, "MAX_WAIT", 0.6)
    fetched.find((1, server.url), "old")
    with server.held(), ThreadPoolExecutor(8) as pool:

        def find(_number: int) -> float:
            began = time.monotonic()
            with pytest.raises(TemporarilyUnavailable):
                fetched.find((2, server.url), "old")
            return time.monotonic() - began

        waited = list(pool.map(find, range(8)))
        assert sum(one >= 0.6 for one in waited) <= fetched_keys.MAX_WAITING
        assert kids(fetched.find((1, server.url), "old")) == ["old"]


def test_another_address_is_another_set(server: KeyServer, fetched: FetchedKeys) -> None:
    fetched.find((1, server.url), "old")
    server.has(NEW)
    assert kids(fetched.find((1, f"{server.url}?v=2"), "new")) == ["new"]


@pytest.mark.parametrize(
    ("status", "body", "headers", "why"),
    [
        (200, b"no json", {}, "no JSON"),
        (200, b"[]", {}, "no key"),
        (200, b'{"keys": {}}', {}, "no key"),
        (200, b'{"keys": [1, null, {"kty": "oct", "k": "AAAA"}, {"kty": []}]}', {}, "no key"),
        (200, b"x" * (fetched_keys.MAX_BYTES + 1), {}, "too long"),
        (302, b"", {"Location": "http://127.0.0.1:1/"}, "status is 302"),
        (204, b"", {}, "status is 204"),
        (200, b"[" * 5_000 + b"]" * 5_000, {}, "no JSON"),
    ],
)
def test_what_is_no_key_set_is_none(
    server: KeyServer, fetched: FetchedKeys, status: int, body: bytes, headers: dict[str, str], why: str
) -> None:
    server.status, server.body, server.headers = status, body, headers
    assert fetched.find((1, server.url), "old") == ()
    assert why in fetched.problem((1, server.url))


def test_keys_for_other_purposes_are_passed_over(server: KeyServer, fetched: FetchedKeys) -> None:
    server.has({"kty": "OKP", "crv": "X25519", "x": "AAAA", "use": "enc"}, {**NEW, "use": "enc"}, OLD)
    assert kids(fetched.find((1, server.url), None)) == ["old"]


def test_an_address_of_our_network_is_not_asked(fetched: FetchedKeys, server: KeyServer, settings: Any) -> None:
    settings.IS_LOCAL = False
    assert fetched.find((1, server.url), "old") == ()
    assert fetched.find((1, server.url.replace("http:", "https:")), "old") == ()
    assert server.asked == 0


def test_the_memory_is_bounded(server: KeyServer, fetched: FetchedKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched_keys, "MAX_KEPT", 3)
    for number in range(6):
        fetched.find((number, server.url), "old")
    assert len(fetched._kept) == 3


def test_a_mistake_of_ours_lets_nobody_wait(
    server: KeyServer, fetched: FetchedKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetched_keys, "read", None)
    assert fetched.find((1, server.url), "old") == ()
    assert fetched.problem((1, server.url))
