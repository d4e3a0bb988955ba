"""The ceiling of an authorization, and what a token request may take of it (sections 4 and 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.facts import ProjectFacts
from projects.matcher import covers
from provider.protocol import audience
from provider.protocol.errors import InvalidTarget
from provider.protocol.facts import Ceiling, ClientFacts, Entry, Registry
from provider.protocol.request import Choice
from tests.provider.protocol.building import (
    ACME,
    BILLING,
    ORDERS,
    OTHER,
    QUEUE,
    api,
    authorization,
    client,
    default,
    listed,
    registry,
    token,
)

FIRST_PARTY = ProjectFacts(id=1, consent_mode="implicit")
API = "https://api.acme.example"


# --- At authorization ----------------------------------------------------------------------------------------------


def test_what_is_asked_is_the_ceiling_and_defaults_stay_out() -> None:
    request = authorization(client(allowlist=listed(default(ORDERS), BILLING)), audience=BILLING)
    audience.at_authorization(request)
    assert request.asked_audiences == (BILLING,)
    assert not request.implied_audiences
    assert not request.implied_scopes


@pytest.mark.parametrize("named", [{}, {"audience": "web"}, {"audience": "sibling"}, {"resource": ""}])
def test_where_nothing_is_asked_the_defaults_are_implied(named: dict[str, str]) -> None:
    caller = client("web", allowlist=listed(default(ORDERS), BILLING))
    known = registry(api(ORDERS, "orders.read", "orders.secret"), clients=[client("sibling")])
    request = authorization(caller, known, **named)
    audience.at_authorization(request)
    assert (request.asked_audiences, request.implied_audiences) == ((), (ORDERS,))
    assert request.implied_scopes == ("orders.read",), "of its scopes those the client registered"


def test_a_first_party_client_has_its_whole_allowlist() -> None:
    request = authorization(client(project=FIRST_PARTY, allowlist=listed(default(ORDERS), BILLING, QUEUE)))
    audience.at_authorization(request)
    assert request.implied_audiences == (ORDERS, BILLING, QUEUE)


def test_a_default_that_is_no_longer_shared_drops_out() -> None:
    request = authorization(
        client(allowlist=listed(default(ORDERS), default(BILLING))), registry(api(ORDERS, project_id=OTHER.id))
    )
    audience.at_authorization(request)
    assert request.implied_audiences == (BILLING,)


def test_the_step_may_run_again_and_again() -> None:
    request = authorization(client(allowlist=listed(default(ORDERS))), registry(api(ORDERS, "orders.read")))
    audience.at_authorization(request)
    once = replace(request)
    audience.at_authorization(request)
    assert request == once


def test_the_step_forgets_what_another_run_decided() -> None:
    request = authorization(client(allowlist=listed(default(ORDERS), BILLING)), audience=BILLING)
    request.implied_audiences, request.implied_scopes = (ORDERS,), ("orders.read",)
    audience.at_authorization(request)
    assert not request.implied_audiences
    assert not request.implied_scopes


# --- At the token endpoint, with a ceiling -------------------------------------------------------------------------


def aud(caller: ClientFacts, ceiling: Ceiling | None, known: Registry | None = None, **params: Any) -> tuple[str, ...]:
    request = token(caller, ceiling, known, **params)
    audience.at_token(request)
    return request.audience


@pytest.mark.parametrize(
    ("ceiling", "expected"),
    [
        (Ceiling(audiences=(ORDERS, BILLING), asked_audiences=(BILLING,)), (BILLING,)),
        (Ceiling(audiences=(ORDERS, BILLING)), (ORDERS,)),
        (Ceiling(audiences=(BILLING,)), ("web",)),
        (Ceiling(), ("web",)),
        (Ceiling(audiences=(API,)), (ORDERS,)),
    ],
    ids=["asked at authorize", "the default", "no default within it", "none", "a default below it"],
)
def test_nothing_asked_gives_what_was_asked_before_or_defaults_within_the_ceiling_or_the_client(
    ceiling: Ceiling, expected: tuple[str, ...]
) -> None:
    assert aud(client("web", allowlist=listed(default(ORDERS), BILLING)), ceiling) == expected


@pytest.mark.parametrize("named", [{"audience": "web"}, {"audience": "sibling"}, {"audience": "web sibling"}])
def test_the_own_id_and_a_target_count_as_nothing_asked(named: dict[str, str]) -> None:
    ceiling = Ceiling(audiences=(ORDERS,), asked_audiences=(ORDERS,))
    assert aud(client("web"), ceiling, registry(clients=[client("sibling")]), **named) == (ORDERS,)


def test_what_the_person_wholly_refused_never_comes_back() -> None:
    caller = client("web", allowlist=listed(default(ORDERS)))
    refused = Ceiling(audiences=(), asked_audiences=(), narrowed=True)
    request = token(caller, refused)
    audience.at_token(request)
    assert request.audience == ("web",)
    assert request.narrowed, "and the answer says so"
    with pytest.raises(InvalidTarget):
        aud(caller, refused, audience=ORDERS)


def test_what_the_person_partly_refused_leaves_the_rest_and_the_answer_says_so() -> None:
    request = token(
        client(allowlist=listed(default(ORDERS), BILLING)),
        Ceiling(audiences=(BILLING,), asked_audiences=(BILLING,), narrowed=True),
    )
    audience.at_token(request)
    assert (request.audience, request.narrowed) == ((BILLING,), True)


@pytest.mark.parametrize("asked", [[ORDERS], [BILLING], [BILLING, ORDERS], [f"{ORDERS}/7"], [f"{ORDERS}/7", BILLING]])
@pytest.mark.parametrize("name", ["audience", "resource"])
def test_any_subset_or_descendant_of_the_ceiling_may_be_asked(name: str, asked: list[str]) -> None:
    ceiling = Ceiling(audiences=(ORDERS, BILLING), asked_audiences=(ORDERS, BILLING))
    request = token(client(), ceiling, **{name: asked})
    audience.at_token(request)
    assert request.audience == tuple(asked)
    assert not request.narrowed, "it is what was asked"


@pytest.mark.parametrize("asked", [BILLING, API, f"{ORDERS}x", f"{ORDERS} {BILLING}", f"{BILLING} {ORDERS}"])
def test_nothing_outside_the_ceiling_may_be_asked(asked: str) -> None:
    caller = client(allowlist=listed(API))
    with pytest.raises(InvalidTarget):
        aud(caller, Ceiling(audiences=(ORDERS,), asked_audiences=(ORDERS,)), audience=asked)


@pytest.mark.parametrize("asked", [ORDERS, f"{ORDERS}/7"])
def test_what_left_the_allowlist_may_not_be_asked_though_it_was_granted(asked: str) -> None:
    with pytest.raises(InvalidTarget):
        aud(client(allowlist=listed(BILLING)), Ceiling(audiences=(ORDERS, BILLING)), audience=asked)


def test_what_is_no_longer_shared_may_not_be_asked_though_it_was_granted() -> None:
    known = registry(api(ORDERS, project_id=OTHER.id))
    with pytest.raises(InvalidTarget):
        aud(client(), Ceiling(audiences=(ORDERS,)), known, audience=ORDERS)


def test_where_nothing_is_asked_what_left_the_allowlist_drops_out_and_the_answer_says_so() -> None:
    request = token(
        client(allowlist=listed(BILLING)), Ceiling(audiences=(ORDERS, BILLING), asked_audiences=(ORDERS, BILLING))
    )
    audience.at_token(request)
    assert (request.audience, request.narrowed) == ((BILLING,), True)


def test_where_nothing_dropped_out_the_answer_says_nothing() -> None:
    request = token(client(), Ceiling(audiences=(ORDERS,), asked_audiences=(ORDERS,)))
    audience.at_token(request)
    assert not request.narrowed


@pytest.mark.parametrize(
    "ceiling",
    [
        Ceiling(audiences=(ORDERS,), asked_audiences=(ORDERS,)),
        Ceiling(audiences=(ORDERS,), default_audiences=(ORDERS,)),
    ],
)
@pytest.mark.parametrize("project", [ACME, FIRST_PARTY])
def test_where_everything_dropped_out_nothing_is_issued(ceiling: Ceiling, project: ProjectFacts) -> None:
    with pytest.raises(InvalidTarget):
        aud(client(project=project, allowlist=listed(default(BILLING))), ceiling)


def test_where_an_entry_is_no_default_any_more_the_token_is_for_the_client() -> None:
    had = Ceiling(audiences=(ORDERS,), default_audiences=(ORDERS,))
    assert aud(client("web", allowlist=listed(ORDERS)), had) == ("web",)


def test_what_only_came_along_is_missed_by_nobody() -> None:
    """`include_granted_scopes`: the request asked for no audience and had no default."""
    assert aud(client("web", allowlist=()), Ceiling(audiences=(ORDERS,))) == ("web",)


@pytest.mark.parametrize("project", [ACME, FIRST_PARTY])
def test_the_ceiling_remembers_the_defaults(project: ProjectFacts) -> None:
    caller = client(project=project, allowlist=listed(default(ORDERS), default(BILLING), QUEUE))
    request = authorization(caller)
    audience.at_authorization(request)
    assert request.ceiling.default_audiences == (ORDERS, BILLING)
    request.choice = Choice(audiences=(BILLING,))
    assert request.ceiling.default_audiences == (BILLING,)
    asking = authorization(caller, audience=QUEUE)
    audience.at_authorization(asking)
    assert asking.ceiling.default_audiences == ()


def test_a_first_party_ceiling_is_no_default() -> None:
    caller = client("desk", project=FIRST_PARTY, allowlist=listed(ORDERS))
    assert aud(caller, Ceiling(audiences=(ORDERS, BILLING))) == ("desk",)
    assert aud(replace(caller, allowlist=()), Ceiling(audiences=(ORDERS, BILLING))) == ("desk",)


# --- Client credentials: the allowlist is the ceiling --------------------------------------------------------------


def test_client_credentials_get_the_defaults_or_the_client_itself() -> None:
    assert aud(client("service", allowlist=listed(default(ORDERS), BILLING)), None) == (ORDERS,)
    assert aud(client("service", allowlist=listed(ORDERS)), None) == ("service",)
    assert aud(client("service", allowlist=()), None) == ("service",)


def test_client_credentials_may_ask_for_what_is_listed() -> None:
    assert aud(client(), None, audience=f"{ORDERS}/7 {BILLING}") == (f"{ORDERS}/7", BILLING)
    with pytest.raises(InvalidTarget):
        aud(client(), None, audience=API)


def test_client_credentials_whose_only_default_is_no_longer_shared_get_nothing() -> None:
    known = registry(api(ORDERS, project_id=OTHER.id))
    with pytest.raises(InvalidTarget):
        aud(client(allowlist=listed(default(ORDERS))), None, known)
    assert aud(client(allowlist=listed(default(ORDERS), default(BILLING))), None, known) == (BILLING,)


# --- For the client itself -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ceiling", [None, Ceiling()])
def test_a_client_whose_id_is_the_address_of_anothers_api_gets_no_token_for_it(ceiling: Ceiling | None) -> None:
    for client_id in (ORDERS, f"{ORDERS}/7"):
        impostor = client(client_id, allowlist=listed(BILLING))
        with pytest.raises(InvalidTarget):
            aud(impostor, ceiling, registry(api(ORDERS, project_id=OTHER.id)))
        assert aud(impostor, ceiling, registry(api(ORDERS))) == (client_id,), "its own project's is fine"
        assert aud(impostor, ceiling) == (client_id,)


# --- Whatever happens ----------------------------------------------------------------------------------------------

addresses = st.sampled_from([API, ORDERS, f"{ORDERS}/7", BILLING, QUEUE, "https://else.example/orders"])
entries = st.builds(Entry, addresses, st.sampled_from(["prefix", "exact"]), st.booleans())


@given(
    allowlist=st.lists(entries, max_size=4).map(tuple),
    granted=st.lists(addresses, max_size=4, unique=True).map(tuple),
    asked_before=st.booleans(),
    asked=st.lists(addresses, max_size=3),
    project=st.sampled_from([ACME, FIRST_PARTY]),
    foreign=st.lists(addresses, max_size=2),
)
def test_no_token_leaves_the_ceiling_the_allowlist_or_the_sharing(
    allowlist: tuple[Entry, ...],
    granted: tuple[str, ...],
    asked_before: bool,
    asked: list[str],
    project: ProjectFacts,
    foreign: list[str],
) -> None:
    caller = client("web", project=project, allowlist=allowlist)
    ceiling = Ceiling(audiences=granted, asked_audiences=granted if asked_before else ())
    known = registry(*(api(one, project_id=OTHER.id) for one in foreign))
    try:
        got = aud(caller, ceiling, known, resource=asked)
    except InvalidTarget:
        return
    assert got
    for one in got:
        if one == "web":
            assert got == ("web",)
            assert not asked
            continue
        assert any(covers(has, one) for has in granted)
        assert any(covers(entry.value, one, entry.mode) for entry in allowlist)
        assert not any(covers(theirs, one) for theirs in foreign)
