"""Signing out: whose link it is, and what apps are told (section 16)."""

from __future__ import annotations

import pytest

from provider.outboxes import FIRST_WAIT, wait_after
from provider.protocol.logout import (
    EVENT,
    TOKEN_CLAIMS,
    Hint,
    goes_without_asking,
    hint_of,
    logout_token,
)

SUB, SID = "11111111-1111-4111-8111-111111111111", "the-session"
CLAIMS = {"iss": "https://id.example", "sub": SUB, "aud": "sibling", "azp": "web"}


def hint(sub: str = SUB, sid: str = SID) -> Hint:
    return Hint(sub, sid, "web", frozenset({"web"}))


def test_a_hint_says_whose_it_is_of_which_session_and_for_which_clients() -> None:
    assert hint_of({**CLAIMS, "sid": SID}) == Hint(SUB, SID, "sibling", frozenset({"sibling", "web"}))
    assert hint_of(CLAIMS).sid == "", "one for a sibling names no session"


@pytest.mark.parametrize(
    ("said", "silently"),
    [
        (hint(), True),
        (hint(sid=""), True),
        (None, False),
        (hint(sid="another-session"), False),
        (hint(sub="somebody-else"), False),
        (hint(sub="somebody-else", sid=""), False),
        (hint(sub=""), False),
        (hint(sid=SID.upper()), False),
    ],
    ids=[
        *("this session", "this person", "no hint", "another session", "somebody else's id in this session"),
        *("somebody else", "nobody", "another spelling"),
    ],
)
def test_only_a_hint_of_this_person_and_session_signs_out_without_a_question(said: Hint | None, silently: bool) -> None:
    assert goes_without_asking(said, SUB, SID) is silently


def test_a_logout_token_says_exactly_this() -> None:
    token = logout_token(issuer="https://id.example", client_id="web", sub=SUB, sid=SID, jti="j", now=1000)
    assert token == {
        "iss": "https://id.example",
        "aud": "web",
        "iat": 1000,
        "exp": 1120,
        "jti": "j",
        "sub": SUB,
        "sid": SID,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    assert tuple(token) == TOKEN_CLAIMS
    assert isinstance(token["events"], dict)
    assert EVENT in token["events"]


@pytest.mark.parametrize(("attempts", "seconds"), [(1, FIRST_WAIT), (2, 60), (3, 120), (11, 30_720)])
def test_each_wait_is_twice_the_last_give_or_take_a_quarter(attempts: int, seconds: int) -> None:
    assert wait_after(attempts, 0.5) == seconds
    assert wait_after(attempts, 0.0) == seconds * 0.75
    assert wait_after(attempts, 1.0) == seconds * 1.25
