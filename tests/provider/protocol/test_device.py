"""What a device may ask for, what people type for it, and what it hears: rules V2 to V8 as plain functions."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.protocol import (
    AT_AUTHORIZATION,
    AT_DEVICE_AUTHORIZATION,
    audience,
    cross_client,
    device,
    included,
    requested_claims,
    scopes,
)
from provider.protocol.device import State, answer_poll, kept, shown, typed
from provider.protocol.errors import Refusal
from tests.provider.protocol.building import sent

codes = st.text(device.LETTERS, min_size=device.LENGTH, max_size=device.LENGTH)


def test_a_device_runs_the_steps_of_the_authorization_endpoint() -> None:
    """In the same order. It has no response type, no address to go to and no code to bind."""
    shared = [step for step in AT_AUTHORIZATION if step in AT_DEVICE_AUTHORIZATION]
    assert list(AT_DEVICE_AUTHORIZATION) == [device.check_shape, *shared]
    assert {scopes.at_authorization, scopes.something_asked, requested_claims.at_authorization} <= set(shared)
    assert {audience.at_authorization, cross_client.at_authorization} <= set(shared)
    assert included.at_authorization not in shared, "nothing comes along that was granted before"


def test_v7_no_words_come_of_the_letters_and_there_are_enough_codes() -> None:
    assert not set(device.LETTERS) & set("AEIOUY0123456789")
    assert len(set(device.LETTERS)) == 20
    assert 20**device.LENGTH > 2.5e10


@given(codes, st.sampled_from(["-", " ", "", "\u2013", "\u00a0", " - ", "\u200e", "\u2011", "_", "."]), st.booleans())
def test_v7_what_is_between_the_letters_does_not_count(code: str, between: str, small: bool) -> None:
    written = between.join(code.lower() if small else code)
    assert typed(f" {written}\n") == (code if len(written) + 2 <= device.MAX_TYPED else "")
    assert typed(shown(code)) == code


@given(st.text(max_size=200))
def test_v7_anything_else_is_no_code(text: str) -> None:
    code = typed(text)
    assert code == "" or (len(code) == device.LENGTH and set(code) <= set(device.LETTERS))


@pytest.mark.parametrize("text", ["", "BCDF-GHJ", "BCDF-GHJKL", "ACDF-GHJK", "BCDF-GHJ1", "BCDF/GHJK", "BCDFGHJK" * 20])
def test_v7_what_is_no_code(text: str) -> None:
    assert typed(text) == ""


def test_v7_full_width_letters_are_letters() -> None:
    assert typed("".join(chr(ord(letter) + 0xFEE0) for letter in "BCDF-GHJK")) == "BCDFGHJK"


@pytest.mark.parametrize(
    ("state", "expired", "hasty", "error"),
    [
        pytest.param(State.PENDING, False, False, "authorization_pending", id="V2"),
        pytest.param(State.PENDING, False, True, "slow_down", id="V3"),
        pytest.param(State.PENDING, True, False, "expired_token", id="V5"),
        pytest.param(State.PENDING, True, True, "expired_token", id="V5-hasty"),
        pytest.param(State.ALLOWED, True, False, "expired_token", id="V5-too-late"),
        pytest.param(State.DENIED, False, False, "access_denied", id="V6"),
        pytest.param(State.DENIED, True, True, "access_denied", id="V6-for-ever"),
        pytest.param(State.ALLOWED, False, False, None, id="allowed"),
        pytest.param(State.ALLOWED, False, True, None, id="allowed-hasty"),
    ],
)
def test_what_a_device_hears(state: State, expired: bool, hasty: bool, error: str | None) -> None:
    with nullcontext() if error is None else pytest.raises(Refusal) as refused:
        answer_poll(state, expired=expired, hasty=hasty)
    assert error == (refused.value.code if refused else None)


def test_v10_what_the_ceiling_follows_from_is_kept_and_nothing_that_proves_or_names_anybody() -> None:
    params: dict[str, Any] = {
        "client_id": "tv",
        "client_secret": "secret",
        "client_assertion": "eyJ",
        "login_hint": "owner",
        "scope": "openid",
        "audience": ["a", "b"],
        "resource": "https://api.example",
        "max_age": "",
    }
    expected = [("scope", "openid"), ("audience", "a"), ("audience", "b"), ("resource", "https://api.example")]
    assert list(kept(sent(**params))) == expected
