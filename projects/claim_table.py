"""What a project tells its apps about people besides the standard claims: a table with a row for each claim. Pure.

Without a row of its own for the scope `groups` or `roles`, a project tells these as they are: `DEFAULTS`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from common.json_type import Json

GROUPS, ROLES, ATTRIBUTE = "groups", "roles", "attribute"
SOURCES = (GROUPS, ROLES, ATTRIBUTE)
ID_TOKEN, USERINFO, ACCESS_TOKEN, INTROSPECTION = "id_token", "userinfo", "access_token", "introspection"
PLACES = (ID_TOKEN, USERINFO, ACCESS_TOKEN, INTROSPECTION)
SCOPES = ("profile", "email", "address", "phone", "groups", "roles")  # one of these stands for each row
SCOPE_OF: Mapping[str, str] = {GROUPS: "groups", ROLES: "roles", ATTRIBUTE: "profile"}
# Of what one token or answer says by the table. A token has to fit into a header, and into what we read ourselves.
MAX_VALUES = 100  # of one claim
MAX_BYTES = 8192  # of all of them, as JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow:
    """A claim: what it is made of, where it is told, and the scope that asks for it."""

    name: str
    source: str
    attribute: str = ""  # its name, where it is the source
    prefix: str = ""  # only groups, or roles, that begin so
    only: tuple[str, ...] = ()  # and these; neither: all of them
    rename: tuple[tuple[str, str], ...] = ()  # as they are called here, and as they are told
    told_in: tuple[str, ...] = (ID_TOKEN, USERINFO)
    scope: str = ""  # empty: that of its source
    many: bool = False  # its attribute is a list; known where facts are read, and never kept

    @property
    def needs(self) -> str:
        """The scope that a token has to have."""
        return self.scope or SCOPE_OF.get(self.source, "")

    def names(self, held: Iterable[str]) -> list[str]:
        """Of these groups or roles what is told: each once, in the order of the alphabet."""
        kept = (name for name in held if self._keeps(name))
        renamed = dict(self.rename)
        return sorted({renamed.get(name, name) for name in kept})

    def _keeps(self, name: str) -> bool:
        if not (self.prefix or self.only):
            return True
        return name in self.only or bool(self.prefix and name.startswith(self.prefix))


DEFAULTS = (ClaimRow(name="groups", source=GROUPS), ClaimRow(name="roles", source=ROLES))


def effective(rows: Sequence[ClaimRow]) -> tuple[ClaimRow, ...]:
    """The table with what goes without saying."""
    said = {row.needs for row in rows} | {row.name for row in rows}
    return (*rows, *(row for row in DEFAULTS if row.name not in said))


def size_of(name: str, value: Json) -> int:
    """Of a claim, in bytes of what a token says."""
    return len(json.dumps([name, value], ensure_ascii=False, separators=(",", ":")).encode())


# --- As JSON keeps it ----------------------------------------------------------------------------------------------


def stored(rows: Iterable[ClaimRow]) -> list[dict[str, Json]]:
    """As its column has it."""
    return [{**_as_lists(row), "rename": dict(row.rename)} for row in rows]


def _as_lists(row: ClaimRow) -> dict[str, Json]:
    kept = {name: value for name, value in asdict(row).items() if name != "many"}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}


def of_stored(rows: Iterable[Mapping[str, Json]]) -> tuple[ClaimRow, ...]:
    return tuple(_of_stored(row) for row in rows)


def _of_stored(row: Mapping[str, Json]) -> ClaimRow:
    said = {name: str(row.get(name, "")) for name in ("name", "source", "attribute", "prefix", "scope")}
    rename = row.get("rename")
    return ClaimRow(
        name=said["name"],
        source=said["source"],
        attribute=said["attribute"],
        prefix=said["prefix"],
        scope=said["scope"],
        only=_listed(row.get("only")),
        told_in=_listed(row.get("told_in")),
        rename=tuple((str(name), str(told)) for name, told in rename.items()) if isinstance(rename, Mapping) else (),
    )


def _listed(value: Json) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
