"""The table itself: whole requests through all of their steps, in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from provider.protocol import AT_AUTHORIZATION, AT_TOKEN
from provider.protocol.errors import InvalidAudience, InvalidGrant, InvalidScope, InvalidTarget, Refusal
from provider.protocol.facts import TOKEN_EXCHANGE, Ceiling, Challenge, ClientFacts, Exchanged, Registry
from provider.protocol.request import AuthorizationRequest, TokenRequest
from tests.provider.protocol import building
from tests.provider.protocol.building import (
    BILLING,
    ORDERS,
    OTHER,
    api,
    client,
    default,
    listed,
    registry,
)

SIBLING = client("sibling")
KNOWN = registry(api(ORDERS, "orders.read", "orders.write"), clients=[SIBLING])
CEILING = Ceiling(
    scopes=("openid", "orders.read", "offline_access"),
    audiences=(ORDERS,),
    asked_scopes=("openid", "orders.read", "offline_access"),
    asked_audiences=(ORDERS,),
    offline=True,
)


def run(steps: Sequence[Callable[[Any], None]], request: object) -> None:
    for step in steps:
        step(request)


def authorize(caller: ClientFacts, known: Registry = KNOWN, **params: Any) -> AuthorizationRequest:
    request = building.authorization(caller, known, **{"response_type": "code", **params})
    run(AT_AUTHORIZATION, request)
    return request


def grant(
    grant_type: str, caller: ClientFacts, ceiling: Ceiling | None, known: Registry = KNOWN, **params: Any
) -> TokenRequest:
    request = building.token(caller, ceiling, known, **params)
    request.exchanged = Exchanged(caller) if grant_type == TOKEN_EXCHANGE else None
    run(AT_TOKEN[grant_type], request)
    return request


def test_an_authorization_goes_through_every_step() -> None:
    request = authorize(client(), scope="openid orders.read", audience=f"{ORDERS} sibling", access_type="offline")
    unnamed = tuple(scope for scope in CEILING.asked_scopes if scope != "offline_access")
    assert request.ceiling == replace(CEILING, narrowed=False, asked_scopes=unnamed)
    assert request.targets == (SIBLING,)


def test_the_steps_may_run_several_times() -> None:
    caller = client(allowlist=listed(default(ORDERS), BILLING))
    request = authorize(caller, scope="openid")
    once = replace(request)
    run(AT_AUTHORIZATION, request)
    assert request == once


def test_a_refresh_for_a_sibling_keeps_the_callers_access_token() -> None:
    request = grant("refresh_token", client(), CEILING, audience="sibling", scope="openid")
    assert (request.audience, request.scopes, request.target) == ((ORDERS,), ("openid",), SIBLING)


def test_narrowing_is_forgotten_by_the_next_request() -> None:
    narrow = grant("refresh_token", client(), CEILING, resource=f"{ORDERS}/7", scope="orders.read")
    assert (narrow.audience, narrow.scopes) == ((f"{ORDERS}/7",), ("orders.read",))
    wide = grant("refresh_token", client(), CEILING)
    assert (wide.audience, wide.scopes) == ((ORDERS,), CEILING.asked_scopes)


def test_a_code_needs_its_verifier_and_a_refresh_token_does_not() -> None:
    request = building.token(client(), CEILING, KNOWN)
    request.challenge = Challenge("x" * 43, "S256")
    run(AT_TOKEN["refresh_token"], request)
    with pytest.raises(InvalidGrant):
        run(AT_TOKEN["authorization_code"], request)


def test_client_credentials_stay_within_the_allowlist() -> None:
    request = grant("client_credentials", client("service"), None, audience=f"{ORDERS}/7")
    assert (request.audience, request.scopes) == ((f"{ORDERS}/7",), ("orders.read", "orders.write"))
    with pytest.raises(InvalidTarget):
        grant("client_credentials", client("service"), None, audience="https://else.example")


MISTAKES: list[dict[str, Any]] = [
    {},
    {"scope": "never.granted"},
    {"scope": "orders.read"},
    {"scope": "a\tb"},
    {"resource": "https://else.example"},
    {"resource": BILLING},
    {"resource": ORDERS, "scope": "orders.write"},
    {"resource": "malformed"},
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
@pytest.mark.parametrize("grant_type", AT_TOKEN)
def test_no_mistake_tells_an_unknown_client_from_one_that_may_not_be_a_target(
    grant_type: str, mistake: dict[str, Any]
) -> None:
    """Whoever could see another refusal for a client that exists could list the clients of every project."""
    ceiling = None if grant_type == "client_credentials" else CEILING
    targets = [None, replace(SIBLING, project=OTHER), replace(SIBLING, enabled=False)]
    if ceiling is None:
        targets.append(SIBLING)  # nor may any other be one where there is nobody to speak of
    for target in targets:
        known = registry(api(ORDERS, "orders.read"), clients=[target] if target else [])
        with pytest.raises(InvalidAudience):
            grant(grant_type, client(), ceiling, known, **{**mistake, "audience": "sibling"})


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_neither_does_one_at_authorization(mistake: dict[str, Any]) -> None:
    answers = set()
    for target in (None, replace(SIBLING, project=OTHER), replace(SIBLING, enabled=False)):
        known = registry(api(ORDERS, "orders.read"), clients=[target] if target else [])
        with pytest.raises(Refusal) as refused:
            authorize(client(), known, **{**mistake, "audience": "sibling"})
        answers.add((refused.value.code, str(refused.value)))
    assert len(answers) == 1


def test_a_token_has_the_scopes_its_audience_offers() -> None:
    """Scopes are decided after audiences."""
    ceiling = replace(CEILING, audiences=(ORDERS, BILLING))
    known = registry(api(ORDERS, "orders.read"), api(BILLING, "bills.read"))
    assert grant("refresh_token", client(), ceiling, known, resource=BILLING).scopes == ("openid", "offline_access")
    assert grant("refresh_token", client(), ceiling, known, resource=ORDERS).scopes == CEILING.scopes


def test_a_target_needs_openid_among_the_scopes_of_this_request() -> None:
    """Targets are decided after scopes."""
    with pytest.raises(InvalidScope):
        grant("refresh_token", client(), CEILING, audience="sibling", scope="orders.read")
