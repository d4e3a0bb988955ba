"""The provider's keys: fetched when needed, seldom, through rotation and outages, by many threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jwcrypto import jwk
from vestibule_verifier import Invalid, LocalVerifier, Provider, Unavailable
from vestibule_verifier.fetch import fetch
from vestibule_verifier.keys import KeySet, read_keys

from tests.provider import (
    DISCOVERY,
    KEYS,
    ORDERS,
    Clock,
    TestProvider,
    key,
    public,
    signed,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(provider: TestProvider, clock: Clock) -> KeySet:
    """Kept 300 s, at least 30 s between two fetches, good for an hour while nobody answers."""
    return KeySet(lambda: fetch(provider.issuer + KEYS, 5), keep=300, retry=30, outage=3600, clock=clock)


def test_nothing_is_fetched_before_it_is_needed_and_then_once(provider: TestProvider) -> None:
    api = LocalVerifier(Provider(provider.issuer), ORDERS)
    assert provider.requests == []
    for _ in range(3):
        api.verify(signed(provider.access_claims()))
    assert [request.path for request in provider.requests] == [DISCOVERY, KEYS]


def test_the_address_of_the_keys_may_be_given(provider: TestProvider) -> None:
    provider.fail(DISCOVERY)
    api = LocalVerifier(Provider(provider.issuer, jwks_uri=provider.issuer + KEYS), ORDERS)
    assert api.verify(signed(provider.access_claims()))
    assert provider.asked(DISCOVERY) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://other.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "http://keys.example/jwks"},
        {"jwks_uri": "file:///etc/hostname"},
        {"jwks_uri": ["a"]},
    ],
)
def test_a_discovery_document_that_is_not_the_issuers_gives_no_keys(
    provider: TestProvider, change: dict[str, Any]
) -> None:
    provider.documents[DISCOVERY].update(change)
    with pytest.raises(Unavailable):
        LocalVerifier(Provider(provider.issuer), ORDERS).verify(signed(provider.access_claims()))


def test_keys_are_fetched_again_when_they_are_old(provider: TestProvider, keys: KeySet, clock: Clock) -> None:
    assert keys.find("ec-1")
    clock.now += 299
    assert keys.find("ec-1")
    assert provider.asked(KEYS) == 1
    clock.now += 1
    assert keys.find("ec-1")
    assert provider.asked(KEYS) == 2


@pytest.mark.parametrize(
    ("header", "seconds"), [("public, max-age=60", 60), ("max-age=9999", 300), ("no-cache, max-age=0", 30), ("x", 300)]
)
def test_the_provider_may_ask_for_less_but_not_for_more(
    provider: TestProvider, keys: KeySet, clock: Clock, header: str, seconds: int
) -> None:
    provider.headers[KEYS] = {"Cache-Control": header}
    assert keys.find("ec-1")
    clock.now += seconds - 1
    assert keys.find("ec-1")
    assert provider.asked(KEYS) == 1
    clock.now += 1
    assert keys.find("ec-1")
    assert provider.asked(KEYS) == 2


def test_a_new_key_is_found_at_once_and_a_removed_one_is_gone_with_the_next_fetch(
    provider: TestProvider, keys: KeySet, clock: Clock
) -> None:
    assert keys.find("ec-1")
    clock.now += 31
    provider.publish("ec-1", "ec-2")
    assert keys.find("ec-2")
    assert keys.find("ec-1")
    clock.now += 300
    provider.publish("ec-2")
    assert keys.find("ec-1") is None
    assert keys.find("ec-2")


def test_unknown_keys_do_not_make_us_ask_again_and_again(provider: TestProvider, keys: KeySet, clock: Clock) -> None:
    for second in range(90):
        clock.now = 1000 + second
        assert keys.find(f"invented-{second}") is None
    assert provider.asked(KEYS) == 3


def test_an_invented_key_is_a_bad_token(provider: TestProvider, local: LocalVerifier) -> None:
    for number in range(20):
        with pytest.raises(Invalid):
            local.verify(signed(provider.access_claims(), kid=f"invented-{number}"))
    assert provider.asked(KEYS) == 1


def test_known_keys_stay_good_through_an_outage_but_not_for_ever(
    provider: TestProvider, keys: KeySet, clock: Clock
) -> None:
    assert keys.find("ec-1")
    provider.fail(KEYS)
    clock.now += 300 + 3599
    assert keys.find("ec-1"), "one second before the limit"
    clock.now += 1
    with pytest.raises(Unavailable, match="too old"):
        keys.find("ec-1")
    provider.status.clear()
    clock.now += 30
    assert keys.find("ec-1"), "back again"


def test_how_long_an_outage_may_last_is_the_apis_choice(provider: TestProvider, clock: Clock) -> None:
    api = LocalVerifier(Provider(provider.issuer, outage=0), ORDERS)
    api.verify(signed(provider.access_claims()))
    api.provider.keys._clock = clock
    clock.now = time.monotonic() + 299
    assert api.verify(signed(provider.access_claims()))
    provider.fail(KEYS)
    clock.now += 2
    with pytest.raises(Unavailable, match="too old"):
        api.verify(signed(provider.access_claims()))


def test_keys_are_usable_until_they_may_be_fetched_again(provider: TestProvider, clock: Clock) -> None:
    provider.headers[KEYS] = {"Cache-Control": "max-age=0"}
    keys = KeySet(lambda: fetch(provider.issuer + KEYS, 5), retry=30, outage=0, clock=clock)
    for second in range(90):
        clock.now = 1000 + second
        assert keys.find("ec-1")
    assert provider.asked(KEYS) == 3


def test_while_nobody_answers_there_is_one_attempt_per_interval(
    provider: TestProvider, keys: KeySet, clock: Clock
) -> None:
    provider.fail(KEYS)
    for second in range(90):
        clock.now = 1000 + second
        with pytest.raises(Unavailable):
            keys.find("ec-1")
    assert provider.asked(KEYS) == 3


def test_in_an_outage_an_unknown_key_may_be_a_new_one(provider: TestProvider, keys: KeySet, clock: Clock) -> None:
    assert keys.find("ec-1")
    provider.fail(KEYS)
    clock.now += 31
    for _ in range(2):
        with pytest.raises(Unavailable, match="may be a new one"):
            keys.find("ec-2")
    assert keys.find("ec-1")


def test_whoever_has_a_usable_key_does_not_wait_for_the_one_who_fetches(
    provider: TestProvider, keys: KeySet, clock: Clock
) -> None:
    assert keys.find("ec-1")
    clock.now += 400
    provider.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(keys.find, "ec-1")
        while provider.asked(KEYS) < 2:
            assert not slow.done()
        assert keys.find("ec-1"), "answered while the other thread still waits"
        assert not slow.done()
        provider.gate.set()
        assert slow.result(10)


def test_many_threads_make_one_fetch(provider: TestProvider, keys: KeySet) -> None:
    start = threading.Barrier(8)

    def find(_number: int) -> object:
        start.wait(10)
        return keys.find("ec-1")

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(find, range(8)))
    assert provider.asked(KEYS) == 1


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [7, null, "x"]}', b"[]", b"\xff", b"<html>"]
)
def test_what_is_no_key_set_is_an_outage(provider: TestProvider, keys: KeySet, clock: Clock, body: bytes) -> None:
    assert keys.find("ec-1")
    provider.bodies[KEYS] = body
    clock.now += 301
    assert keys.find("ec-1"), "the old keys stay"
    with pytest.raises(Unavailable):
        keys.find("ec-2")


@pytest.mark.parametrize(
    "change",
    [
        {"kid": None},
        {"kid": 7},
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"alg": "ES384"},
        {"alg": "none"},
        {"alg": ["ES256"]},
        {"alg": "RS256"},
        {"kty": "oct"},
        {"kty": ["EC"]},
        {"crv": "P-384"},
        {"crv": None},
        {"x": "AAAA"},
        {"x": 7},
    ],
)
def test_a_key_that_is_not_for_this_is_passed_over(change: dict[str, Any]) -> None:
    spoiled = {**public("ec-1"), **change}
    assert list(read_keys({"keys": [spoiled, public("rsa-1")]})) == ["rsa-1"]
    with pytest.raises(Unavailable, match="no key"):
        read_keys({"keys": [spoiled]})


def test_a_key_that_does_not_name_its_algorithm_has_the_one_of_its_kind() -> None:
    entries = [{name: public(kid)[name] for name in public(kid) if name != "alg"} for kid in ("rsa-1", "ec-1")]
    found = read_keys({"keys": entries})
    assert {kid: one.algorithm for kid, one in found.items()} == {"rsa-1": "RS256", "ec-1": "ES256"}


def test_a_short_rsa_key_is_no_key() -> None:
    short = jwk.JWK.generate(kty="RSA", size=1024, kid="rsa-short").export_public(as_dict=True)
    with pytest.raises(Unavailable, match="no key"):
        read_keys({"keys": [{**short, "alg": "RS256"}]})


def test_a_key_of_another_curve_is_no_key() -> None:
    larger = jwk.JWK.generate(kty="EC", crv="P-384", kid="ec-384").export_public(as_dict=True)
    with pytest.raises(Unavailable, match="no key"):
        read_keys({"keys": [{**larger, "alg": "ES256"}]})


@pytest.mark.parametrize(("name", "algorithm"), [("ps-1", "PS256"), ("ed-1", "EdDSA")])
def test_tokens_of_each_algorithm_are_verified(provider: TestProvider, name: str, algorithm: str) -> None:
    provider.documents[KEYS]["keys"].append(public(name))
    api = LocalVerifier(Provider(provider.issuer), ORDERS)
    token = signed(provider.access_claims(), name)
    assert api.verify(token)
    with pytest.raises(Invalid):
        api.verify(token[:-6] + "AAAAAA")
    assert read_keys({"keys": [public(name)]})[name].algorithm == algorithm


def test_a_key_of_the_other_edwards_curve_is_no_key() -> None:
    larger = jwk.JWK.generate(kty="OKP", crv="Ed448", kid="ed-448").export_public(as_dict=True)
    with pytest.raises(Unavailable, match="no key"):
        read_keys({"keys": [{**larger, "alg": "EdDSA"}]})


def test_private_parts_that_were_published_by_mistake_are_not_taken_along() -> None:
    entry = {**key("ec-1").export_private(as_dict=True), "alg": "ES256"}
    assert not read_keys({"keys": [entry]})["ec-1"].jwk.has_private


def test_a_key_set_that_never_ends_is_refused() -> None:
    with pytest.raises(Unavailable, match="not a JWKS"):
        read_keys({"keys": [public("ec-1")] * 101})


def test_of_two_keys_of_one_name_the_first_counts() -> None:
    second = {**public("ec-2"), "kid": "ec-1"}
    assert read_keys({"keys": [public("ec-1"), second]})["ec-1"].jwk["x"] == public("ec-1")["x"]
