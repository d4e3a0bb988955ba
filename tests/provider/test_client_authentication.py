"""How a client proves who it is: one way per request, no oracle, no rescue, and a limit on wrong secrets."""

from __future__ import annotations

import base64
import hashlib
import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clients import secrets
from clients.models import Client, ClientSecret
from provider import client_authentication, throttle
from provider.authentication_method import Credentials, Sent
from provider.client_authentication import authenticate, method_used
from provider.protocol.errors import InvalidClient, InvalidRequest, TooManyGuesses
from provider.protocol.request import Params
from tests.world import basic

ADDRESS = "192.0.2.1"


def sent(**params: str) -> Params:
    return Params(list(params.items()))


def read(params: Params, authorization: str | None) -> Credentials:
    used = Sent(params, authorization)
    return method_used(used).read(used)


def raw(text: str | bytes) -> str:
    return "Basic " + base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def proves(authorization: str | None = None, **params: str) -> bool:
    try:
        authenticate(sent(**params), authorization, ADDRESS)
    except InvalidClient:
        return False
    return True


# --- Reading what was presented ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_basic_is_read_whatever_its_case_both_parts_form_decoded(scheme: str) -> None:
    header = basic("a:b é", "s%+ :&").replace("Basic", scheme)
    presented = read(sent(), header)
    assert (presented.client_id, presented.secret, presented.by_header) == ("a:b é", "s%+ :&", True)


def test_the_body_is_read_and_an_empty_secret_there_is_none() -> None:
    assert read(sent(client_id="web", client_secret="s"), None).secret == "s"
    assert read(sent(client_id="web", client_secret=""), None).secret is None
    assert read(sent(client_id="web"), None).secret is None


@pytest.mark.parametrize("name", ["client_assertion", "client_assertion_type"])
def test_an_assertion_is_refused_by_name_and_not_ignored(name: str) -> None:
    for header, params in (
        (basic("web", "web-secret"), {}),
        (None, {"client_id": "web", "client_secret": "web-secret"}),
    ):
        with pytest.raises(InvalidClient, match="client_assertion is not supported"):
            read(sent(**params, **{name: "x"}), header)
        assert read(sent(**params, **{name: ""}), header).client_id == "web", "an empty value counts as omitted"


@pytest.mark.parametrize("header", ["", "Bearer abc", "Digest x", "x", "Basicx", " "])
def test_another_scheme_is_answered_with_a_challenge(header: str) -> None:
    with pytest.raises(InvalidClient) as refused:
        read(sent(client_id="web", client_secret="web-secret"), header)
    assert refused.value.challenge


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !",
        "Basic YQ",
        raw("no-colon"),
        raw(b"\xff:\xff"),
        raw("web%ff:x"),
        raw("web:%00"),
        raw("%00:x"),
    ],
)
def test_a_malformed_header_is_an_invalid_client(header: str) -> None:
    with pytest.raises(InvalidClient) as refused:
        read(sent(), header)
    assert refused.value.challenge


def test_two_ways_at_once_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="one way"):
        read(sent(client_id="web", client_secret="web-secret"), basic("web", "web-secret"))


def test_two_client_ids_at_once_are_refused() -> None:
    assert read(sent(client_id="web"), basic("web", "web-secret")).by_header
    with pytest.raises(InvalidRequest, match="client_id"):
        read(sent(client_id="sibling"), basic("web", "web-secret"))


# --- Proving -------------------------------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


def test_a_secret_proves_its_client_in_the_header_and_in_the_body(world: None) -> None:
    assert authenticate(sent(), basic("web", "web-secret"), ADDRESS).client_id == "web"
    assert authenticate(sent(client_id="web", client_secret="web-secret"), None, ADDRESS).client_id == "web"


@pytest.mark.parametrize(
    ("client_id", "secret"),
    [
        ("web", "wrong"),
        ("web", ""),
        ("web", "web-secret "),
        ("web", "WEB-SECRET"),
        ("web", "sibling-secret"),
        ("web", "x" * 5000),
        ("WEB", "web-secret"),
        ("nobody", "web-secret"),
        ("", "web-secret"),
        ("retired", "retired-secret"),
        ("spa", ""),
        ("spa", "anything"),
    ],
)
def test_anything_else_does_not(world: None, client_id: str, secret: str) -> None:
    assert not proves(basic(client_id, secret))
    if secret:
        assert not proves(client_id=client_id, client_secret=secret)


@pytest.mark.parametrize("client_id", ["web", "nobody", "", "we\0b", "retired"])
def test_no_secret_proves_nothing(world: None, client_id: str) -> None:
    assert not proves(client_id=client_id)


def test_a_public_client_has_nothing_to_prove(world: None) -> None:
    assert proves(client_id="spa")
    assert proves(client_id="spa", client_secret="")
    Client.objects.filter(client_id="spa").update(enabled=False)
    assert not proves(client_id="spa")


def test_every_failure_sounds_alike(world: None) -> None:
    said = set()
    for client_id, secret in (("web", "wrong"), ("nobody", "x"), ("retired", "retired-secret"), ("spa", "x")):
        with pytest.raises(InvalidClient) as refused:
            authenticate(sent(), basic(client_id, secret), ADDRESS)
        said.add((str(refused.value), refused.value.status, refused.value.challenge))
    assert len(said) == 1


def test_the_challenge_is_for_those_who_used_the_header(world: None) -> None:
    with pytest.raises(InvalidClient) as refused:
        authenticate(sent(client_id="web", client_secret="wrong"), None, ADDRESS)
    assert not refused.value.challenge


# --- Secrets -------------------------------------------------------------------------------------------------------


def web() -> Client:
    return Client.objects.get(client_id="web")


def test_both_live_secrets_prove_the_client_until_one_ends(world: None) -> None:
    second = secrets.generate(web())
    assert proves(basic("web", "web-secret"))
    assert proves(basic("web", second))
    secrets.revoke(web().secrets.get(slot=1))
    assert not proves(basic("web", "web-secret"))
    assert proves(basic("web", second))


def test_an_expired_secret_proves_nothing(world: None) -> None:
    secret = secrets.generate(web(), expires_at=timezone.now() + timedelta(minutes=1))
    assert proves(basic("web", secret))
    ClientSecret.objects.filter(slot=2).update(expires_at=timezone.now())
    assert not proves(basic("web", secret))


def test_a_digest_is_not_a_secret(world: None) -> None:
    secrets.generate(web())
    for digest in web().secrets.values_list("digest", flat=True):
        assert not proves(basic("web", digest))


def test_last_use_is_noted_at_most_once_an_hour(world: None) -> None:
    row = ClientSecret.objects.filter(client=web())
    assert proves(basic("web", "web-secret"))
    first = row.get().last_used_at
    assert first is not None
    assert proves(basic("web", "web-secret"))
    assert row.get().last_used_at == first
    with time_machine.travel(first + timedelta(hours=2)):
        assert proves(basic("web", "web-secret"))
    again = row.get().last_used_at
    assert again is not None
    assert again - first > timedelta(hours=1)


def test_a_use_that_is_noted_already_writes_nothing(world: None) -> None:
    assert proves(basic("web", "web-secret"))
    with CaptureQueriesContext(connection) as asked:
        assert proves(basic("web", "web-secret"))
    assert [one["sql"] for one in asked if not one["sql"].startswith("SELECT")] == []


def test_a_secret_made_here_is_quick_to_check_and_one_a_person_chose_slow_to_guess(world: None) -> None:
    """256 random bits cannot be tried out; a word can, by whoever gets hold of the table."""
    client, known = web(), set(ClientSecret.objects.values_list("digest", flat=True))
    secret = secrets.generate(client)
    made = ClientSecret.objects.exclude(digest__in=known).get().digest
    assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    assert made == f"sha256${hashlib.sha256(secret.encode()).hexdigest()}"
    ClientSecret.objects.filter(client=client).delete()
    secrets.adopt(client, "correct horse")
    chosen = ClientSecret.objects.get(client=client).digest
    assert identify_hasher(chosen).algorithm == get_hasher("default").algorithm
    assert "correct horse" not in chosen


def test_a_wrong_secret_is_no_use(world: None) -> None:
    assert not proves(basic("web", "wrong"))
    assert ClientSecret.objects.get(client=web()).last_used_at is None


# --- Guessing ------------------------------------------------------------------------------------------------------


def fail(times: int, client_id: str = "web", address: str = ADDRESS) -> None:
    for _ in range(times):
        with pytest.raises(InvalidClient):
            authenticate(sent(), basic(client_id, "wrong"), address)


@pytest.fixture
def few(monkeypatch: Any) -> None:
    monkeypatch.setattr(throttle, "PER_CLIENT", 3)
    monkeypatch.setattr(throttle, "PER_ADDRESS", 5)


def test_too_many_wrong_secrets_stop_even_the_right_one_from_there(world: None, few: None) -> None:
    fail(3)
    with pytest.raises(TooManyGuesses) as refused:
        authenticate(sent(), basic("web", "web-secret"), ADDRESS)
    assert refused.value.status == 429
    assert refused.value.retry_after == throttle.WINDOW


def test_they_stop_nobody_else(world: None, few: None) -> None:
    fail(3)
    assert authenticate(sent(), basic("web", "web-secret"), "192.0.2.2")
    assert authenticate(sent(), basic("sibling", "sibling-secret"), ADDRESS)
    assert authenticate(sent(client_id="spa"), None, ADDRESS)


def test_guessing_around_among_clients_is_stopped_too(world: None, few: None) -> None:
    for name in ("web", "sibling", "nobody", "stranger", "picky"):
        fail(1, name)
    with pytest.raises(TooManyGuesses):
        authenticate(sent(), basic("desk", "desk-secret"), ADDRESS)


def test_right_secrets_do_not_count(world: None, few: None) -> None:
    for _ in range(10):
        assert proves(basic("web", "web-secret"))


def test_unknown_clients_are_stopped_like_known_ones(world: None, few: None) -> None:
    fail(3, "nobody")
    with pytest.raises(TooManyGuesses):
        authenticate(sent(), basic("nobody", "x"), ADDRESS)


def test_what_was_guessed_is_not_kept(world: None, monkeypatch: Any) -> None:
    kept: list[str] = []

    def add(key: str, *_args: object) -> bool:
        kept.append(key)
        return True

    monkeypatch.setattr(cache, "add", add)
    with pytest.raises(InvalidClient):
        authenticate(sent(), basic("web", "the-guess"), ADDRESS)
    assert len(kept) == 2
    assert not any(word in key for key in kept for word in ("the-guess", "web", ADDRESS))


def test_the_methods_discovery_lists_are_those_that_work() -> None:
    assert tuple(client_authentication.METHODS) == ("client_secret_basic", "client_secret_post", "none")


# --- What a process believes of who may try ------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: Any) -> list[list[str]]:
    """What the cache was asked for."""
    asked: list[list[str]] = []
    get_many = cache.get_many

    def noting(keys: list[str]) -> Any:
        asked.append(keys)
        return get_many(keys)

    monkeypatch.setattr(cache, "get_many", noting)
    monkeypatch.setattr(throttle, "_unblocked_until", {})
    return asked


def later(monkeypatch: Any, seconds: float) -> None:
    then = time.monotonic() + seconds
    monkeypatch.setattr(time, "monotonic", lambda: then)


def test_an_address_without_failures_is_looked_at_once_a_second(asked: list[list[str]], monkeypatch: Any) -> None:
    for client_id in ("web", "service", "web"):
        assert not throttle.blocked(client_id, ADDRESS)
    assert len(asked) == 1
    later(monkeypatch, throttle.TRUST_SECONDS)
    assert not throttle.blocked("web", ADDRESS)
    assert len(asked) == 2


def test_after_a_failure_every_client_is_looked_at(asked: list[list[str]]) -> None:
    """The counter of one says nothing of another's."""
    throttle.failed("web", ADDRESS)
    for client_id in ("web", "service", "web"):
        assert not throttle.blocked(client_id, ADDRESS)
    assert len(asked) == 2


def test_a_wrong_secret_is_noticed_at_once(asked: list[list[str]]) -> None:
    """However quickly they come: what was believed ends with each of them."""
    for _ in range(throttle.PER_CLIENT):
        assert not throttle.blocked("web", ADDRESS)
        throttle.failed("web", ADDRESS)
    assert throttle.blocked("web", ADDRESS)
    assert not throttle.blocked("web", "192.0.2.2")


def test_another_process_lets_one_more_try(asked: list[list[str]]) -> None:
    assert not throttle.blocked("web", ADDRESS)
    here = dict(throttle._unblocked_until)
    for _ in range(throttle.PER_CLIENT):
        throttle.failed("web", ADDRESS)  # seen elsewhere
    throttle._unblocked_until.update(here)
    assert not throttle.blocked("web", ADDRESS)
    throttle.failed("web", ADDRESS)
    assert throttle.blocked("web", ADDRESS)


def test_no_counter_outlives_the_sign_that_there_is_one(asked: list[list[str]]) -> None:
    """An address would pass for one without failures while a counter of one of its clients still blocks it."""
    start = timezone.now()

    def after(seconds: int) -> Any:
        return time_machine.travel(start + timedelta(seconds=seconds), tick=False)

    with after(0):
        throttle.failed("service", ADDRESS)  # the address is counted from here on
    for _ in range(throttle.PER_CLIENT):
        with after(throttle.WINDOW // 2):
            throttle.failed("web", ADDRESS)
    with after(throttle.WINDOW + throttle.WINDOW // 2 - 1):
        assert throttle.blocked("web", ADDRESS)
        assert not throttle.blocked("service", ADDRESS)
        assert throttle.blocked("web", ADDRESS)


def test_what_is_believed_is_bounded(asked: list[list[str]], monkeypatch: Any) -> None:
    monkeypatch.setattr(throttle, "MAX_REMEMBERED", 5)
    for number in range(20):
        throttle.blocked("web", f"198.51.100.{number}")
        assert len(throttle._unblocked_until) <= 5
    throttle.failed("web", ADDRESS)
    for number in range(20):
        throttle.blocked(f"client-{number}", ADDRESS)
        assert len(throttle._unblocked_until[ADDRESS]) <= 5


def test_a_cache_that_is_down_is_not_waited_for_with_every_request(monkeypatch: Any) -> None:
    tried: list[int] = []

    def down(_keys: list[str]) -> Any:
        tried.append(1)
        raise ConnectionError

    monkeypatch.setattr(cache, "get_many", down)
    monkeypatch.setattr(throttle, "_unblocked_until", {})
    assert not any(throttle.blocked("web", ADDRESS) for _ in range(5))
    assert len(tried) == 1


def test_a_name_no_client_can_have_is_not_kept(asked: list[list[str]]) -> None:
    throttle.failed("web", ADDRESS)
    throttle.blocked("x" * 256, ADDRESS)
    throttle.blocked("x" * 255, ADDRESS)
    assert throttle._unblocked_until[ADDRESS].keys() == {"x" * 255}
