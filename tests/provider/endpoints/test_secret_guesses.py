"""Guessing client secrets becomes slow: failures are counted per client and network, and only failures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import caches
from django.utils import timezone

from clients import secrets
from common import counters
from provider import throttle
from tests.world import App, Response, basic

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@pytest.fixture(autouse=True)
def _new_process(monkeypatch: Any) -> None:
    """It has not seen the chosen secrets of the world yet."""
    monkeypatch.setattr(secrets, "_proved", {})


def ask(
    secret: str, client_id: str = "web", *, address: str = "192.0.2.1", path: str = "/oauth2/token", **headers: str
) -> Response:
    params = {"grant_type": "client_credentials", "token": "x"}
    return App(client_id).post(path, params, auth=basic(client_id, secret), REMOTE_ADDR=address, **headers)


def guess(times: int, **more: Any) -> None:
    for number in range(times):
        assert ask(f"guess-{number}", **more).status_code == 401


def test_after_twenty_wrong_guesses_even_the_right_one_has_to_wait() -> None:
    guess(throttle.PER_CLIENT)
    response = ask("web-secret")
    assert (response.status_code, response.json()["error"]) == (429, "invalid_client")
    assert 0 < int(response["Retry-After"]) <= throttle.WINDOW
    with time_machine.travel(timezone.now() + timedelta(seconds=throttle.WINDOW + 1)):
        assert ask("web-secret").status_code == 200


def test_the_right_secret_from_elsewhere_still_works() -> None:
    guess(throttle.PER_CLIENT)
    assert ask("web-secret", address="192.0.2.2").status_code == 200


def test_other_clients_at_the_same_address_still_work() -> None:
    guess(throttle.PER_CLIENT)
    assert ask("service-secret", "service").status_code == 200


def test_wrong_secrets_of_many_clients_stop_no_other_client_at_that_address() -> None:
    """An office, a cluster: five apps with an old secret take down nobody."""
    for number in range(15):
        guess(10, client_id=f"client-{number}")
    assert ask("service-secret", "service").status_code == 200


def test_only_failures_count() -> None:
    for _ in range(throttle.PER_CLIENT + 5):
        assert ask("web-secret").status_code == 200
    guess(throttle.PER_CLIENT - 1)
    assert ask("web-secret").status_code == 200


def test_every_endpoint_counts_and_is_limited() -> None:
    for number, path in enumerate(["/oauth2/introspect", "/oauth2/revoke", "/openid/token", "/oauth2/token/"] * 5):
        assert ask(f"guess-{number}", path=path).status_code == 401
    for path in ("/oauth2/introspect", "/oauth2/revoke", "/oauth2/token"):
        assert ask("web-secret", path=path).status_code == 429


def test_an_address_a_client_makes_up_does_not_help_it() -> None:
    for number in range(throttle.PER_CLIENT):
        ask("wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
    assert ask("web-secret").status_code == 429


def test_behind_a_trusted_proxy_the_peers_address_counts(settings: Any) -> None:
    settings.IDP_TRUSTED_PROXIES = ["192.0.2.0/24"]
    for _ in range(throttle.PER_CLIENT):
        ask("wrong", HTTP_X_FORWARDED_FOR="2001:db8:9::1, 2001:db8:1::1, 192.0.2.9")
    assert ask("web-secret", HTTP_X_FORWARDED_FOR="2001:db8:1::1").status_code == 429
    assert ask("web-secret", HTTP_X_FORWARDED_FOR="2001:db8:9::1").status_code == 200


def test_the_addresses_of_one_ipv6_network_count_as_one() -> None:
    for number in range(throttle.PER_CLIENT):
        assert ask("wrong", address=f"2001:db8:0:1:{number:x}::1").status_code == 401
    assert ask("web-secret", address="2001:db8:0:1:ffff::1").status_code == 429
    assert ask("web-secret", address="2001:db8:0:2::1").status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.{}", "::ffff:192.0.2.{}", "not-an-address-{}", ""])
def test_all_other_addresses_count_by_themselves(address: str) -> None:
    for _ in range(throttle.PER_CLIENT):
        ask("wrong", address=address.format(1))
    assert ask("web-secret", address=address.format(1)).status_code == 429
    assert ask("web-secret", address=address.format(2) or "192.0.2.2").status_code == 200


def test_a_proxy_is_trusted_also_where_ipv4_is_shown_inside_ipv6(settings: Any) -> None:
    """As whoever listens at `::` sees it; else all clients would be counted as the proxy."""
    settings.IDP_TRUSTED_PROXIES = ["192.0.2.0/24"]
    for _ in range(throttle.PER_CLIENT):
        ask("wrong", address="::ffff:192.0.2.1", HTTP_X_FORWARDED_FOR="::ffff:198.51.100.1")
    assert ask("web-secret", address="::ffff:192.0.2.1", HTTP_X_FORWARDED_FOR="198.51.100.1").status_code == 429
    assert ask("web-secret", address="::ffff:192.0.2.1", HTTP_X_FORWARDED_FOR="198.51.100.2").status_code == 200


def test_without_a_cache_each_process_counts_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def __getitem__(self, alias: str) -> Any:
            raise ConnectionError("no cache")

    monkeypatch.setattr(counters, "caches", Gone())
    guess(throttle.PER_CLIENT)
    assert ask("guess").status_code == 429
    assert ask("service-secret", "service").status_code == 200


def test_keys_of_the_cache_say_nothing_and_take_anything() -> None:
    for client_id in ("x" * 5000, "\u20ac", "a b\nc"):
        assert ask("wrong", client_id).status_code == 401
    kept = getattr(caches[counters.ALIAS], "_cache", {})
    assert not [key for key in kept if "web" in str(key) or "192.0.2" in str(key)]
