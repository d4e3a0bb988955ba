"""A person as tokens would speak of them now, though there is none: read as the statements of the token paths do."""

from __future__ import annotations

from functools import lru_cache

from common.connection import connection
from common.sql import array, read
from provider.protocol.facts import PersonFacts
from provider.store import belonging, person

_OWN = ("u.sub", "u.is_active", "u.username")


def facts_of(user_id: int) -> PersonFacts | None:
    """None: they are gone."""
    vendor = connection().vendor
    row = read(_written(vendor, belonging.columns(vendor)), (user_id,))
    if row is None:
        return None
    sub, active, username = row[: len(_OWN)]
    end = len(_OWN) + len(person.PERSON)
    groups, roles, belongs = belonging.of(row[end:])
    facts = person.facts(row[len(_OWN) : end])
    return PersonFacts(user_id, str(sub), bool(active), str(username), facts, groups, roles, belongs)


@lru_cache(maxsize=4)
def _written(vendor: str, about: tuple[str, ...]) -> str:
    facts, json_facts = person.columns(vendor)
    return (
        f"SELECT {array((*_OWN, *facts, *about), (*json_facts, *about), vendor)} FROM accounts_user u WHERE u.id = %s"  # noqa: S608 - constants
    )
