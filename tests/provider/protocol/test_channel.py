"""What follows from the way an answer goes back: who is asked each time, and whose consent counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provider.protocol.channel import Channel
from provider.protocol.response_modes import LEGACY
from tests.provider.protocol.building import ACME, client


@pytest.mark.parametrize(
    ("redirect_uri", "always"),
    [
        ("https://web.acme.example/cb", False),
        ("https://localhost.acme.example/cb", False),
        ("https://localhost/cb", True),
        ("https://127.0.0.1:8443/cb", True),
        ("https://[::1]/cb", True),
        ("https://192.0.2.1/cb", False),
        ("https://[2001:db8::1]/cb", False),
        ("https://127.0.0.2/cb", True),
        ("https://127.1/cb", True),
        ("https://2130706433/cb", True),
        ("https://0x7f000001/cb", True),
        ("https://0.0.0.0/cb", True),
        ("https://[::ffff:127.0.0.1]/cb", True),
        ("https://[::]/cb", True),
        ("https://localhost./cb", True),
        ("https://app.localhost/cb", True),
        ("http://127.0.0.1/cb", True),
        ("http://localhost:3000/cb", True),
        ("com.acme.app:/cb", True),
        ("com.acme.app://web.acme.example/cb", True),
    ],
)
def test_where_another_program_may_receive_the_code_a_screen_is_always_shown(redirect_uri: str, always: bool) -> None:
    channel = Channel(client(public=True), redirect_uri)
    assert channel.always_asks is always
    assert channel.shares_consent is (not always)


@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1/cb", "http://localhost:3000/cb", "com.acme.app:/cb"])
def test_a_client_that_proves_itself_is_remembered_wherever_the_code_goes(redirect_uri: str) -> None:
    channel = Channel(client(), redirect_uri)
    assert (channel.always_asks, channel.shares_consent) == (False, True)
    itself = Channel(client(registered_by_administrator=False), redirect_uri)
    assert (itself.shares_consent, itself.remembers_its_own) == (False, True)


@pytest.mark.parametrize("response_type", LEGACY)
@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1/cb", "http://localhost:3000/cb", "com.acme.app:/cb"])
def test_what_nobody_redeems_proves_no_client(redirect_uri: str, response_type: str) -> None:
    """RFC 8252 section 8.6 speaks of codes. A token is worth something to whatever program receives it."""
    house = client(project=replace(ACME, consent_mode="implicit"))
    for itself in (house, replace(house, registered_by_administrator=False)):
        channel = Channel(itself, redirect_uri, response_type=response_type)
        assert (channel.always_asks, channel.first_party) == (True, False)
        assert (channel.shares_consent, channel.remembers_its_own) == (False, False)
    assert Channel(house, "https://web.acme.example/cb", response_type=response_type).first_party


def test_a_client_that_registered_itself_shares_no_consent() -> None:
    itself = client(registered_by_administrator=False)
    channel = Channel(itself, "https://web.acme.example/cb")
    assert not channel.shares_consent
    assert channel.remembers_its_own


@pytest.mark.parametrize(
    ("changes", "redirect_uri"),
    [
        ({"registered_by_administrator": True}, "https://web.acme.example/cb"),
        ({"public": True}, "https://web.acme.example/cb"),
        ({"public": True}, "http://127.0.0.1/cb"),
        ({"public": True}, "com.acme.app:/cb"),
    ],
)
def test_who_remembers_nothing_of_its_own(changes: dict[str, Any], redirect_uri: str) -> None:
    """An administrator's clients share their project's consent; what anybody can be is asked each time."""
    itself = client(**{"registered_by_administrator": False, **changes})
    assert not Channel(itself, redirect_uri).remembers_its_own


@pytest.mark.parametrize(
    ("changes", "redirect_uri", "first_party"),
    [
        ({}, "https://web.acme.example/cb", True),
        ({"project": ACME}, "https://web.acme.example/cb", False),
        ({"registered_by_administrator": False}, "https://web.acme.example/cb", False),
        ({}, "http://127.0.0.1/cb", True),
        ({"public": True}, "http://127.0.0.1/cb", False),
        ({"public": True}, "com.acme.app:/cb", False),
    ],
)
def test_in_an_implicit_project_nobody_is_asked_where_only_the_client_can_use_the_code(
    changes: dict[str, Any], redirect_uri: str, first_party: bool
) -> None:
    house = client(**{"project": replace(ACME, consent_mode="implicit"), **changes})
    assert Channel(house, redirect_uri).first_party is first_party


@pytest.mark.parametrize(
    ("changes", "shares"),
    [({}, True), ({"public": True}, False), ({"registered_by_administrator": False}, False)],
    ids=["confidential", "public", "registered itself"],
)
def test_v8_a_device_always_asks_and_is_nobodys_first_party(changes: dict[str, Any], shares: bool) -> None:
    """Only one that proves itself adds to what its project may: anybody can be a public one."""
    house = client(**{"project": replace(ACME, consent_mode="implicit"), **changes})
    channel = Channel(house, device=True)
    assert (channel.always_asks, channel.first_party, channel.shares_consent) == (True, False, shares)
    assert not channel.remembers_its_own


def test_an_answer_keeps_what_was_registered_letter_by_letter_and_always_names_the_issuer() -> None:
    plain, query = Channel(client(), "com.acme.app:/cb"), Channel(client(), "https://a.example/?x=%7e", state="s &")
    assert address(plain) == "com.acme.app:/cb?code=c&iss=https%3A%2F%2Fid.example"
    assert address(query).startswith("https://a.example/?x=%7e&code=c&state=s+%26&iss=")


def address(channel: Channel) -> str:
    return channel.delivery(channel.said("https://id.example", code="c")).address
