"""The one JSON of a project, and of an API."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.json_type import Json
from projects.document import (
    API,
    PROJECT,
    SCREEN,
    api,
    place_in_api,
    place_in_project,
    project,
    read_api,
    read_project,
    represent_api,
    represent_project,
)
from projects.metadata import ApiMetadata, Membership, ProjectMetadata, Scope, Screen
from projects.paths import Step, joined, steps
from projects.problems import Problem
from projects.sign_in import LetIn
from tests.clients.test_document import anything, lifetimes, lists, moments, texts, words

pytestmark = pytest.mark.any_database

MEMBERS = (Membership("ann", "owner"), Membership("bob", "editor"), Membership("cid", "owner"))
scopes = st.builds(Scope, st.text(min_size=1, max_size=6).filter(lambda name: "\0" not in name), texts, st.booleans())
people = st.dictionaries(words, st.sampled_from(["owner", "editor", "viewer"]), max_size=4)
PROJECTS = st.builds(
    ProjectMetadata,
    id=words,
    name=texts,
    consent_mode=st.sampled_from(["explicit", "implicit"]),
    cross_client=st.sampled_from(["same_project", "off"]),
    status=st.sampled_from(["production", "testing"]),
    test_users=lists,
    sign_in=st.just(LetIn()) | st.builds(LetIn, st.sampled_from(["groups", "roles"]), lists),
    tokens_not_before=st.none() | moments,
    longest_grant=st.none() | lifetimes,
    profile=texts,
    require_pushed_authorization_requests=st.booleans(),
    members=people.map(lambda roles: tuple(Membership(*one) for one in sorted(roles.items()))),
    consent_screen=st.builds(Screen, **dict.fromkeys(SCREEN, texts)),
)
APIS = st.builds(
    ApiMetadata,
    identifier=words,
    name=texts,
    description=texts,
    token_format=st.sampled_from(["inherit", "opaque", "jwt"]),
    token_signing_alg=st.sampled_from(["ES256", "RS256"]),
    token_lifetime=st.none() | lifetimes,
    tokens_not_before=st.none() | moments,
    shared=st.sampled_from(["private", "public"]),
    scopes=st.lists(scopes, unique_by=lambda scope: scope.name, max_size=4).map(tuple),
)


def sent(values: dict[str, Json]) -> dict[str, Json]:
    answer: dict[str, Json] = json.loads(json.dumps(values))
    return answer


def test_every_field_is_a_member() -> None:
    assert {one.name for one in fields(ProjectMetadata)} == set(PROJECT)
    assert {one.name for one in fields(ApiMetadata)} - {"shared_with"} == set(API)
    assert {one.name for one in fields(Screen)} == set(SCREEN)


@settings(deadline=None)
@given(PROJECTS)
def test_a_project_that_is_shown_is_read_as_the_same(metadata: ProjectMetadata) -> None:
    said, found = read_project(sent(represent_project(metadata)))
    assert found == []
    again = project(ProjectMetadata(id=""), said)
    assert set(again.members) == set(metadata.members)
    assert represent_project(again) == represent_project(metadata)


@settings(deadline=None)
@given(APIS, st.lists(words, unique=True, min_size=1, max_size=3))
def test_an_api_that_is_shown_is_read_as_the_same(metadata: ApiMetadata, listed: list[str]) -> None:
    for one in (metadata, api(metadata, {"shared": tuple(listed)})):
        said, found = read_api(sent(represent_api(one)))
        assert found == []
        assert represent_api(api(ApiMetadata(identifier=""), said)) == represent_api(one)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted({*PROJECT, *API, "else"})), anything, max_size=6))
def test_nothing_that_is_sent_breaks_it(values: dict[str, Json]) -> None:
    project(ProjectMetadata(id=""), read_project(values)[0])
    api(ApiMetadata(identifier=""), read_api(values)[0])


def test_members_of_a_role_that_is_not_named_stay_and_who_is_named_moves() -> None:
    said, _found = read_project({"members": {"editors": ["cid"]}})
    after = project(ProjectMetadata(id="a", members=MEMBERS), said)
    assert after.members == (Membership("ann", "owner"), Membership("cid", "editor"))


def test_texts_of_the_consent_screen_that_are_not_named_stay() -> None:
    before = ProjectMetadata(id="a", consent_screen=Screen(app_name="A", support_email="a@a.example"))
    said, _found = read_project({"consent_screen": {"app_name": "B"}})
    assert project(before, said).consent_screen == Screen(app_name="B", support_email="a@a.example")


def test_scopes_are_those_that_are_named_with_what_they_had() -> None:
    before = ApiMetadata(identifier="a", scopes=(Scope("read", "Read", sensitive=True), Scope("write", "Write")))
    said, _found = read_api({"scopes": {"read": "See", "admin": {"sensitive": True}}})
    assert api(before, said).scopes == (Scope("read", "See", sensitive=True), Scope("admin", "", sensitive=True))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (
            {"consent_mode": "never"},
            Problem("consent_mode", "'never' is not known here. Use one of: explicit, implicit."),
        ),
        (
            {"members": {"owners": [5]}},
            Problem("members.owners[0]", "This must be text, not a number. Put it in quotes."),
        ),
        ({"members": []}, Problem("members", "This must be a mapping of keys and values, not a list.")),
        (
            {"consent_screen": {"app_nam": ""}},
            Problem("consent_screen.app_nam", "Unknown key 'app_nam'. Did you mean 'app_name'?", "unknown_member"),
        ),
    ],
    ids=str,
)
def test_a_value_of_the_wrong_shape_is_told_at_its_place(values: dict[str, Json], problem: Problem) -> None:
    assert read_project(values)[1] == [problem]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"shared": "all"}, Problem("shared", "Write 'private', 'public' or a list of project ids.")),
        ({"shared": ["a", "a"]}, Problem("shared[1]", "'a' is listed twice.")),
        ({"scopes": []}, Problem("scopes", "This must be a mapping of scope names and descriptions, not a list.")),
        ({"scopes": {"a.b": 5}}, Problem('scopes["a.b"]', "This must be text, not a number. Put it in quotes.")),
        (
            {"scopes": {"a.b": {"sensitive": 1}}},
            Problem('scopes["a.b"].sensitive', "This must be true or false, not a number."),
        ),
    ],
    ids=str,
)
def test_a_value_of_an_api_of_the_wrong_shape_is_told_at_its_place(values: dict[str, Json], problem: Problem) -> None:
    assert read_api(values)[1] == [problem]


def test_a_problem_of_the_registration_stands_where_the_json_has_it() -> None:
    said, _found = read_project({"members": {"owners": ["dan", "eve"]}})
    wanted = project(ProjectMetadata(id="a", members=MEMBERS), said)
    assert [member.username for member in wanted.members] == ["bob", "dan", "eve"]
    assert place_in_project("members[2].username", wanted, said) == "members.owners[1]"
    assert place_in_project("members[0].username", wanted, said) == "members.editors"
    assert place_in_project("consent_screen.policy_uri", wanted, said) == "consent_screen.policy_uri"
    written = ApiMetadata(identifier="a", scopes=(Scope("a"), Scope("orders.read")))
    assert place_in_api("scopes[1].name", written) == 'scopes["orders.read"]'
    assert place_in_api("scopes[1].description", written) == 'scopes["orders.read"].description'
    assert place_in_api("shared_with[1]", written) == "shared[1]"


@settings(deadline=None)
@given(st.lists(st.text(min_size=1) | st.integers(0, 10**6), max_size=5))
def test_a_path_leads_where_it_was_made_for(way: list[Step]) -> None:
    assert list(steps(joined(way))) == way
