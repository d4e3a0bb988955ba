"""The explanation is the table's own answer: what is said here is what happens on the wire."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provider.explain import table
from provider.explain.table import AUTHORIZE, ROWS, Question, Reason
from provider.explain.words import preview
from provider.protocol import AT_TOKEN, CODES, device
from provider.protocol.cross_client import Obstacle
from provider.protocol.facts import TOKEN_EXCHANGE, Ceiling, Entry, Registry
from tests.provider.protocol.building import (
    ACME,
    BILLING,
    ORDERS,
    OTHER,
    QUEUE,
    api,
    client,
    listed,
    registry,
)

EVERY_GRANT = frozenset(AT_TOKEN)
WEB = client(allowlist=listed(ORDERS, Entry(BILLING, "exact"), Entry(QUEUE, "exact")), grant_types=EVERY_GRANT)
SIBLING = client("sibling", id_token_lifetime=600)
STRANGER = client("stranger", project=OTHER)
KNOWN = registry(api(ORDERS, "orders.read"), clients=[SIBLING, STRANGER])


def question(audience: str, known: Registry = KNOWN, **changes: Any) -> Question:
    return Question(changes.pop("client", WEB), audience, known, **changes)


def test_every_row_of_the_table_is_known_here() -> None:
    """A new grant needs a thought: what ceiling would its token request have?"""
    known = {"authorization_code", "refresh_token", "client_credentials", device.GRANT_TYPE, TOKEN_EXCHANGE}
    assert set(ROWS) - {AUTHORIZE} == set(AT_TOKEN) == known


@pytest.mark.parametrize("row", ROWS)
def test_what_is_allowed_names_every_step_and_refuses_nothing(row: str) -> None:
    attempt = table.attempt(question(f"{ORDERS}/7"), row)
    assert attempt.allowed
    assert attempt.steps[0] == "audience.named"
    assert len(attempt.steps) > 3
    assert (attempt.token is None) == (row == AUTHORIZE)


@pytest.mark.parametrize("row", list(AT_TOKEN))
@pytest.mark.parametrize("bound", [{}, {"dpop_bound": True}, {"certificate_bound": True}], ids=str)
def test_it_says_what_the_token_is_bound_to(row: str, bound: dict[str, Any]) -> None:
    token = table.attempt(question(ORDERS, client=replace(WEB, **bound)), row).token
    assert token is not None
    assert {"dpop_bound": token.to_a_key, "certificate_bound": token.to_a_certificate} == {
        "dpop_bound": False,
        "certificate_bound": False,
        **bound,
    }
    assert [name for name, _value in preview(token)].count("bound to") == len(bound)


@pytest.mark.parametrize("row", list(AT_TOKEN))
def test_the_token_carries_what_the_steps_decided(row: str) -> None:
    jwt = replace(WEB, access_token_format="jwt", access_token_lifetime=900)
    known = registry(api(ORDERS, "orders.read", token_lifetime=60), clients=[SIBLING])
    carried = table.attempt(question(f"{ORDERS}/7", known, client=jwt), row).token
    assert carried is not None
    assert (carried.aud, carried.format, carried.lifetime) == (f"{ORDERS}/7", "jwt", 60)
    assert "orders.read" in carried.scope
    assert "orders.write" not in carried.scope, "the API does not offer it"


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize(
    ("audience", "error", "step"),
    [
        ("https://elsewhere.example", "invalid_target", "audience"),
        ("https://h/..", "invalid_target", "audience"),
        ("nobody", "invalid_audience", "audience"),
        ("stranger", "invalid_audience", "audience"),
        ("a\0b", "invalid_request", "audience.named"),
        (" ".join(f"urn:x:{n}" for n in range(21)), "invalid_request", "audience.named"),
        ("a" * 2049, "invalid_request", "audience.named"),
    ],
)
def test_a_refusal_names_the_step_that_raised_it(row: str, audience: str, error: str, step: str) -> None:
    attempt = table.attempt(question(audience), row)
    assert attempt.refusal is not None
    assert attempt.refusal.code == CODES.get(row, {}).get(error, error)
    assert attempt.steps[-1].startswith(step)
    assert attempt.token is None


def test_an_unknown_client_and_a_foreign_one_are_refused_alike() -> None:
    for row in ROWS:
        unknown, foreign = (table.attempt(question(name), row) for name in ("nobody", "stranger"))
        assert (unknown.steps, str(unknown.refusal)) == (foreign.steps, str(foreign.refusal))


def test_a_sibling_is_for_people_only() -> None:
    carried = table.attempt(question("sibling"), "refresh_token").token
    assert carried is not None
    assert carried.aud == "web"
    assert carried.id_token == {"aud": "sibling", "azp": "web", "lifetime": 600}
    alone = table.attempt(question("sibling"), "client_credentials")
    assert alone.refusal is not None
    assert alone.steps[-1] == "audience.at_token", "as early as an unknown client is refused"


def test_a_sibling_needs_openid_in_the_scope() -> None:
    attempt = table.attempt(question("sibling", scope="email"), "refresh_token")
    assert attempt.refusal is not None
    assert (attempt.refusal.code, attempt.steps[-1]) == ("invalid_scope", "cross_client.at_token")


def test_a_refresh_stays_within_what_was_granted() -> None:
    ceiling = Ceiling(("openid", "orders.read"), (f"{ORDERS}/7",), ("openid", "orders.read"), (f"{ORDERS}/7",))
    assert table.attempt(question(f"{ORDERS}/7/items", ceiling=ceiling), "refresh_token").allowed
    beyond = table.attempt(question(ORDERS, ceiling=ceiling), "refresh_token")
    assert str(beyond.refusal) == "This audience was not granted to this authorization."
    assert table.attempt(question(ORDERS, ceiling=ceiling), "authorization_code").allowed, "a new authorization"


def test_a_disabled_client_and_a_grant_it_has_not_never_reach_the_table() -> None:
    off = table.attempt(question(ORDERS, client=replace(WEB, enabled=False)), AUTHORIZE)
    assert (off.steps, off.refusal and off.refusal.code) == (("client.enabled",), "invalid_client")
    machine = replace(WEB, grant_types=frozenset({"client_credentials"}))
    assert table.rows_of(machine) == ["client_credentials"]
    other = table.attempt(question(ORDERS, client=machine), "refresh_token")
    assert (other.steps, other.refusal and other.refusal.code) == (("client.may_use",), "unauthorized_client")
    public = replace(WEB, public=True)
    assert table.rows_of(public) == [AUTHORIZE, "authorization_code", "refresh_token", device.GRANT_TYPE]


def test_a_device_without_a_browser_is_asked_about_as_a_device() -> None:
    """It has no redirect URI, and registered no code."""
    box = replace(WEB, grant_types=frozenset({device.GRANT_TYPE, "refresh_token"}), redirect_uris=())
    assert table.rows_of(box) == ["refresh_token", device.GRANT_TYPE]
    for row in table.rows_of(box):
        attempt = table.attempt(question(f"{ORDERS}/7", client=box), row)
        assert attempt.allowed, attempt.refusal
        assert attempt.token is not None
        assert attempt.token.aud == f"{ORDERS}/7"
    decided = table.decided_authorization(question(ORDERS, client=box))
    assert decided is not None
    assert decided.channel.device


# --- The values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "why", "rule"),
    [
        ("web", Reason.ITSELF, None),
        ("sibling", Reason.SIBLING, None),
        ("stranger", Reason.SIBLING_REFUSED, None),
        ("nobody", Reason.NAME_NOT_LISTED, None),
        (ORDERS, Reason.LISTED, 1),
        (f"{ORDERS}/7", Reason.LISTED, 1),
        (BILLING, Reason.LISTED, 2),
        (f"{BILLING}/7", Reason.NOT_LISTED, None),
        (QUEUE, Reason.LISTED, 3),
        ("urn:acme:other", Reason.NAME_NOT_LISTED, None),
        ("https://h/..", Reason.MALFORMED, None),
    ],
)
def test_each_value_says_what_it_is_and_by_which_rule(audience: str, why: Reason, rule: int | None) -> None:
    [value] = table.values(question(audience), KNOWN)
    assert (value.reason, value.rule) == (why, rule)


def test_several_values_are_told_apart() -> None:
    found = table.values(question(f"{ORDERS} sibling web"), KNOWN)
    assert [one.reason for one in found] == [Reason.LISTED, Reason.SIBLING, Reason.ITSELF]


def test_a_rule_above_another_projects_api_does_not_open_it() -> None:
    known = registry(api(f"{ORDERS}/theirs", project_id=OTHER.id))
    [value] = table.values(question(f"{ORDERS}/theirs/1", known), known)
    assert (value.reason, value.rule) == (Reason.LISTED_BUT_REFUSED, 1)
    assert value.api is not None
    [hidden] = table.values(question(f"{ORDERS}/theirs/1", known), Registry())
    assert (hidden.reason, hidden.api) == (Reason.LISTED_BUT_REFUSED, None)


def test_what_the_asker_may_not_see_looks_like_what_is_not_there() -> None:
    unseen = registry(clients=[SIBLING])
    [foreign] = table.values(question("stranger"), unseen)
    [unknown] = table.values(question("nobody"), unseen)
    assert replace(foreign, asked="") == replace(unknown, asked="")


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        ({"project": OTHER}, Obstacle.ANOTHER_PROJECT),
        ({"enabled": False}, Obstacle.TARGET_DISABLED),
        ({"registered_by_administrator": False}, None),
        ({"allowed_callers": frozenset({"other"})}, Obstacle.CALLER_NOT_LISTED),
        ({"id_token_algorithm": "HS256"}, Obstacle.TARGET_ALGORITHM),
    ],
)
def test_each_obstacle_is_named(changes: dict[str, Any], obstacle: Obstacle | None) -> None:
    known = registry(clients=[replace(SIBLING, **changes)])
    [value] = table.values(question("sibling", known), known)
    assert value.obstacles == ((obstacle,) if obstacle else ())
    assert not table.attempt(question("sibling", known), "refresh_token").allowed


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        ({"project": replace(ACME, cross_client="off")}, Obstacle.POLICY_OFF),
        ({"enabled": False}, Obstacle.CALLER_DISABLED),
        ({"registered_by_administrator": False}, Obstacle.REGISTERED_ITSELF),
        ({"public": True}, Obstacle.CALLER_PUBLIC),
    ],
)
def test_obstacles_of_the_caller_are_named_too(changes: dict[str, Any], obstacle: Obstacle) -> None:
    [value] = table.values(question("sibling", client=replace(WEB, **changes)), KNOWN)
    assert value.obstacles == (obstacle,)


def test_an_exchange_for_a_sibling_issues_an_id_token_and_nothing_else() -> None:
    carried = table.attempt(question("sibling"), TOKEN_EXCHANGE).token
    assert carried is not None
    assert carried.id_token == {"aud": "sibling", "azp": "web", "lifetime": 600}
    assert [name for name, _said in preview(carried)] == ["scope", "ID token"]


def test_an_api_is_told_what_it_gets_for_the_tokens_of_apps() -> None:
    grants = frozenset({TOKEN_EXCHANGE})
    asking = replace(WEB, grant_types=grants, acts_for=(BILLING,))
    assert table.rows_of(asking) == [TOKEN_EXCHANGE]
    carried = table.attempt(question(ORDERS, client=asking), TOKEN_EXCHANGE).token
    assert carried is not None
    assert (carried.aud, "orders.read" in carried.scope) == (ORDERS, True)
    unnamed = table.attempt(question("", client=asking), TOKEN_EXCHANGE)
    assert (unnamed.steps[-1], unnamed.refusal and unnamed.refusal.code) == ("exchange.asked", "invalid_target")
