"""What a request costs is counted in comparisons: as few beside thousands of APIs and a long allowlist as alone."""

from __future__ import annotations

import pytest

from projects import addresses
from projects.facts import ProjectFacts
from projects.matcher import Audience, Mode, matches
from provider.protocol import audience
from provider.protocol.errors import InvalidTarget
from provider.protocol.facts import ClientFacts, Entry, Registry
from tests.provider.protocol.building import api, authorization, client, registry, token

HOST = "https://many.example"
OUR_OWN = ProjectFacts(id=1)
FIRST_PARTY = ProjectFacts(id=1, consent_mode="implicit")


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was compared with something registered."""
    seen: list[str] = []

    def counted(entry: Audience, requested: Audience, mode: Mode = "prefix") -> bool:
        seen.append(requested.canonical)
        return matches(entry, requested, mode)

    monkeypatch.setattr(addresses, "matches", counted)
    return seen


@pytest.fixture(scope="module")
def crowded() -> Registry:
    """One origin with two thousand APIs."""
    return registry(*(api(f"{HOST}/{number}", f"s{number}") for number in range(2000)))


def with_entries(number: int, project: ProjectFacts = OUR_OWN) -> ClientFacts:
    entries = tuple(Entry(f"{HOST}/{one}", default=True) for one in range(number))
    return client(allowlist=entries, scopes=tuple(f"s{one}" for one in range(number)), project=project)


@pytest.mark.parametrize("project", [ProjectFacts(id=1), FIRST_PARTY])
def test_a_request_that_names_nothing_looks_at_each_entry_and_at_nothing_else(
    crowded: Registry, compared: list[str], project: ProjectFacts
) -> None:
    request = authorization(with_entries(250, project=project), crowded)
    audience.at_authorization(request)
    assert len(request.implied_audiences) == len(request.implied_scopes) == 250
    # Its entry, its API and that of the entry: for what is implied, for the defaults, and for the scopes.
    assert len(compared) <= 250 * 9


def test_a_request_that_names_some_looks_at_those(crowded: Registry, compared: list[str]) -> None:
    caller = with_entries(250)
    request = authorization(caller, crowded, audience=[f"{HOST}/{number}/x" for number in range(20)])
    audience.at_authorization(request)
    assert len(request.asked_audiences) == 20
    assert len(compared) <= 20 * 4
    compared.clear()
    with pytest.raises(InvalidTarget):
        audience.at_token(token(caller, None, crowded, audience=f"{HOST}/x"))
    assert compared == []


def test_apis_nested_in_each_other_cost_their_depth(compared: list[str]) -> None:
    deep = [HOST + "/x" * depth for depth in range(1, 101)]
    request = authorization(
        client(allowlist=tuple(Entry(one, default=True) for one in deep)), registry(*(api(one) for one in deep))
    )
    audience.at_authorization(request)
    assert request.implied_audiences == tuple(deep)
    assert len(compared) <= 100 * 9, "the nearest is found first"
