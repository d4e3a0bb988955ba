"""Rows of people from a file: CSV with a header, a JSON array, or one JSON object a line. From any table of any system.

A row that cannot be read is refused with its line, as one that cannot be taken is. Nothing of it is lost: the rows as
they were are kept for whoever corrects them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import TextIO

from accounts.attribute_types import from_text
from accounts.attributes import Definition
from common.command import Refused
from idp.moving.people import Refusal, Row

# The names that a column may have for what we keep. The first is ours.
NAMES: Mapping[str, tuple[str, ...]] = {
    "username": ("username",),
    "email": ("email",),
    "email_verified": ("email_verified",),
    "password": ("password_hash", "password"),
    "sub": ("sub",),
    "first_name": ("given_name", "first_name"),
    "last_name": ("family_name", "last_name"),
    "is_active": ("is_active",),
    "is_staff": ("is_staff",),
    "is_superuser": ("is_superuser",),
    "joined": ("date_joined",),
    "groups": ("groups",),
}
FLAGS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}
MAX_FIELD = 1_000_000  # characters
Raw = dict[str, str]


class Unreadable(ValueError):
    """What is wrong with a row."""


@dataclass(slots=True)
class Reading:
    """What was found while reading."""

    refused: list[Refusal] = field(default_factory=list)
    raw: dict[str, Raw] = field(default_factory=dict)  # of each row that was refused or may be, by where it stands
    columns: dict[str, None] = field(default_factory=dict)  # in order

    def meet(self, names: Iterable[str]) -> None:
        self.columns.update(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column is what. `said`: by whoever runs this, our name to theirs."""

    said: Mapping[str, str]
    with_staff: bool = False
    trust_addresses: bool = False
    attributes: Mapping[str, Definition] = field(default_factory=dict)  # a column may be called like one

    def of(self, name: str) -> tuple[str, ...]:
        ours = NAMES.get(name, (name,))
        chosen = next((self.said[one] for one in (*ours, name) if one in self.said), None)
        return ours if chosen is None else (chosen,)

    def value(self, raw: Raw, name: str) -> str:
        return next((raw[column] for column in self.of(name) if column in raw), "")

    @property
    def known(self) -> frozenset[str]:
        return frozenset(column for name in (*NAMES, *self.attributes) for column in self.of(name))

    def attributes_in(self, raw: Raw) -> dict[str, object]:
        return {name: from_text(one.type, self.value(raw, name)) for name, one in self.attributes.items()}


def rows(file: TextIO, columns: Columns, reading: Reading) -> Iterator[Row]:
    """Those that can be read; `raw` keeps what has not been settled yet."""
    for where, raw in _raw(file, reading):
        reading.meet(raw)
        reading.raw[where] = raw
        try:
            yield _row(where, raw, columns)
        except Unreadable as error:
            reading.refused.append(Refusal(where, columns.value(raw, "username"), str(error)))


def _row(where: str, raw: Raw, columns: Columns) -> Row:
    flags = {name: _flag(name, columns.value(raw, name)) for name in ("is_active", "is_staff", "is_superuser")}
    verified = _flag("email_verified", columns.value(raw, "email_verified"))
    return Row(
        where=where,
        username=columns.value(raw, "username"),
        email=columns.value(raw, "email"),
        password=columns.value(raw, "password"),
        sub=columns.value(raw, "sub"),
        first_name=columns.value(raw, "first_name"),
        last_name=columns.value(raw, "last_name"),
        attributes={name: value for name, value in columns.attributes_in(raw).items() if value is not None},
        groups=_names(columns.value(raw, "groups")),
        email_verified=columns.trust_addresses if verified is None else verified,
        is_active=flags["is_active"] is not False,
        is_staff=columns.with_staff and bool(flags["is_staff"]),
        is_superuser=columns.with_staff and bool(flags["is_superuser"]),
        joined=_moment(columns.value(raw, "joined")),
    )


def _names(said: str) -> tuple[str, ...]:
    found = from_text("list", said)
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _flag(name: str, said: str) -> bool | None:
    if not said.strip():
        return None
    try:
        return FLAGS[said.strip().lower()]
    except KeyError:
        raise Unreadable(f"{name} is neither true nor false: {said[:40]!r}.") from None


def _moment(said: str) -> datetime | None:
    if not said.strip():
        return None
    try:
        found = datetime.fromisoformat(said.strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(f"date_joined is no time: {said[:40]!r}.") from None


# --- The file --------------------------------------------------------------------------------------------------------


def _raw(file: TextIO, reading: Reading) -> Iterator[tuple[str, Raw]]:
    before, first = next(((number, line) for number, line in enumerate(file) if line.strip()), (0, ""))
    if first.lstrip()[:1] == "[":
        yield from _of_array(first + file.read(), reading)
    elif first.lstrip()[:1] == "{":
        yield from _of_lines(enumerate(chain([first], file), start=before + 1), reading)
    elif first:
        yield from _of_csv(first, file, before + 1, reading)


def _of_csv(header: str, file: TextIO, line: int, reading: Reading) -> Iterator[tuple[str, Raw]]:
    csv.field_size_limit(MAX_FIELD)
    try:
        names = next(csv.reader([header]), [])
    except csv.Error as error:
        raise Refused(f"The header cannot be read: {error}.") from None
    if len(set(names)) < len(names):
        raise Refused("The header names a column twice.")
    reading.meet(names)
    reader = csv.reader(file)
    while True:
        where = f"line {line + reader.line_num + 1}"
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Refused(f"{where}: {error}. What stands before it was taken.") from None
        if not values:
            continue
        raw = dict(zip(names, values, strict=False))
        if len(values) != len(names):
            raw |= {f"+{number}": value for number, value in enumerate(values[len(names) :], start=1)}
            reading.raw[where] = raw
            told = f"It has {len(values)} fields and the header {len(names)}."
            reading.refused.append(Refusal(where, raw.get("username", ""), told))
            continue
        yield where, raw


def _of_array(text: str, reading: Reading) -> Iterator[tuple[str, Raw]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(f"This is no JSON: {str(error)[:200]}.") from None
    for number, one in enumerate(found, start=1):
        yield from _of_object(f"item {number}", one, reading)


def _of_lines(lines: Iterable[tuple[int, str]], reading: Reading) -> Iterator[tuple[str, Raw]]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            _refuse(reading, f"line {number}", line, "This is no JSON.")
            continue
        yield from _of_object(f"line {number}", found, reading)


def _of_object(where: str, found: object, reading: Reading) -> Iterator[tuple[str, Raw]]:
    if not isinstance(found, dict):
        _refuse(reading, where, json.dumps(found), "This is no object.")
        return
    yield where, {name: _text(value) for name, value in found.items()}


def _text(value: object) -> str:
    """A number is what it looks like; what is nested stays JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value)


def _refuse(reading: Reading, where: str, whole: str, why: str) -> None:
    reading.raw[where] = {"": whole.rstrip("\n")}
    reading.refused.append(Refusal(where, "", why))
