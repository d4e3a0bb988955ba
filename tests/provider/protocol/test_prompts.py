"""Which interaction is needed, in the order of section 12; prompt=none turns each into its error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provider.protocol.errors import (
    ConsentRequired,
    InteractionRequired,
    InvalidRequest,
    LoginRequired,
    Refusal,
    UnmetAuthenticationRequirements,
)
from provider.protocol.facts import SignInFacts
from provider.protocol.prompts import (
    Interaction,
    RequestedAuthentication,
    SessionFacts,
    acr_told,
    decide,
    read,
)
from tests.provider.protocol.building import sent

NOW = 1_000_000
READY = SessionFacts(
    sign_in=SignInFacts(sid="s", auth_time=NOW - 100),
    now=NOW,
    sub="owner",
    acrs_met=frozenset({"weak"}),
    acrs_offered=frozenset({"weak", "strong"}),
)
NOBODY = SessionFacts(sign_in=None, now=NOW, acrs_offered=READY.acrs_offered)


def requested(
    *prompts: str, max_age: int | None = None, acrs: tuple[str, ...] = (), essential: bool = False
) -> RequestedAuthentication:
    return RequestedAuthentication(frozenset(prompts), max_age, acrs=acrs, acr_essential=essential)


# --- Reading: step 3 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, requested()),
        ({"prompt": ""}, requested()),
        ({"prompt": "none"}, requested("none")),
        ({"prompt": "login consent"}, requested("login", "consent")),
        ({"prompt": "select_account  login"}, requested("select_account", "login")),
        ({"max_age": "0"}, requested(max_age=0)),
        ({"max_age": "3600"}, requested(max_age=3600)),
        ({"max_age": "9" * 10}, requested(max_age=9_999_999_999)),
        ({"max_age": ""}, requested()),
        ({"id_token_hint": "a" * 8192}, requested()),
        ({"acr_values": "b  a b"}, requested(acrs=("b", "a"))),
        ({"acr_values": " ".join(map(str, range(20)))}, requested(acrs=tuple(map(str, range(20))))),
        ({"claims": '{"id_token": {"acr": {"values": ["c"]}}}', "acr_values": "a"}, requested(acrs=("c",))),
        ({"claims": '{"id_token": {"acr": null}}', "acr_values": "a"}, requested(acrs=("a",))),
        ({"claims": '{"id_token": {"acr": {"essential": true}}}', "acr_values": "a"}, requested(essential=True)),
        (
            {"claims": '{"id_token": {"acr": {"essential": true, "value": "c"}}}', "acr_values": "a"},
            requested(acrs=("c",), essential=True),
        ),
        ({"claims": '{"id_token": {"sub": {"value": "x"}}}'}, RequestedAuthentication(subs=frozenset({"x"}))),
    ],
)
def test_prompt_and_max_age_are_read(params: dict[str, str], expected: RequestedAuthentication) -> None:
    assert read(sent(**params)) == expected


@pytest.mark.parametrize(
    "params",
    [
        {"prompt": "none login"},
        {"prompt": "none consent"},
        {"prompt": "none select_account"},
        {"prompt": "create"},
        {"prompt": "None"},
        {"prompt": "login,consent"},
        {"prompt": "login\tconsent"},
        {"max_age": "-1"},
        {"max_age": "1.5"},
        {"max_age": "abc"},
        {"max_age": "\u0661"},
        {"max_age": "9" * 11},
        {"id_token_hint": "a" * 8193},
        {"acr_values": " ".join(map(str, range(21)))},
        {"claims": "{"},
    ],
    ids=str,
)
def test_what_is_malformed_is_refused_before_anybody_is_asked(params: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        read(sent(**params))


# --- Deciding: steps 5 to 10 ---------------------------------------------------------------------------------------

OLD = replace(READY, sign_in=SignInFacts(sid="s", auth_time=NOW - 5000))
PROVED = replace(READY, proved=True)
MISSING = replace(READY, consent_missing=True)

# In the order of the steps: where several apply, the first one shows.
TABLE = [
    ("nobody signed in", requested(), NOBODY, Interaction.LOGIN),
    ("nobody signed in, and fresh", requested("login", max_age=0), NOBODY, Interaction.LOGIN),
    ("nobody signed in, hint", requested(), replace(NOBODY, hint_sub="member"), Interaction.LOGIN),
    ("nobody signed in, consent", requested("consent"), replace(NOBODY, consent_missing=True), Interaction.LOGIN),
    ("hint of somebody else", requested(), replace(READY, hint_sub="member"), Interaction.SWITCH),
    ("hint of somebody else, proved", requested("login"), replace(PROVED, hint_sub="member"), Interaction.SWITCH),
    ("hint of somebody else, fresh", requested("login"), replace(READY, hint_sub="member"), Interaction.SWITCH),
    ("hint of this person", requested(), replace(READY, hint_sub="owner"), Interaction.NOTHING),
    ("select_account", requested("select_account"), READY, Interaction.SWITCH),
    ("select_account, chosen", requested("select_account"), PROVED, Interaction.NOTHING),
    ("select_account and login", requested("select_account", "login"), READY, Interaction.SWITCH),
    ("prompt=login", requested("login"), READY, Interaction.REAUTHENTICATE),
    ("prompt=login, proved", requested("login"), PROVED, Interaction.NOTHING),
    ("prompt=login, consent missing", requested("login"), MISSING, Interaction.REAUTHENTICATE),
    ("max_age=0 is prompt=login", requested(max_age=0), READY, Interaction.REAUTHENTICATE),
    ("max_age=0, just now", requested(max_age=0), replace(READY, now=NOW - 100), Interaction.REAUTHENTICATE),
    ("max_age=0, proved", requested(max_age=0), PROVED, Interaction.NOTHING),
    ("older than max_age", requested(max_age=4999), OLD, Interaction.REAUTHENTICATE),
    ("as old as max_age", requested(max_age=5000), OLD, Interaction.NOTHING),
    ("older than max_age, proved", requested(max_age=1), replace(OLD, proved=True), Interaction.NOTHING),
    ("younger than max_age", requested(max_age=3600), READY, Interaction.NOTHING),
    (
        "the sub of claims is somebody else",
        RequestedAuthentication(subs=frozenset({"member"})),
        READY,
        Interaction.SWITCH,
    ),
    ("the sub of claims, proved", RequestedAuthentication(subs=frozenset({"member"})), PROVED, Interaction.SWITCH),
    (
        "the sub of claims is this person",
        RequestedAuthentication(subs=frozenset({"member", "owner"})),
        READY,
        Interaction.NOTHING,
    ),
    ("an essential acr", requested(acrs=("strong",), essential=True), READY, Interaction.STEP_UP),
    ("an essential acr, proved", requested(acrs=("strong",), essential=True), PROVED, Interaction.STEP_UP),
    ("an essential acr that is met", requested(acrs=("strong", "weak"), essential=True), READY, Interaction.NOTHING),
    (
        "an essential acr, old sign-in",
        requested(max_age=1, acrs=("strong",), essential=True),
        OLD,
        Interaction.REAUTHENTICATE,
    ),
    ("any acr, essential", requested(essential=True), READY, Interaction.NOTHING),
    (
        "any acr, essential, and none",
        requested(essential=True),
        replace(READY, acrs_met=frozenset()),
        Interaction.STEP_UP,
    ),
    ("acr_values, without the means", requested(acrs=("strong",)), READY, Interaction.NOTHING),
    ("acr_values, with the means", requested(acrs=("strong",)), replace(READY, can_step_up=True), Interaction.STEP_UP),
    ("acr_values that are met", requested(acrs=("weak",)), replace(READY, can_step_up=True), Interaction.NOTHING),
    (
        "no acr asked, with the means",
        requested(),
        replace(READY, can_step_up=True, acrs_met=frozenset()),
        Interaction.NOTHING,
    ),
    ("acr_values nobody knows", requested(acrs=("gold",)), replace(READY, can_step_up=True), Interaction.NOTHING),
    ("half-way signed in", requested(), replace(NOBODY, half_way=True, sub="owner"), Interaction.LOGIN),
    ("consent missing", requested(), MISSING, Interaction.CONSENT),
    ("prompt=consent", requested("consent"), READY, Interaction.CONSENT),
    ("a screen always", requested(), replace(READY, must_show_consent=True), Interaction.CONSENT),
    ("login and consent, proved", requested("login", "consent"), PROVED, Interaction.CONSENT),
    ("nothing", requested(), READY, Interaction.NOTHING),
]


@pytest.mark.parametrize(
    ("wanted", "session_facts", "needed"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_first_thing_needed_is_shown(
    wanted: RequestedAuthentication, session_facts: SessionFacts, needed: Interaction
) -> None:
    assert decide(wanted, session_facts) is needed


# Each step's condition, its error where asking is forbidden, and what is shown where it is not.
NOBODY_HERE: dict[str, Any] = {"sign_in": None, "sub": "", "acrs_met": frozenset()}
TOO_OLD = {"sign_in": SignInFacts(sid="s", auth_time=NOW - 5000)}
STEPS: list[tuple[str, dict[str, Any], dict[str, Any], type[Refusal], Interaction | type[Refusal]]] = [
    ("4 hint and sub differ", {"subs": frozenset({"x"})}, {"hint_sub": "y"}, InvalidRequest, InvalidRequest),
    ("5 nobody signed in", {}, NOBODY_HERE, LoginRequired, Interaction.LOGIN),
    ("6 hint of somebody else", {}, {"hint_sub": "x"}, LoginRequired, Interaction.SWITCH),
    ("6 sub of somebody else", {"subs": frozenset({"x"})}, {}, LoginRequired, Interaction.SWITCH),
    ("7 too old", {"max_age": 10}, TOO_OLD, LoginRequired, Interaction.REAUTHENTICATE),
    (
        "8 essential acr",
        {"acrs": ("strong",), "acr_essential": True},
        {},
        UnmetAuthenticationRequirements,
        Interaction.STEP_UP,
    ),
    ("9 consent missing", {}, {"consent_missing": True}, ConsentRequired, Interaction.CONSENT),
]
PAIRS = [(first, second) for index, first in enumerate(STEPS) for second in STEPS[index:]]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda step: step[0])
def test_of_two_conditions_the_lower_number_answers(first: Any, second: Any) -> None:
    _name, wished, brought, error, shown = first
    wanted = replace(replace(requested(), **second[1]), **wished)
    session_facts = replace(replace(READY, **second[2]), **brought)
    with pytest.raises(error) as raised:
        decide(replace(wanted, prompts=frozenset({"none"})), session_facts)
    assert type(raised.value) is error
    if isinstance(shown, Interaction):
        assert decide(wanted, session_facts) is shown
    else:
        with pytest.raises(shown):
            decide(wanted, session_facts)


HALF_WAY = replace(NOBODY, half_way=True, sub="owner")


@pytest.mark.parametrize(
    ("wanted", "session_facts", "error"),
    [
        (requested("none"), HALF_WAY, InteractionRequired),
        (requested("none", max_age=0), HALF_WAY, InteractionRequired),
        (requested("none"), replace(HALF_WAY, consent_missing=True), InteractionRequired),
        (requested("none"), replace(HALF_WAY, hint_sub="owner"), InteractionRequired),
        (requested("none"), replace(HALF_WAY, hint_sub="member"), LoginRequired),
        (requested("none", acrs=("strong",)), HALF_WAY, InteractionRequired),
        (requested("none", acrs=("strong",), essential=True), HALF_WAY, UnmetAuthenticationRequirements),
        (requested("none", max_age=0), READY, LoginRequired),
        (requested("none", essential=True), replace(READY, acrs_met=frozenset()), UnmetAuthenticationRequirements),
        (requested("none"), replace(READY, must_show_consent=True), ConsentRequired),
    ],
)
def test_prompt_none_never_shows_a_page(
    wanted: RequestedAuthentication, session_facts: SessionFacts, error: type[Refusal]
) -> None:
    with pytest.raises(error) as raised:
        decide(wanted, session_facts)
    assert type(raised.value) is error


def test_an_essential_acr_that_nobody_can_reach_is_refused_instead_of_asked_for() -> None:
    with pytest.raises(UnmetAuthenticationRequirements):
        decide(requested(acrs=("gold",), essential=True), replace(READY, can_step_up=True))


def test_what_is_only_preferred_never_fails_and_never_asks_silently() -> None:
    able = replace(READY, can_step_up=True)
    assert decide(requested("none", acrs=("strong",)), able) is Interaction.NOTHING


def test_prompt_none_goes_on_where_nothing_is_needed() -> None:
    wanted = requested("none", max_age=3600, acrs=("weak",), essential=True)
    assert decide(wanted, replace(READY, hint_sub="owner")) is Interaction.NOTHING


@pytest.mark.parametrize(
    ("asked", "own", "met", "told"),
    [
        ((), "strong", {"weak", "strong"}, "strong"),
        (("weak",), "strong", {"weak", "strong"}, "weak"),
        (("weak", "strong"), "strong", {"weak", "strong"}, "strong"),
        (("gold", "weak"), "strong", {"weak", "strong"}, "weak"),
        (("strong",), "weak", {"weak"}, "weak"),
        (("gold",), "", set(), ""),
    ],
)
def test_tokens_tell_the_acr_that_was_asked_for_where_the_sign_in_is_as_good(
    asked: tuple[str, ...], own: str, met: set[str], told: str
) -> None:
    assert acr_told(requested(acrs=asked), own, frozenset(met)) == told
