"""Whose account a sign-in from elsewhere opens (rule U2). A table, and nothing else: no row is read here.

Who is linked is signed in. Nobody is linked without having said so in their own account, signed in and proved afresh;
unless the connector owns the domain of an address that both it and the account call verified, or with which a directory
brought an account that nobody can have used. Staff are never linked
without having said so: a provider elsewhere would then hand out the keys of this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    SIGN_IN = "sign in"
    LINK = "link"  # to who is signed in
    LINK_AND_SIGN_IN = "link and sign in"  # the connector owns the address
    CREATE = "create"
    CREATE_WITHOUT_ADDRESS = "create without address"  # nobody may claim it for them
    LINKED_ALREADY = "linked already"
    ANOTHERS = "another's"  # linked to somebody else than who is signed in
    INACTIVE = "inactive"
    UNKNOWN = "unknown"  # one answer for every reason: it tells nobody who has an account


@dataclass(frozen=True, slots=True)
class Person:
    """An account, as far as the rule asks."""

    id: int
    active: bool = True
    staff: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """`by_address`: who has the address verified here, or was brought with it and not here yet. `taken`: whether
    anybody has it, verified or not."""

    linked: Person | None = None
    connecting: Person | None = None  # who is signed in, and asked to link
    verified: bool = False  # the connector may say that the address is verified, and does
    owned: bool = False  # and it owns the domain
    by_address: Person | None = None
    taken: bool = False
    creates: bool = False
    open: bool = False  # anybody may sign up here


def decide(facts: Facts) -> Outcome:
    if facts.connecting is not None:
        return _connect(facts, facts.connecting)
    if facts.linked is not None:
        return Outcome.SIGN_IN if facts.linked.active else Outcome.INACTIVE
    if facts.owned and facts.by_address is not None:
        return _owned(facts.by_address)
    return _new(facts)


def _connect(facts: Facts, person: Person) -> Outcome:
    if not person.active:
        return Outcome.INACTIVE
    if facts.linked is None:
        return Outcome.LINK
    return Outcome.LINKED_ALREADY if facts.linked.id == person.id else Outcome.ANOTHERS


def _owned(person: Person) -> Outcome:
    if person.staff:
        return Outcome.UNKNOWN
    return Outcome.LINK_AND_SIGN_IN if person.active else Outcome.INACTIVE


def _new(facts: Facts) -> Outcome:
    """Closed to strangers: the people of a domain that the connector owns are none."""
    if not facts.creates or not (facts.open or facts.owned):
        return Outcome.UNKNOWN
    if not facts.verified:
        return Outcome.CREATE_WITHOUT_ADDRESS
    return Outcome.UNKNOWN if facts.taken else Outcome.CREATE
