"""Asking the provider about a token: what counts as yes, how long an answer is kept, and what happens without one."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
import time_machine
from vestibule_verifier import AccessToken, InsufficientScope, IntrospectionVerifier, Invalid, Provider, Unavailable

from tests.provider import DISCOVERY, INTROSPECT, ORDERS, Clock, TestProvider

TOKEN = "an-opaque-token"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(provider: TestProvider, clock: Clock) -> IntrospectionVerifier:
    """The Orders API; keeps answers 30 s, refusals 5 s, at most three of them."""
    return IntrospectionVerifier(
        Provider(provider.issuer), ORDERS, client_id="orders-api", client_secret="s3cret", size=3, clock=clock
    )


def test_an_active_token_is_what_the_provider_says(provider: TestProvider, api: IntrospectionVerifier) -> None:
    provider.active()
    said = provider.documents[INTROSPECT]
    assert api.verify(TOKEN, scope="orders.read") == AccessToken(
        subject="9b2f2f9a-person",
        client_id="web",
        scopes=frozenset({"openid", "orders.read"}),
        audience=(ORDERS,),
        audience_here=(ORDERS,),
        expires_at=said["exp"],
        claims=said,
    )
    request = provider.requests[-1]
    assert (request.method, request.form) == ("POST", {"token": TOKEN, "token_type_hint": "access_token"})


@pytest.mark.parametrize(("secret", "sent"), [("s3cret", "s3cret"), ("a:b c+%é&", "a%3Ab+c%2B%25%C3%A9%26"), ("", "")])
def test_the_api_proves_who_it_is_by_basic_with_both_parts_encoded(
    provider: TestProvider, secret: str, sent: str
) -> None:
    api = IntrospectionVerifier(Provider(provider.issuer), ORDERS, client_id="urn:api", client_secret=secret)
    with pytest.raises(Invalid):
        api.verify(TOKEN)
    scheme, _space, value = provider.requests[-1].headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(value).decode()) == ("Basic", f"urn%3Aapi:{sent}")


def test_the_address_may_be_given_and_is_looked_up_once(provider: TestProvider, api: IntrospectionVerifier) -> None:
    given = Provider(provider.issuer, introspection_endpoint=provider.issuer + "/my-own")
    provider.documents["/my-own"] = {"active": False}
    with pytest.raises(Invalid):
        IntrospectionVerifier(given, ORDERS, client_id="a", client_secret="b").verify(TOKEN)
    assert provider.asked(DISCOVERY) == 0
    for token in ("one", "two"):
        with pytest.raises(Invalid):
            api.verify(token)
    assert provider.asked(DISCOVERY) == 1


def test_an_inactive_token(provider: TestProvider, api: IntrospectionVerifier) -> None:
    with pytest.raises(Invalid, match="unknown, expired or revoked"):
        api.verify(TOKEN)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"aud": "https://api.acme.example"}, "another API"),
        ({"aud": f"{ORDERS}-admin"}, "another API"),
        ({"aud": "web"}, "another API"),
        ({"aud": None}, "for whom"),
        ({"iss": "https://other.example"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"exp": time.time() - 86_400}, "expired"),
        ({"exp": None}, "lacks a time"),
        ({"nbf": time.time() + 86_400}, "not valid yet"),
        ({"cnf": {"jkt": "x"}}, "bound to a key"),
        ({"sub": None}, "lacks a claim"),
        ({"client_id": None}, "lacks a claim"),
        ({"scope": ["orders.read"]}, "scope is malformed"),
    ],
)
def test_active_is_not_enough(
    provider: TestProvider, api: IntrospectionVerifier, changes: dict[str, Any], match: str
) -> None:
    provider.active()
    assert api.verify("another")
    provider.active(**changes)
    with pytest.raises(Invalid, match=match):
        api.verify(TOKEN)


@pytest.mark.parametrize("token_type", [None, "", "N_A", "refresh_token", "DPoP", ["Bearer"]])
def test_an_active_refresh_token_is_no_access_token(
    provider: TestProvider, api: IntrospectionVerifier, token_type: Any
) -> None:
    provider.active()
    del provider.documents[INTROSPECT]["token_type"]
    if token_type is not None:
        provider.documents[INTROSPECT]["token_type"] = token_type
    with pytest.raises(Invalid, match="not an access token"):
        api.verify(TOKEN)


def test_a_bound_token_needs_its_proof(provider: TestProvider, api: IntrospectionVerifier) -> None:
    provider.active(cnf={"jkt": "x"})
    provider.documents[INTROSPECT]["token_type"] = "DPoP"
    with pytest.raises(Invalid, match="bound to a key"):
        api.verify(TOKEN)
    assert api.verify(TOKEN, proof=lambda binding: binding == {"jkt": "x"})


@pytest.mark.parametrize("token", ["", " ", "two words", "a\nb", "é", "\ud800", "\0", "a" * 16_385, "x" * 5_000_000])
def test_what_cannot_be_a_token_is_not_asked_about(
    provider: TestProvider, api: IntrospectionVerifier, token: str
) -> None:
    with pytest.raises(Invalid):
        api.verify(token)
    assert provider.requests == []


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 405, 429, 500, 502, 503])
def test_no_answer_is_not_a_no(provider: TestProvider, api: IntrospectionVerifier, status: int) -> None:
    provider.active()
    provider.fail(INTROSPECT, status)
    with pytest.raises(Unavailable):
        api.verify(TOKEN)
    provider.status.clear()
    assert api.verify(TOKEN), "and it is not kept"


@pytest.mark.parametrize("active", [None, "true", 1, "false", 0, [], {}])
def test_an_answer_that_does_not_say_yes_or_no(provider: TestProvider, api: IntrospectionVerifier, active: Any) -> None:
    provider.active()
    provider.documents[INTROSPECT]["active"] = active
    with pytest.raises(Unavailable, match="does not say"):
        api.verify(TOKEN)


@pytest.mark.parametrize("body", [b"", b"true", b"[]", b'{"active": true', b'{"active": false, "active": true}'])
def test_an_answer_that_cannot_be_read(provider: TestProvider, api: IntrospectionVerifier, body: bytes) -> None:
    provider.bodies[INTROSPECT] = body
    with pytest.raises(Unavailable):
        api.verify(TOKEN)


def test_an_answer_is_kept_for_its_time(provider: TestProvider, api: IntrospectionVerifier, clock: Clock) -> None:
    provider.active()
    api.verify(TOKEN)
    clock.now += 29
    api.verify(TOKEN)
    assert provider.asked(INTROSPECT) == 1
    provider.documents[INTROSPECT] = {"active": False}
    clock.now += 1
    with pytest.raises(Invalid):
        api.verify(TOKEN)


def test_a_refusal_is_kept_shortly(provider: TestProvider, api: IntrospectionVerifier, clock: Clock) -> None:
    for _ in range(2):
        with pytest.raises(Invalid):
            api.verify(TOKEN)
    assert provider.asked(INTROSPECT) == 1
    provider.active()
    clock.now += 5
    assert api.verify(TOKEN)


def test_no_answer_is_kept_longer_than_the_token_lives(
    provider: TestProvider, api: IntrospectionVerifier, clock: Clock
) -> None:
    start = int(time.time())
    with time_machine.travel(start, tick=False):
        provider.active(exp=start + 10)
        api.verify(TOKEN)
        clock.now += 9
        api.verify(TOKEN)
        assert provider.asked(INTROSPECT) == 1
        clock.now += 1
        api.verify(TOKEN)
        assert provider.asked(INTROSPECT) == 2
    with time_machine.travel(start + 70, tick=False), pytest.raises(Invalid, match="expired"):
        api.verify(TOKEN)


def test_the_number_of_answers_is_bounded_and_the_least_used_goes(
    provider: TestProvider, api: IntrospectionVerifier
) -> None:
    provider.active()
    for token in ("a", "b", "c", "a", "d"):
        api.verify(token)
    assert provider.asked(INTROSPECT) == 4
    assert len(api._cache) == 3
    api.verify("a")
    assert provider.asked(INTROSPECT) == 4
    api.verify("b")
    assert provider.asked(INTROSPECT) == 5, "b was not used for longest"


def test_refusals_do_not_grow_the_memory_either(provider: TestProvider, api: IntrospectionVerifier) -> None:
    for number in range(50):
        with pytest.raises(Invalid):
            api.verify(f"invented-{number}")
    assert len(api._cache) == 3


def test_nothing_is_kept_when_told_so(provider: TestProvider) -> None:
    provider.active()
    api = IntrospectionVerifier(
        Provider(provider.issuer), ORDERS, client_id="orders-api", client_secret="s3cret", keep=0, keep_refusals=0
    )
    for _ in range(2):
        api.verify(TOKEN)
    assert provider.asked(INTROSPECT) == 2


def test_a_kept_answer_is_checked_anew_for_scope_audience_and_proof(
    provider: TestProvider, api: IntrospectionVerifier
) -> None:
    provider.active()
    api.verify(TOKEN)
    with pytest.raises(InsufficientScope):
        api.verify(TOKEN, scope="orders.write")
    with pytest.raises(Invalid, match="another API"):
        api.verify(TOKEN, audience="https://api.acme.example/billing")
    assert provider.asked(INTROSPECT) == 1


def test_tokens_and_secrets_are_not_kept_in_clear(provider: TestProvider, api: IntrospectionVerifier) -> None:
    provider.active()
    api.verify(TOKEN)
    assert TOKEN not in repr(vars(api)) + repr(vars(api._cache))
    assert "s3cret" not in repr(api) + repr(api.provider)
    assert TOKEN.encode() not in b"".join(api._cache._answers)
