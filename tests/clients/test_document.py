"""The one JSON of a client."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.document import DERIVED, MEMBERS, read, represent
from clients.metadata import Audience, ClientMetadata
from common.json_type import Json
from projects.problems import Problem
from projects.sign_in import LetIn

pytestmark = pytest.mark.any_database

texts = st.text("a'\" #:\\ü\u202e\U0001f34e", max_size=6)
words = st.text("abc.:/", min_size=1, max_size=8)
lists = st.lists(words, unique=True, max_size=4).map(tuple)
lifetimes = st.integers(1, 10**9)
moments = st.datetimes(datetime(1971, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))
audiences = st.builds(Audience, words, st.sampled_from([None, "prefix", "exact"]), st.booleans())
BY_TYPE: dict[str, st.SearchStrategy[object]] = {
    "str": texts,
    "str | None": st.none() | texts,
    "bool": st.booleans(),
    "bool | None": st.none() | st.booleans(),
    "int": lifetimes,
    "int | None": st.none() | lifetimes,
    "tuple[str, ...]": lists,
    "tuple[Audience, ...]": st.lists(audiences, max_size=3).map(tuple),
    "datetime | None": st.none() | moments,
    "LetIn": st.just(LetIn()) | st.builds(LetIn, st.sampled_from(["groups", "roles"]), lists),
    "Json": st.none() | st.just({"keys": [{"kty": "OKP"}]}),
}
anything: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def wanted() -> st.SearchStrategy[ClientMetadata]:
    by_field = {one.name: BY_TYPE[str(one.type)] for one in fields(ClientMetadata) if one.name not in DERIVED}
    return st.builds(ClientMetadata, **by_field)


def through(metadata: ClientMetadata) -> ClientMetadata:
    said, found = read(json.loads(json.dumps(represent(metadata))))
    assert found == []
    return ClientMetadata().changed(said)


def test_every_field_is_a_member_or_follows_from_one() -> None:
    assert {one.name for one in fields(ClientMetadata)} == {*MEMBERS, *DERIVED}


@settings(max_examples=25, deadline=None)  # each draws 40 values
@given(wanted())
def test_what_is_shown_is_read_as_the_same(metadata: ClientMetadata) -> None:
    assert through(metadata).settled() == metadata.settled()


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*MEMBERS, "else", 'a."b']), anything, max_size=6))
def test_nothing_that_is_sent_breaks_it(values: dict[str, Json]) -> None:
    said, found = read(values)
    assert {one.name for one in found if one.name} | set(said) <= {*values, "a"} | set(MEMBERS)


def test_the_whole_of_a_client_that_said_nothing_is_shown() -> None:
    shown = represent(ClientMetadata(client_id="web"))
    assert list(shown) == list(MEMBERS)
    assert (shown["client_id"], shown["grant_types"], shown["jwks"]) == ("web", [], None)
    assert (shown["introspection"], shown["require_pkce"], shown["held"]) == ("own", True, False)


def test_an_audience_may_be_a_text_and_is_shown_whole() -> None:
    said, found = read({"audience": ["https://api.example/a", {"value": "files", "default": True}]})
    assert found == []
    assert represent(ClientMetadata().changed(said))["audience"] == [
        {"value": "https://api.example/a", "mode": "prefix", "default": False},
        {"value": "files", "mode": "exact", "default": True},
    ]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"client_name": 5}, Problem("client_name", "This must be text, not a number. Put it in quotes.")),
        ({"client_name": 5.5}, Problem("client_name", "This must be text, not a fraction. Put it in quotes.")),
        ({"client_name": None}, Problem("client_name", "This must be text, not empty.")),
        (
            {"client_name": "a\0b"},
            Problem("client_name", "This text has a character that cannot be stored (NUL or half a surrogate pair)."),
        ),
        ({"enabled": "yes"}, Problem("enabled", "This must be true or false, not text.")),
        (
            {"access_token_lifetime": None},
            Problem("access_token_lifetime", "This must be a number of seconds, not empty."),
        ),
        ({"redirect_uris": "a"}, Problem("redirect_uris", "This must be a list, not text.")),
        ({"redirect_uris": ["a", {}]}, Problem("redirect_uris[1]", "This must be text, not a mapping.")),
        ({"redirect_uris": ["a", "a"]}, Problem("redirect_uris[1]", "'a' is listed twice.")),
        ({"scope": ["a"]}, Problem("scope", "Write the scopes as one text, separated by spaces.")),
        ({"audience": [{}]}, Problem("audience[0].value", "This key is missing and needed.")),
        (
            {"audience": [{"value": 5}]},
            Problem("audience[0].value", "This must be text, not a number. Put it in quotes."),
        ),
        ({"audience": ["a", 5]}, Problem("audience[1]", "This must be a mapping of keys and values, not a number.")),
        ({"jwks": []}, Problem("jwks", "Write 'jwks: {keys: [...]}', or leave the key out.")),
        (
            {"tokens_not_before": "2026-11-30"},
            Problem("tokens_not_before", "This must be a moment such as 2026-11-30T12:00:00Z, with its time zone."),
        ),
        (
            {"redirect_uri": []},
            Problem("redirect_uri", "Unknown key 'redirect_uri'. Did you mean 'redirect_uris'?", "unknown_member"),
        ),
    ],
    ids=str,
)
def test_a_value_of_the_wrong_shape_is_told_at_its_place(values: dict[str, Json], problem: Problem) -> None:
    assert read(values)[1] == [problem]


def test_an_item_that_cannot_be_read_leaves_the_others_their_numbers() -> None:
    said, _found = read({"redirect_uris": [5, "https://a.example/"], "audience": [5, "b"]})
    assert said == {"redirect_uris": ("", "https://a.example/"), "audience": (Audience(""), Audience("b"))}


def test_a_door_names_what_it_needs_and_what_it_reads_itself() -> None:
    said, found = read({"client_secret": "s"}, needed=["client_id"], besides=["client_secret"])
    assert (said, [one.field for one in found]) == ({}, ["client_id"])
