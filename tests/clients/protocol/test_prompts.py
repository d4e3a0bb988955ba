"""Which interaction is needed, in the order of section 12; prompt=none turns each into its error."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clients.protocol.errors import ConsentRequired, InvalidRequest, LoginRequired
from clients.protocol.facts import SignInFacts
from clients.protocol.prompts import (
    Interaction,
    Situation,
    Wish,
    always_asks,
    decide,
    read,
    remembers_its_own,
    shares_consent,
)
from tests.clients.protocol.building import client, sent

NOW = 1_000_000
READY = Situation(sign_in=SignInFacts(sid="s", auth_time=NOW - 100), now=NOW, sub="owner")
NOBODY = Situation(sign_in=None, now=NOW)


def wish(*prompts: str, max_age: int | None = None) -> Wish:
    return Wish(frozenset(prompts), max_age)


# --- Reading: step 3 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, wish()),
        ({"prompt": ""}, wish()),
        ({"prompt": "none"}, wish("none")),
        ({"prompt": "login consent"}, wish("login", "consent")),
        ({"prompt": "select_account  login"}, wish("select_account", "login")),
        ({"max_age": "0"}, wish(max_age=0)),
        ({"max_age": "3600"}, wish(max_age=3600)),
        ({"max_age": "9" * 10}, wish(max_age=9_999_999_999)),
        ({"max_age": ""}, wish()),
        ({"id_token_hint": "a" * 8192}, wish()),
    ],
)
def test_prompt_and_max_age_are_read(params: dict[str, str], expected: Wish) -> None:
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
    ("nobody signed in", wish(), NOBODY, Interaction.LOGIN),
    ("nobody signed in, and fresh", wish("login", max_age=0), NOBODY, Interaction.LOGIN),
    ("nobody signed in, hint", wish(), replace(NOBODY, hint_sub="member"), Interaction.LOGIN),
    ("nobody signed in, consent", wish("consent"), replace(NOBODY, consent_missing=True), Interaction.LOGIN),
    ("hint of somebody else", wish(), replace(READY, hint_sub="member"), Interaction.SWITCH),
    ("hint of somebody else, proved", wish("login"), replace(PROVED, hint_sub="member"), Interaction.SWITCH),
    ("hint of somebody else, fresh", wish("login"), replace(READY, hint_sub="member"), Interaction.SWITCH),
    ("hint of this person", wish(), replace(READY, hint_sub="owner"), Interaction.NOTHING),
    ("select_account", wish("select_account"), READY, Interaction.SWITCH),
    ("select_account, chosen", wish("select_account"), PROVED, Interaction.NOTHING),
    ("select_account and login", wish("select_account", "login"), READY, Interaction.SWITCH),
    ("prompt=login", wish("login"), READY, Interaction.REAUTHENTICATE),
    ("prompt=login, proved", wish("login"), PROVED, Interaction.NOTHING),
    ("prompt=login, consent missing", wish("login"), MISSING, Interaction.REAUTHENTICATE),
    ("max_age=0 is prompt=login", wish(max_age=0), READY, Interaction.REAUTHENTICATE),
    ("max_age=0, just now", wish(max_age=0), replace(READY, now=NOW - 100), Interaction.REAUTHENTICATE),
    ("max_age=0, proved", wish(max_age=0), PROVED, Interaction.NOTHING),
    ("older than max_age", wish(max_age=4999), OLD, Interaction.REAUTHENTICATE),
    ("as old as max_age", wish(max_age=5000), OLD, Interaction.NOTHING),
    ("older than max_age, proved", wish(max_age=1), replace(OLD, proved=True), Interaction.NOTHING),
    ("younger than max_age", wish(max_age=3600), READY, Interaction.NOTHING),
    ("consent missing", wish(), MISSING, Interaction.CONSENT),
    ("prompt=consent", wish("consent"), READY, Interaction.CONSENT),
    ("a screen always", wish(), replace(READY, must_show_consent=True), Interaction.CONSENT),
    ("login and consent, proved", wish("login", "consent"), PROVED, Interaction.CONSENT),
    ("nothing", wish(), READY, Interaction.NOTHING),
]


@pytest.mark.parametrize(("wanted", "situation", "needed"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_first_thing_needed_is_shown(wanted: Wish, situation: Situation, needed: Interaction) -> None:
    assert decide(wanted, situation) is needed


@pytest.mark.parametrize(
    ("situation", "max_age", "error"),
    [
        (NOBODY, None, LoginRequired),
        (replace(NOBODY, consent_missing=True), None, LoginRequired),
        (replace(READY, hint_sub="member"), None, LoginRequired),
        (OLD, 4999, LoginRequired),
        (READY, 0, LoginRequired),
        (replace(OLD, consent_missing=True), 4999, LoginRequired),
        (MISSING, None, ConsentRequired),
        (replace(READY, must_show_consent=True), None, ConsentRequired),
    ],
)
def test_prompt_none_never_shows_a_page(
    situation: Situation, max_age: int | None, error: type[LoginRequired | ConsentRequired]
) -> None:
    with pytest.raises(error):
        decide(wish("none", max_age=max_age), situation)


def test_prompt_none_goes_on_where_nothing_is_needed() -> None:
    assert decide(wish("none", max_age=3600), replace(READY, hint_sub="owner")) is Interaction.NOTHING


# --- Where the code goes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("redirect_uri", "always"),
    [
        ("https://web.acme.example/cb", False),
        ("https://localhost.acme.example/cb", False),
        ("https://localhost/cb", True),
        ("https://127.0.0.1:8443/cb", True),
        ("https://[::1]/cb", True),
        ("http://127.0.0.1/cb", True),
        ("http://localhost:3000/cb", True),
        ("com.acme.app:/cb", True),
        ("com.acme.app://web.acme.example/cb", True),
    ],
)
def test_where_another_program_may_receive_the_code_a_screen_is_always_shown(redirect_uri: str, always: bool) -> None:
    assert always_asks(redirect_uri) is always
    assert shares_consent(client(), redirect_uri) is (not always)


def test_a_client_that_registered_itself_shares_no_consent() -> None:
    itself = client(registered_by_administrator=False)
    assert not shares_consent(itself, "https://web.acme.example/cb")
    assert remembers_its_own(itself, "https://web.acme.example/cb")


@pytest.mark.parametrize(
    ("changes", "redirect_uri"),
    [
        ({"registered_by_administrator": True}, "https://web.acme.example/cb"),
        ({"public": True}, "https://web.acme.example/cb"),
        ({}, "http://127.0.0.1/cb"),
        ({}, "com.acme.app:/cb"),
    ],
)
def test_who_remembers_nothing_of_its_own(changes: dict[str, bool], redirect_uri: str) -> None:
    """An administrator's clients share their project's consent; what anybody can be is asked each time."""
    assert not remembers_its_own(client(**{"registered_by_administrator": False, **changes}), redirect_uri)
