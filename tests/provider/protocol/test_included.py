"""include_granted_scopes: what comes along, and that it never is more than allowed before and asked for now."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.matcher import covers
from provider.protocol import audience, included, scopes
from provider.protocol.errors import InvalidRequest
from provider.protocol.facts import ClientFacts, Entry
from provider.protocol.request import AuthorizationRequest, Choice
from tests.provider.protocol.building import (
    BILLING,
    ORDERS,
    OTHER,
    api,
    authorization,
    client,
    listed,
    registry,
    token,
)

BEFORE = Choice(("openid", "email", "offline_access", "orders.read", "unregistered"), (ORDERS, "https://h.example/x"))


def decided(caller: ClientFacts | None = None, before: Choice = BEFORE, **params: Any) -> AuthorizationRequest:
    request = authorization(caller or client(), registry(api(ORDERS, "orders.read"), api(BILLING)), **params)
    request.granted = before
    for step in (scopes.at_authorization, audience.at_authorization, included.at_authorization):
        step(request)
    return request


@pytest.mark.parametrize("value", ["True", "TRUE", "1", "yes", "on", "true ", "true false", "null"])
def test_only_true_and_false_are_understood(value: str) -> None:
    with pytest.raises(InvalidRequest, match="include_granted_scopes"):
        decided(include_granted_scopes=value)


@pytest.mark.parametrize("asked", [{}, {"include_granted_scopes": ""}, {"include_granted_scopes": "false"}])
def test_nothing_comes_along_unless_it_is_asked(asked: dict[str, Any]) -> None:
    ceiling = decided(scope="profile", **asked).ceiling
    assert (ceiling.scopes, ceiling.audiences) == (("profile",), ())


def test_what_the_client_may_ask_for_now_comes_along_and_nothing_else() -> None:
    ceiling = decided(scope="profile", include_granted_scopes="true").ceiling
    assert ceiling.scopes == ("profile", "openid", "email", "orders.read"), (
        "registered, and offline_access must be asked"
    )
    assert ceiling.audiences == (ORDERS,), "on its allowlist"


def test_scopes_that_come_along_count_as_asked_and_audiences_do_not() -> None:
    ceiling = decided(scope="profile", audience=BILLING, include_granted_scopes="true").ceiling
    assert ceiling.asked_scopes == ("profile", "openid", "email", "orders.read")
    assert (ceiling.asked_audiences, ceiling.audiences) == ((BILLING,), (BILLING, ORDERS))


def test_running_the_step_again_changes_nothing() -> None:
    request = decided(scope="profile", include_granted_scopes="true")
    before = request.ceiling
    included.at_authorization(request)
    assert request.ceiling == before


def test_the_part_of_an_audience_that_the_allowlist_has_comes_along() -> None:
    narrow = client(allowlist=listed(f"{ORDERS}/mine", Entry(f"{ORDERS}/one", "exact"), BILLING))
    assert decided(narrow, include_granted_scopes="true").included_audiences == (f"{ORDERS}/mine", f"{ORDERS}/one")


def test_an_audience_the_allowlist_has_more_of_comes_along_as_it_was_allowed() -> None:
    before = Choice(audiences=(f"{ORDERS}/mine",))
    wide = client(allowlist=listed(BILLING, ORDERS))
    assert decided(wide, before, include_granted_scopes="true").included_audiences == (f"{ORDERS}/mine",)


def test_an_api_that_is_not_shared_any_more_does_not_come_along() -> None:
    request = authorization(client(), registry(api(ORDERS, project_id=OTHER.id)), include_granted_scopes="true")
    request.granted = BEFORE
    included.at_authorization(request)
    assert request.included_audiences == ()


def test_what_the_person_leaves_out_now_does_not_come_along() -> None:
    request = decided(scope="profile", include_granted_scopes="true")
    request.choice = Choice(("profile", "openid"), ())
    assert (request.ceiling.scopes, request.ceiling.audiences) == (("profile", "openid"), ())


def test_a_refresh_token_is_asked_for_and_never_included() -> None:
    assert not decided(scope="openid", include_granted_scopes="true").ceiling.offline
    assert decided(scope="openid offline_access", include_granted_scopes="true").ceiling.offline


def test_leaving_openid_to_come_along_is_no_way_around_asking_for_offline_access() -> None:
    request = decided(scope="orders.read", include_granted_scopes="true")
    assert "openid" in request.ceiling.asked_scopes
    assert not request.ceiling.offline, "nobody was asked to let it act while they are away"
    assert decided(scope="orders.read offline_access", include_granted_scopes="true").ceiling.offline
    assert decided(scope="orders.read").ceiling.offline


def test_an_audience_refused_now_does_not_come_back_through_defaults_that_came_along() -> None:
    caller = client(allowlist=listed(Entry(ORDERS, default=True), BILLING))
    request = decided(caller, scope="openid", audience=BILLING, include_granted_scopes="true")
    request.choice = Choice(("openid",), (ORDERS,))
    ask = token(caller, request.ceiling, request.registry)
    audience.at_token(ask)
    assert (ask.audience, ask.narrowed) == (("web",), True)
    named = token(caller, request.ceiling, request.registry, audience=ORDERS)
    audience.at_token(named)
    assert named.audience == (ORDERS,), "it is there for a request that names it"


SCOPES = ["openid", "email", "orders.read", "offline_access", "other"]
AUDIENCES = [ORDERS, f"{ORDERS}/a", f"{ORDERS}/a/b", BILLING, "https://api.acme.example", "urn:x", "name", "https://h"]
some_entries = st.builds(Entry, st.sampled_from(AUDIENCES[:6]), st.sampled_from(["prefix", "exact"]))


@given(
    st.lists(st.sampled_from(SCOPES), unique=True).map(tuple),
    st.lists(st.sampled_from(AUDIENCES), unique=True).map(tuple),
    st.lists(some_entries, max_size=4).map(tuple),
)
def test_nothing_comes_along_that_was_not_allowed_or_may_not_be_asked_for(
    before: tuple[str, ...], audiences: tuple[str, ...], allowlist: tuple[Entry, ...]
) -> None:
    caller = client(allowlist=allowlist)
    request = decided(caller, Choice(before, audiences), include_granted_scopes="true")
    assert set(request.included_scopes) <= set(before) & set(caller.scopes)
    for one in request.included_audiences:
        assert any(covers(has, one) for has in audiences)
        assert any(covers(entry.value, one, entry.mode) for entry in allowlist)
