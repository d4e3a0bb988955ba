"""How the members of a JSON object are read: their types, and the sentence that says what to write instead.

Shape only. Whether a value is a good one is for the rules. Doors read what they were sent through `clients.document`
and `projects.document`, which have the tables of members. Pure: no rows are read.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from common.json_type import Json
from projects.paths import Step, joined
from projects.problems import Problem
from projects.rules import quoted, text_problem

LONGEST_TEXT = 10_000  # characters
EARLIEST = 1971  # year: nothing was issued before
KINDS = {bool: "true or false", int: "a number", float: "a fraction", str: "text"}
UNKNOWN = "unknown_member"  # a code


class Wrong(Exception):
    """The value cannot be used: the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What a door met that JSON does not have: a date or a tag of YAML."""

    kind: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A value that was sent, and the way to it. What is wrong inside of it is `found` with a path of its own."""

    value: object
    way: tuple[Step, ...] = ()
    found: list[Problem] = field(default_factory=list)

    def at(self, step: Step, value: object) -> Spot:
        return Spot(value, (*self.way, step), self.found)

    def tell(self, message: object, code: str = "", value: str = "") -> None:
        self.found.append(Problem(joined(self.way), str(message), code, value))

    @property
    def kind(self) -> str:
        """What a sentence calls it."""
        if isinstance(self.value, Unreadable):
            return self.value.kind
        if isinstance(self.value, Mapping):
            return "a mapping"
        return KINDS.get(type(self.value), "a list" if _is_list(self.value) else "empty")


# Reads a value, or raises Wrong; what is wrong deeper inside is told at its own spot.
Reader: TypeAlias = Callable[[Spot], object]
Members: TypeAlias = Mapping[str, Reader]


def read_members(
    members: Members, spot: Spot, *, needed: Collection[str] = (), besides: Collection[str] = ()
) -> dict[str, object]:
    """What is said of these members; one that cannot be read is left out. `besides` are names that others read."""
    if not isinstance(spot.value, Mapping):
        raise Wrong(f"This must be a mapping of keys and values, not {spot.kind}.")
    said: dict[str, object] = {}
    for name, value in spot.value.items():
        inside = spot.at(str(name), value)
        if name in members:
            try:
                said[name] = members[name](inside)
            except Wrong as error:
                inside.tell(error)
        elif name not in besides:
            inside.tell(f"Unknown key {quoted(str(name))}.{suggestion(str(name), [*members, *besides])}", UNKNOWN)
    for name in needed:
        if name not in spot.value:
            spot.at(name, None).tell("This key is missing and needed.")
    return said


def suggestion(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name[:100], known, n=1)
    return f" Did you mean '{near[0]}'?" if near else f" Known here: {', '.join(known)}."


# --- Readers -------------------------------------------------------------------------------------------------------


def text(spot: Spot) -> str:
    if isinstance(spot.value, bool | int | float | Unreadable):
        raise Wrong(f"This must be text, not {spot.kind}. Put it in quotes.")
    if not isinstance(spot.value, str):
        raise Wrong(f"This must be text, not {spot.kind}.")
    if problem := text_problem(spot.value, LONGEST_TEXT):
        raise Wrong(problem)
    return str(spot.value)


def picture(spot: Spot) -> str:
    """An address, or a picture itself, which is longer than texts are: `projects.logos` says what is wrong with it."""
    sent = spot.value
    return sent if isinstance(sent, str) and sent.startswith("data:") and sent.isascii() else text(spot)


def flag(spot: Spot) -> bool:
    if not isinstance(spot.value, bool):
        raise Wrong(f"This must be true or false, not {spot.kind}.")
    return spot.value


def seconds(spot: Spot) -> int:
    if isinstance(spot.value, bool) or not isinstance(spot.value, int):
        raise Wrong(f"This must be a number of seconds, not {spot.kind}.")
    return spot.value


def seconds_or_none(spot: Spot) -> int | None:
    return None if spot.value is None else seconds(spot)


def moment_or_none(spot: Spot) -> datetime | None:
    """RFC 3339, to the microsecond."""
    if spot.value is None:
        return None
    try:
        moment = datetime.fromisoformat(text(spot))
        if moment.tzinfo is not None and moment.year >= EARLIEST:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Wrong("This must be a moment such as 2026-11-30T12:00:00Z, with its time zone.")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these names."""

    names: tuple[str, ...]

    def __call__(self, spot: Spot) -> str:
        if spot.value is False and "off" in self.names:
            return "off"  # YAML reads a bare `off` as false
        value = text(spot)
        if value not in self.names:
            raise Wrong(f"{quoted(value)} is not known here. Use one of: {', '.join(self.names)}.")
        return value


def choice(names: Collection[str]) -> Choice:
    return Choice(tuple(str(name) for name in names))


def scope(spot: Spot) -> str:
    if _is_list(spot.value):
        raise Wrong("Write the scopes as one text, separated by spaces.")
    return " ".join(text(spot).split())


def items(spot: Spot) -> list[Spot]:
    if not isinstance(spot.value, Sequence) or not _is_list(spot.value):
        raise Wrong(f"This must be a list, not {spot.kind}.")
    return [spot.at(index, value) for index, value in enumerate(spot.value)]


def texts(spot: Spot) -> tuple[str, ...]:
    """Each item in its place: one that cannot be read is an empty text, so that the others keep their numbers."""
    values: list[str] = []
    for item in items(spot):
        try:
            value = text(item)
        except Wrong as error:
            item.tell(error)
            value = ""
        if value and value in values:
            item.tell(f"{quoted(value)} is listed twice.")
        values.append(value)
    return tuple(values)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)


# --- And back ------------------------------------------------------------------------------------------------------


def as_json(value: object) -> Json:
    """A value of metadata as JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(name): as_json(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [as_json(one) for one in value]
    if value is None or isinstance(value, str | int | float):
        return str(value) if isinstance(value, str) else value
    raise TypeError(f"{type(value).__name__} has no form in JSON.")
