"""Rule U2 as a table: whose account a sign-in from elsewhere opens."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from projects.upstream.linking import Facts, Outcome, Person, decide

SOMEBODY, OTHER = Person(1), Person(2)
GONE, STAFF, GONE_STAFF = Person(3, active=False), Person(4, staff=True), Person(5, active=False, staff=True)
OWNED: dict[str, Any] = {"verified": True, "owned": True}

TABLE = [
    ("who is linked is signed in", Facts(linked=SOMEBODY), Outcome.SIGN_IN),
    ("staff who linked themselves are signed in", Facts(linked=STAFF), Outcome.SIGN_IN),
    ("a deactivated person stays out", Facts(linked=GONE), Outcome.INACTIVE),
    (
        "a deactivated person stays out at a connector that creates",
        Facts(linked=GONE, creates=True, open=True),
        Outcome.INACTIVE,
    ),
    ("the link counts, not the address", Facts(linked=OTHER, by_address=SOMEBODY, **OWNED), Outcome.SIGN_IN),
    ("who is signed in may link", Facts(connecting=SOMEBODY), Outcome.LINK),
    ("staff may link themselves", Facts(connecting=STAFF), Outcome.LINK),
    (
        "the address of another is no obstacle to who is signed in",
        Facts(connecting=SOMEBODY, by_address=OTHER, **OWNED),
        Outcome.LINK,
    ),
    ("linked twice is linked once", Facts(connecting=SOMEBODY, linked=SOMEBODY), Outcome.LINKED_ALREADY),
    ("nobody takes a link of another", Facts(connecting=SOMEBODY, linked=OTHER), Outcome.ANOTHERS),
    ("a deactivated person links nothing", Facts(connecting=GONE), Outcome.INACTIVE),
    (
        "the owner of a domain speaks for its addresses",
        Facts(by_address=SOMEBODY, taken=True, **OWNED),
        Outcome.LINK_AND_SIGN_IN,
    ),
    ("never for staff", Facts(by_address=STAFF, taken=True, **OWNED), Outcome.UNKNOWN),
    ("never for staff who are gone", Facts(by_address=GONE_STAFF, taken=True, **OWNED), Outcome.UNKNOWN),
    ("nor for somebody deactivated", Facts(by_address=GONE, taken=True, **OWNED), Outcome.INACTIVE),
    (
        "an address that is trusted but not owned links nobody",
        Facts(verified=True, taken=True, creates=True, open=True),
        Outcome.UNKNOWN,
    ),
    ("nobody is created where the connector creates nobody", Facts(open=True, **OWNED), Outcome.UNKNOWN),
    ("strangers are created where anybody may sign up", Facts(creates=True, open=True), Outcome.CREATE_WITHOUT_ADDRESS),
    ("with an address that counts", Facts(creates=True, open=True, verified=True), Outcome.CREATE),
    ("strangers are not created where sign-up is closed", Facts(creates=True, verified=True), Outcome.UNKNOWN),
    ("the people of an owned domain are no strangers", Facts(creates=True, **OWNED), Outcome.CREATE),
    ("but not with an address that somebody has unverified", Facts(creates=True, taken=True, **OWNED), Outcome.UNKNOWN),
]


@pytest.mark.parametrize(("facts", "outcome"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_u2(facts: Facts, outcome: Outcome) -> None:
    assert decide(facts) is outcome


EVERY = [
    Facts(linked, connecting, verified, owned, by_address if owned else None, taken or by_address is not None, *more)
    for linked, connecting, by_address in product((None, SOMEBODY, GONE, STAFF), repeat=3)
    for verified, owned, taken in product((True, False), repeat=3)
    for more in product((True, False), repeat=2)
]


def test_u2_nobody_gets_into_an_existing_account_but_by_a_link_or_an_owned_address() -> None:
    for facts in EVERY:
        if decide(facts) in (Outcome.SIGN_IN, Outcome.LINK_AND_SIGN_IN):
            assert facts.linked or (facts.owned and facts.by_address and not facts.by_address.staff)


def test_u2_whether_an_address_is_taken_says_nothing_where_the_connector_cannot_vouch_for_it() -> None:
    """No oracle: who may write any address into their account elsewhere learns nothing of people here."""
    for facts in EVERY:
        if not facts.verified and not facts.owned:
            twin = Facts(facts.linked, facts.connecting, False, False, None, not facts.taken, facts.creates, facts.open)
            assert decide(facts) is decide(twin)
