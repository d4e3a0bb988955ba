"""Which attributes an answer has: `attributes` and `excludedAttributes` (RFC 7644 section 3.9). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from common.json_type import Json

ALWAYS = ("schemas", "id")
MOST = 4000  # characters of either parameter


@dataclass(frozen=True, slots=True)
class Selection:
    """Names in small letters, of attributes and of their parts: `name`, `emails.value`. None: nothing was said."""

    wanted: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()

    def asks_for(self, name: str) -> bool:
        """Whether an attribute, or a part of it, is in the answer."""
        name = name.lower()
        if self.wanted is not None:
            return any(one.partition(".")[0] == name for one in self.wanted)
        return name not in self.excluded

    def of(self, said: Mapping[str, Json]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for name, value in said.items():
            kept = value if name in ALWAYS else self._part(name.lower(), value)
            if kept is not None:
                found[name] = kept
        return found

    def _part(self, name: str, value: Json) -> Json:
        if self.wanted is not None:
            return value if name in self.wanted else _parts(name, value, self.wanted, keep=True)
        return None if name in self.excluded else _parts(name, value, self.excluded, keep=False)


def _parts(name: str, value: Json, named: Collection[str], *, keep: bool) -> Json:
    """A complex value with those of its parts that are named, or without them."""
    if not any(one.startswith((f"{name}.", f"{name}:")) for one in named):
        return None if keep else value
    if isinstance(value, list):
        return [one for one in (_parts(name, item, named, keep=keep) for item in value) if one]
    if not isinstance(value, Mapping):
        return None if keep else value
    inside = {part: one for part, one in value.items() if _is_named(name, part, named) is keep}
    return inside or None


def _is_named(name: str, part: str, named: Collection[str]) -> bool:
    return any(f"{name}{mark}{part.lower()}" in named for mark in ".:")


def read(attributes: str, excluded: str, schema: str) -> Selection:
    """Names may begin with the schema of the resource. What there is none of selects nothing."""
    if attributes.strip():
        return Selection(wanted=frozenset(_names(attributes, schema)))
    return Selection(excluded=frozenset(_names(excluded, schema)))


def _names(text: str, schema: str) -> list[str]:
    prefix = f"{schema}:".lower()
    return [one.strip().lower().removeprefix(prefix) for one in text.split(",") if one.strip()]
