"""Which scopes a request asks for, and which of them a token gets (RFC 6749 section 3.3, sections 4, 5 and 7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.scopes import SIGN_IN_SCOPES
from provider.protocol import scopes
from provider.protocol.errors import InvalidRequest, InvalidScope
from provider.protocol.facts import Ceiling, Registry
from provider.protocol.request import TokenRequest
from tests.provider.protocol.building import (
    BILLING,
    ORDERS,
    QUEUE,
    api,
    authorization,
    client,
    registry,
    sent,
    token,
)

GRANTED = Ceiling(
    scopes=("openid", "email", "orders.read", "orders.write", "offline_access"),
    asked_scopes=("openid", "orders.read", "offline_access"),
)


def at_token(ceiling: Ceiling | None = GRANTED, scope: str = "", **more: object) -> TokenRequest:
    request = token(client(), ceiling, scope=scope)
    request = replace(request, **more)  # type: ignore[arg-type]
    scopes.at_token(request)
    return request


# --- Reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"),
    [("", ()), ("a", ("a",)), ("a b", ("a", "b")), (" b  a b ", ("b", "a")), ("!#[]~", ("!#[]~",))],
)
def test_scopes_are_words_in_order_each_once(text: str, read: tuple[str, ...]) -> None:
    assert scopes.asked(sent(scope=text)) == read


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\tb", "a\nb", "é", "a\x7f", "\u00a0"])
def test_a_scope_with_a_forbidden_character_is_refused(text: str) -> None:
    with pytest.raises(InvalidScope):
        scopes.asked(sent(scope=text))


def test_a_hundred_scopes_pass_and_more_do_not() -> None:
    words = [f"s{number}" for number in range(101)]
    assert scopes.asked(sent(scope=" ".join(words[:100]))) == tuple(words[:100])
    with pytest.raises(InvalidRequest):
        scopes.asked(sent(scope=" ".join(words)))


# --- At authorization ----------------------------------------------------------------------------------------------


def test_what_the_client_registered_may_be_asked_for() -> None:
    request = authorization(scope="email openid")
    scopes.at_authorization(request)
    assert request.asked_scopes == ("email", "openid")


@pytest.mark.parametrize("scope", ["openid phone", "groups openid", "openid api://x/.default orders.delete"])
def test_what_the_client_did_not_register_is_ignored(scope: str) -> None:
    request = authorization(scope=scope)
    scopes.at_authorization(request)
    assert request.asked_scopes == ("openid",)


@pytest.mark.parametrize("scope", ["phone", "groups roles", "OPENID"])
def test_where_nothing_is_left_of_what_was_asked_that_is_refused(scope: str) -> None:
    with pytest.raises(InvalidScope, match=scope):
        scopes.at_authorization(authorization(scope=scope))


def test_no_scope_asks_for_none() -> None:
    request = authorization()
    scopes.at_authorization(request)
    assert request.asked_scopes == ()


@pytest.mark.parametrize(
    ("params", "asked", "offline"),
    [
        ({"access_type": "offline"}, ("openid",), True),
        ({"access_type": "online"}, ("openid",), False),
        ({"access_type": ""}, ("openid",), False),
        ({"scope": "offline_access openid", "access_type": "offline"}, ("offline_access", "openid"), True),
    ],
)
def test_access_type_offline_asks_for_a_refresh_token_and_adds_nothing_to_the_scope(
    params: dict[str, str], asked: tuple[str, ...], offline: bool
) -> None:
    request = authorization(**{"scope": "openid", **params})
    scopes.at_authorization(request)
    assert request.asked_scopes == request.ceiling.asked_scopes == asked
    assert ("offline_access" in request.ceiling.scopes, request.ceiling.offline) == (offline, offline)


def test_access_type_offline_means_nothing_to_a_client_without_refresh_tokens() -> None:
    caller = client(grant_types=frozenset({"authorization_code"}), scopes=("openid",))
    request = authorization(caller, scope="openid", access_type="offline")
    scopes.at_authorization(request)
    assert (request.asked_scopes, request.access_type_scopes) == (("openid",), ())


def test_another_access_type_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="access_type"):
        scopes.at_authorization(authorization(access_type="Offline"))


@pytest.mark.parametrize(
    "decided",
    [
        {"asked_scopes": ("openid",)},
        {"implied_scopes": ("orders.read",)},
        {"claim_scopes": ("email",)},
        {"asked_audiences": (ORDERS,)},
        {"implied_audiences": (ORDERS,)},
    ],
    ids=lambda decided: next(iter(decided)),
)
def test_one_thing_asked_or_implied_is_enough(decided: dict[str, Any]) -> None:
    scopes.something_asked(replace(authorization(), **decided))


def test_a_request_for_nothing_is_refused_also_where_something_would_come_along() -> None:
    request = authorization()
    request.included_scopes, request.included_audiences = ("openid",), (ORDERS,)
    with pytest.raises(InvalidScope, match="Nothing"):
        scopes.something_asked(request)


# --- At the token endpoint: narrowing ------------------------------------------------------------------------------


def test_nothing_asked_gives_what_the_authorization_request_named() -> None:
    assert at_token().scopes == GRANTED.asked_scopes


@pytest.mark.parametrize("scope", ["openid", "orders.write", "email orders.read", "offline_access"])
def test_any_subset_of_the_ceiling_may_be_asked(scope: str) -> None:
    assert at_token(scope=scope).scopes == tuple(scope.split())


@pytest.mark.parametrize("scope", ["openid phone", "unknown openid"])
def test_what_the_client_did_not_register_is_ignored_here_too(scope: str) -> None:
    """An app repeats what it asked for in the beginning."""
    assert at_token(scope=scope).scopes == ("openid",)


@pytest.mark.parametrize("scope", ["profile", "openid profile", "unknown", "OPENID"])
def test_nothing_outside_the_ceiling_may_be_asked(scope: str) -> None:
    with pytest.raises(InvalidScope):
        at_token(scope=scope)


def test_a_scope_the_client_lost_drops_out_and_may_not_be_asked() -> None:
    poorer = client(scopes=("openid",))
    assert at_token(client=poorer).scopes == ("openid", "offline_access")
    with pytest.raises(InvalidScope):
        at_token(scope="orders.read", client=poorer)


def test_offline_access_stays_although_access_type_asked_for_it() -> None:
    caller = client(scopes=("openid",))
    ceiling = Ceiling(scopes=("openid", "offline_access"), asked_scopes=("openid", "offline_access"))
    assert at_token(ceiling, "openid offline_access", client=caller).scopes == ("openid", "offline_access")


# --- At the token endpoint: what the audiences offer ---------------------------------------------------------------

READ = api(ORDERS, "orders.read")
BILLS = api(BILLING, "bills.read")


@pytest.mark.parametrize(
    ("audience", "known", "kept"),
    [
        ((ORDERS,), registry(READ), ("openid", "orders.read", "offline_access")),
        ((f"{ORDERS}/7",), registry(READ), ("openid", "orders.read", "offline_access")),
        ((BILLING,), registry(BILLS), ("openid", "offline_access")),
        ((ORDERS, BILLING), registry(READ, BILLS), ("openid", "orders.read", "offline_access")),
        ((ORDERS, BILLING), registry(api(ORDERS), BILLS), GRANTED.asked_scopes),
        ((ORDERS, BILLING), registry(BILLS), GRANTED.asked_scopes),
        ((QUEUE,), registry(READ), GRANTED.asked_scopes),
        (("web",), registry(READ), GRANTED.asked_scopes),
    ],
    ids=[
        *("its scopes stay", "below it too", "others go", "two together"),
        *("one has no scopes", "one is no api", "no api", "for itself"),
    ],
)
def test_apis_with_scopes_keep_theirs_and_those_of_signing_in(
    audience: tuple[str, ...], known: Registry, kept: tuple[str, ...]
) -> None:
    assert at_token(audience=audience, registry=known).scopes == kept


@pytest.mark.parametrize("scope", ["openid", "profile", "email", "address", "phone", "offline_access"])
def test_scopes_of_signing_in_are_no_apis_to_offer(scope: str) -> None:
    everything = client(scopes=(*SIGN_IN_SCOPES, "orders.read"))
    got = at_token(Ceiling(scopes=(scope,)), scope, client=everything, audience=(ORDERS,), registry=registry(READ))
    assert got.scopes == (scope,)


def test_nothing_left_of_what_was_asked_is_an_invalid_scope() -> None:
    with pytest.raises(InvalidScope, match="offered"):
        at_token(scope="orders.write", audience=(ORDERS,), registry=registry(READ))


def test_nothing_asked_and_nothing_granted_is_no_refusal() -> None:
    assert at_token(Ceiling(), audience=(ORDERS,), registry=registry(READ)).scopes == ()


# --- Client credentials: there is no person ------------------------------------------------------------------------


def test_client_credentials_get_every_scope_that_speaks_of_no_person() -> None:
    assert at_token(None).scopes == ("orders.read", "orders.write")


def test_client_credentials_may_ask_for_less() -> None:
    assert at_token(None, "orders.read").scopes == ("orders.read",)


@pytest.mark.parametrize(
    "scope", ["openid", "profile", "email", "address", "phone", "offline_access", "orders.read openid"]
)
def test_client_credentials_never_speak_of_a_person(scope: str) -> None:
    everything = client(scopes=(*SIGN_IN_SCOPES, "orders.read"))
    with pytest.raises(InvalidScope):
        at_token(None, scope, client=everything)


def test_client_credentials_get_only_what_is_registered() -> None:
    assert at_token(None, "orders.delete orders.read").scopes == ("orders.read",)
    with pytest.raises(InvalidScope):
        at_token(None, "orders.delete")


# --- Whatever happens ----------------------------------------------------------------------------------------------

words = st.sampled_from(["openid", "email", "orders.read", "orders.write", "offline_access", "bills.read"])
several = st.lists(words, max_size=4, unique=True).map(tuple)


@given(ceiling=several, before=several, asked=several, registered=several, offered=several)
def test_no_token_has_a_scope_beyond_the_ceiling_and_the_registration(
    ceiling: tuple[str, ...],
    before: tuple[str, ...],
    asked: tuple[str, ...],
    registered: tuple[str, ...],
    offered: tuple[str, ...],
) -> None:
    granted = Ceiling(scopes=ceiling, asked_scopes=tuple(one for one in before if one in ceiling))
    request = token(client(scopes=registered), granted, registry(api(ORDERS, *offered)), scope=" ".join(asked))
    request.audience = (ORDERS,)
    try:
        scopes.at_token(request)
    except InvalidScope:
        return
    got = set(request.scopes)
    assert got <= set(ceiling)
    assert got <= {*registered, "offline_access"}
    assert not asked or got <= set(asked)
    assert not offered or got <= {*offered, *SIGN_IN_SCOPES}
