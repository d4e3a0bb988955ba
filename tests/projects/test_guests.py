"""Which guest apps a project lets in, as tables (protocol section 19)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from projects import guest_policy, guests
from projects.facts import NO_PROJECT, OUTSIDE, ApiFacts, ProjectFacts
from projects.metadata import ApiMetadata, ProjectMetadata, Scope

HOUSE = ProjectFacts(7)
DOOR = ProjectFacts(7, cross_client="off", to_guests=True, guest_apps="any")
OPEN = ApiFacts("https://mcp.acme.example", 7, scopes=frozenset({"a", "b"}), guest_scopes=frozenset({"a"}))
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("client_id", "redirect_uris", "places"),
    [
        ("https://agent.example/client.json", ["http://127.0.0.1/cb"], ("agent.example",)),
        ("https://Agent.Example:8443/c", [], ("agent.example:8443",)),
        ("Xy1", ["https://one.example/cb", "https://one.example/other"], ("one.example",)),
        ("Xy1", ["https://one.example/cb", "https://one.example:443/cb"], ("one.example",)),
        ("Xy1", ["https://one.example/cb", "http://127.0.0.1:33418/cb"], ("one.example", "localhost")),
        ("Xy1", ["http://localhost/cb", "http://[::1]/cb"], ("localhost",)),
        ("Xy1", ["cursor://anysphere.cursor-mcp/oauth"], ("cursor:",)),
        ("Xy1", ["com.example.app:/cb"], ("com.example.app:",)),
        ("Xy1", [], ()),
    ],
)
def test_r12_a_guest_is_where_its_id_is_answered_for_or_its_codes_go(
    client_id: str, redirect_uris: list[str], places: tuple[str, ...]
) -> None:
    assert guests.places_of(client_id, redirect_uris) == places


@pytest.mark.parametrize(
    ("policy", "hosts", "places", "let_in"),
    [
        ("none", [], ["agent.example"], False),
        ("none", ["agent.example"], ["agent.example"], False),
        ("listed", ["agent.example"], ["agent.example"], True),
        ("listed", ["agent.example"], ["agent.example", "localhost"], False),
        ("listed", ["agent.example"], ["evil.example"], False),
        ("listed", ["agent.example"], ["sub.agent.example"], False),
        ("listed", ["agent.example"], ["agent.example:8443"], False),
        ("listed", [], [], False),
        ("any", [], ["whoever.example"], True),
        ("any", [], [], False),
    ],
)
def test_r12_a_project_lets_in_whom_its_policy_names(
    policy: str, hosts: list[str], places: list[str], *, let_in: bool
) -> None:
    door = replace(DOOR, guest_apps=policy, guest_hosts=frozenset(hosts))
    assert guests.lets_in(door, places) is let_in


@pytest.mark.parametrize("text", ["agent.example", "localhost", "agent.example:8443", "com.example.app:", "cursor:"])
def test_a_host_of_guests(text: str) -> None:
    assert guest_policy.host_problem(text) == ""


@pytest.mark.parametrize(
    "text",
    ["", "*", "*.example", "https://agent.example", "Agent.example", "a b", "agent.example/", "a.example:0", "é.x"],
)
def test_no_host_of_guests(text: str) -> None:
    assert guest_policy.host_problem(text)


def test_r12_guests_are_nobodys_siblings_not_even_each_others() -> None:
    for one, other in [(HOUSE, DOOR), (DOOR, HOUSE), (DOOR, DOOR), (OUTSIDE, OUTSIDE), (OUTSIDE, HOUSE)]:
        assert not one.is_same(other)
    assert HOUSE.is_same(replace(HOUSE, testing=True))
    assert not HOUSE.is_same(ProjectFacts(8))


@pytest.mark.parametrize(
    ("api", "project", "is_open"),
    [
        (OPEN, DOOR, True),
        (replace(OPEN, guest_scopes=frozenset()), DOOR, False),
        (replace(OPEN, project_id=8), DOOR, False),
        (replace(OPEN, project_id=8, shared="public"), DOOR, False),
        (replace(OPEN, project_id=8, shared="listed", shared_with=frozenset({7})), DOOR, False),
        (OPEN, OUTSIDE, False),
        (replace(OPEN, shared="public"), OUTSIDE, False),
        (replace(OPEN, project_id=NO_PROJECT), OUTSIDE, False),
        (replace(OPEN, project_id=NO_PROJECT), DOOR, False),
    ],
)
def test_r12_only_apis_of_the_project_that_let_it_in_and_with_a_scope_for_guests_are_open(
    api: ApiFacts, project: ProjectFacts, *, is_open: bool
) -> None:
    assert api.open_to(project) is is_open
    assert api.closed_to(project) is not is_open


def test_to_a_guest_every_api_is_somebody_elses_and_offers_what_is_open_to_guests() -> None:
    assert OPEN.of_another(DOOR)
    assert not OPEN.of_another(HOUSE)
    assert OPEN.scopes_for(DOOR) == {"a"}
    assert OPEN.scopes_for(HOUSE) == {"a", "b"}


def test_what_was_closed_to_guests_ends_what_they_had_and_nobody_elses() -> None:
    closed = replace(OPEN, guests_not_before=NOW, others_not_before=NOW + timedelta(1))
    assert closed.not_before(DOOR) == (None, None, NOW)
    assert closed.not_before(HOUSE) == (None, None, None)
    assert closed.not_before(ProjectFacts(8)) == (None, NOW + timedelta(1), None)


@pytest.mark.parametrize(
    ("before", "after", "closes"),
    [
        (("any", ()), ("listed", ("a.example",)), True),
        (("any", ()), ("none", ()), True),
        (("listed", ("a.example",)), ("none", ("a.example",)), True),
        (("listed", ("a.example", "b.example")), ("listed", ("a.example",)), True),
        (("listed", ("a.example",)), ("listed", ("a.example", "b.example")), False),
        (("listed", ("a.example",)), ("any", ()), False),
        (("none", ("a.example",)), ("none", ()), False),
        (("none", ()), ("any", ()), False),
    ],
)
def test_a_door_that_closes_to_some_ends_what_guests_have(
    before: tuple[str, tuple[str, ...]], after: tuple[str, tuple[str, ...]], *, closes: bool
) -> None:
    one, other = (ProjectMetadata(id="acme", guest_apps=apps, guest_hosts=hosts) for apps, hosts in (before, after))
    assert guest_policy.closes_to_some(one, other) is closes
    assert guest_policy.not_before(None, one, other, NOW) == (NOW if closes else None)


def test_a_longest_grant_that_is_lengthened_revives_nothing() -> None:
    one, other = (ProjectMetadata(id="acme", guest_longest_grant=seconds) for seconds in (3600, 7200))
    assert guest_policy.not_before(None, one, other, NOW) is not None
    assert guest_policy.not_before(None, other, one, NOW) is None


def test_closing_a_scope_to_guests() -> None:
    def api(**scopes: bool) -> ApiMetadata:
        return ApiMetadata(identifier="https://a.example", scopes=tuple(Scope(k, guests=v) for k, v in scopes.items()))

    assert guest_policy.closes_a_scope(api(a=True), api(a=False))
    assert guest_policy.closes_a_scope(api(a=True), api())
    assert not guest_policy.closes_a_scope(api(a=True), api(a=True, b=True))
