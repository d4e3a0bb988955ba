"""What is read of a person with every code and token: the table. Claims are made of it (`provider.protocol.claims`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from provider.protocol.facts import Json


@dataclass(frozen=True, slots=True)
class Fact:
    """A row: an SQL expression over `accounts_user u`, and what makes of its value one that JSON knows."""

    sql: str
    read: Callable[[Json], Json] | None = None
    json: bool = False  # the expression answers JSON
    sqlite: str = ""  # the expression where SQLite has another one

    def on(self, vendor: str) -> str:
        return (self.sqlite or self.sql) if vendor == "sqlite" else self.sql


PERSON: dict[str, Fact] = {
    "given_name": Fact("u.first_name"),
    "family_name": Fact("u.last_name"),
    "email": Fact("u.email"),
    "email_verified": Fact(
        # Capitals of ASCII only, as SQLite has it: any other letter is of another mailbox.
        """u.email <> '' AND EXISTS (SELECT 1 FROM account_emailaddress e
        WHERE e.user_id = u.id AND e.verified AND lower(e.email COLLATE "C") = lower(u.email COLLATE "C"))""",
        bool,
        sqlite="""u.email <> '' AND EXISTS (SELECT 1 FROM account_emailaddress e
        WHERE e.user_id = u.id AND e.verified AND lower(e.email) = lower(u.email))""",
    ),
    "attributes": Fact("u.attributes", json=True),
    "updated_at": Fact(
        "CAST(floor(extract(epoch FROM u.updated_at)) AS bigint)",
        sqlite="CAST(strftime('%%s', u.updated_at) AS integer)",
    ),
}

ATTRIBUTES = "attributes"
_READ = [(name, fact.read) for name, fact in PERSON.items() if fact.read is not None]


def columns(vendor: str) -> tuple[list[str], list[str]]:
    """The expressions of the table, in its order; and those of them that answer JSON."""
    facts = PERSON.values()
    return [fact.on(vendor) for fact in facts], [fact.on(vendor) for fact in facts if fact.json]


def facts(values: Iterable[Json]) -> dict[str, Json]:
    """By name, of what `columns` found. An attribute is a fact by its own name, and hides none of the others."""
    found = dict(zip(PERSON, values, strict=True))
    for name, read in _READ:
        found[name] = read(found[name])
    attributes = found.pop(ATTRIBUTES)
    return {**attributes, **found} if attributes and isinstance(attributes, dict) else found
