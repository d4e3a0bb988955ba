"""Sections, keys and entries: how a mapping of the file is checked against what is known."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.configuration.problems import Place, Problems, quoted
from idp.configuration.reading import Node
from projects.problems import PATH


class Wrong(Exception):
    """The value cannot be used: the message says what to write instead."""


# Reads a value, or raises Wrong; problems deeper inside go to Problems with their own place.
Reader = Callable[[Node, Problems], Any]


@dataclass(frozen=True, slots=True)
class Key:
    read: Reader
    required: bool = False
    field: str = ""  # the model's field, where its name differs


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    keys: Mapping[str, Key]

    def field(self, key: str) -> str:
        return self.keys[key].field or key

    def in_order(self, names: Collection[str]) -> list[str]:
        """Those of these names that are keys, as the section lists them."""
        return [key for key in self.keys if key in names]


@dataclass(frozen=True, slots=True)
class Entry:
    """One mapping of the file: what it says, by key, and where. Keys with unusable values are left out."""

    section: Section
    place: Place
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def place_of(self, key: str) -> Place:
        return self.places.get(key) or self.place.key(key)

    def place_of_field(self, model_field: str) -> Place:
        for name in self.section.keys:
            if self.section.field(name) == model_field:
                return self.place_of(name)
        return self.place

    def fields(self, *names: str) -> dict[str, Any]:
        """What it says of these keys, by the model's field names."""
        return {self.section.field(name): self.values[name] for name in names if name in self.values}

    def place_at(self, path: str) -> Place:
        """Where the value of a path stands, such as `audience[0].mode`."""
        found = _path(path)
        item = self._item(found)
        if isinstance(item, Entry):
            return item.place_of(found["key"]) if found["key"] else item.place
        return self.place_of(found["name"]) if item is None else item[1]

    def _item(self, found: re.Match[str]) -> Any:
        """The item of a list that a path leads to: another entry, or a text with its place."""
        items = self.values.get(found["name"])
        known = found["index"] and isinstance(items, list | tuple) and int(found["index"]) < len(items)
        return items[int(found["index"])] if items and known else None  # what this file does not name stands nowhere

    def items(self, key: str) -> Iterator[tuple[Any, Place]]:
        """The items of a list, each with its place."""
        yield from self.values.get(key, ())


def _path(path: str) -> re.Match[str]:
    found = PATH.match(path)
    if found is None:
        raise ValueError(f"{path} is no path of a field.")
    return found


def read_section(section: Section, node: Node, problems: Problems) -> Entry | None:
    """The entry a node holds, or None when it is none at all or lacks what names it."""
    if not isinstance(node.value, dict):
        problems.add_unless_known(node.place, f"This must be a mapping of keys and values, not {node.kind}.")
        return None
    entry = Entry(section, node.place)
    for name, child in node.value.items():
        if name not in section.keys:
            problems.add(child.place, f"Unknown key {quoted(name)}.{_suggestion(name, section)}")
            continue
        entry.places[name] = child.place
        try:
            entry.values[name] = section.keys[name].read(child, problems)
        except Wrong as error:
            problems.add_unless_known(child.place, error)
    missing = [name for name, key in section.keys.items() if key.required and name not in entry.places]
    for name in missing:
        problems.add(entry.place.key(name), "This key is missing and needed.")
    usable = all(name in entry.values for name, key in section.keys.items() if key.required)
    return entry if usable else None


def _suggestion(name: str, section: Section) -> str:
    near = difflib.get_close_matches(name[:100], section.keys, n=1)
    if near:
        return f" Did you mean '{near[0]}'?"
    return f" Known here: {', '.join(section.keys)}."
