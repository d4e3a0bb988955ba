"""How a client proves who it is: one way per request, no oracle, no rescue, and a limit on wrong secrets."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clients import secrets
from clients.models import Client, ClientSecret
from common import counters
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
def test_an_assertion_beside_a_secret_is_refused_and_not_ignored_a6(name: str) -> None:
    for header, params in (
        (basic("web", "web-secret"), {}),
        (None, {"client_id": "web", "client_secret": "web-secret"}),
    ):
        with pytest.raises(InvalidRequest, match="one way of client authentication"):
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
    assert proves(basic("spa", "")), "as libraries send it"
    Client.objects.filter(client_id="spa").update(enabled=False)
    assert not proves(client_id="spa")
    assert not proves(basic("spa", ""))


def test_an_empty_password_counts_as_sent_by_public_clients_only(world: None) -> None:
    assert authenticate(sent(client_id="spa"), basic("spa", ""), ADDRESS).client_id == "spa"
    for client_id in ("web", "nobody", ""):
        assert not proves(basic(client_id, ""))


@pytest.mark.parametrize("secret", ["a+b", "100%", "a%2Bb", "a%fe", "%", "+", "é+", "a:b+c"])
def test_a_secret_is_read_as_the_standard_says_and_as_it_was_sent(world: None, secret: str) -> None:
    """RFC 6749 section 2.3.1 has it form-encoded first, which many programs leave out."""
    ClientSecret.objects.filter(client=web()).delete()
    secrets.adopt(web(), secret)
    assert proves(basic("web", secret))
    assert proves(raw(f"web:{secret}"))
    assert not proves(raw(f"web:{secret}x"))


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
    """A process that has not seen anybody's secret yet."""
    monkeypatch.setattr(throttle, "PER_CLIENT", 3)
    monkeypatch.setattr(secrets, "_proved", {})


def test_too_many_wrong_secrets_stop_even_the_right_one_from_there(world: None, few: None) -> None:
    """A chosen one that this process has not seen yet: it takes a slow hash to know."""
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


def test_a_chosen_secret_that_was_seen_is_never_refused(world: None, few: None) -> None:
    assert proves(basic("web", "web-secret"))
    fail(3)
    assert proves(basic("web", "web-secret"))


def test_a_generated_secret_is_never_refused(world: None, few: None) -> None:
    """Two hundred and fifty-six random bits need no limit, and comparing them costs nothing."""
    secret = secrets.generate(web())
    fail(3)
    with pytest.raises(TooManyGuesses):
        authenticate(sent(), basic("web", "wrong"), ADDRESS)
    assert proves(basic("web", secret))


def test_wrong_secrets_of_many_clients_stop_no_other_client_of_that_network(world: None, few: None) -> None:
    for number in range(20):
        fail(3, f"nobody-{number}")
    assert proves(basic("desk", "desk-secret"))


def test_a_guess_is_counted_before_it_is_tried(world: None, few: None, monkeypatch: Any) -> None:
    """However many arrive at once, only so many are tried."""
    seen: list[str] = []
    monkeypatch.setattr(secrets, "check_password", lambda secret, *_args, **_more: seen.append(secret))
    monkeypatch.setattr(throttle, "blocked", lambda *_who: False)  # all of them looked before any was counted
    fail(9)
    assert len(seen) == 3


def test_right_secrets_do_not_count(world: None, few: None, monkeypatch: Any) -> None:
    for _ in range(10):
        monkeypatch.setattr(secrets, "_proved", {})
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

    monkeypatch.setattr(caches[counters.ALIAS], "add", add)
    with pytest.raises(InvalidClient):
        authenticate(sent(), basic("web", "the-guess"), ADDRESS)
    assert len(kept) == 1
    assert not any(word in key for key in kept for word in ("the-guess", "web", ADDRESS))


def test_the_methods_discovery_lists_are_those_that_work() -> None:
    assert tuple(client_authentication.METHODS) == (
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
        "none",
    )
    assert client_authentication.offered() == [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "none",
    ], "no proxy passes certificates on"
