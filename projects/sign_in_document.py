"""Whom a project or a client lets in, as JSON has it: `anyone`, or a mapping with names of groups or of roles."""

from __future__ import annotations

from collections.abc import Mapping

from projects.json_shape import Members, Spot, Wrong, read_members, texts
from projects.sign_in import BY_GROUPS, BY_ROLES, EVERYBODY, EVERYONE, LetIn

MEMBERS: Members = {BY_GROUPS: texts, BY_ROLES: texts}


def read(spot: Spot) -> LetIn:
    """`anyone`, or a mapping with the names of groups or of roles."""
    if spot.value == EVERYONE:
        return EVERYBODY
    if isinstance(spot.value, Mapping):
        told, said = len(spot.found), read_members(MEMBERS, spot)
        for who, names in said.items():
            if len(said) == 1 and isinstance(names, tuple):
                return LetIn(who, names)
        if len(spot.found) > told:
            return LetIn(BY_GROUPS)  # told already, and nobody is let in
    raise Wrong("Write 'anyone', or a mapping with the names of either 'groups' or 'roles'.")
