"""Whom a project, or one of its clients, lets in (protocol section 32). Pure: no rows are read.

What people write has names of groups or roles; what is kept, and what a request is judged by, has their ids. A group
or role that is gone leaves its id behind, which nobody has: a rule never opens by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from common.json_type import Json

EVERYONE, BY_GROUPS, BY_ROLES = "anyone", "groups", "roles"


@dataclass(frozen=True, slots=True)
class LetIn:
    """As it is written: everybody, or who is in one of these groups, or has one of these roles of the project."""

    who: str = EVERYONE
    names: tuple[str, ...] = ()

    @property
    def json(self) -> Json:
        return self.who if self.who == EVERYONE else {self.who: [*self.names]}


EVERYBODY = LetIn()


@dataclass(frozen=True, slots=True)
class Belongs:
    """What somebody belongs to, by ids: as `group_id` and `role_id` write them."""

    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


NOWHERE = Belongs()


@dataclass(frozen=True, slots=True)
class Rule:
    """As requests are judged by it."""

    who: str = EVERYONE
    ids: frozenset[str] = frozenset()

    @property
    def restricts(self) -> bool:
        return self.who != EVERYONE

    def lets_in(self, belongs: Belongs) -> bool:
        """What is no kind of rule that we know lets nobody in."""
        if self.who == EVERYONE:
            return True
        has = {BY_GROUPS: belongs.groups, BY_ROLES: belongs.roles}
        return bool(self.ids & has.get(self.who, frozenset()))


ANYONE = Rule()


def group_id(key: UUID | str) -> str:
    """The same whichever database answers."""
    return str(key).replace("-", "").lower()


def role_id(key: object) -> str:
    return str(key)
