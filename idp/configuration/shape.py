"""Sections of the file: which keys they know, and what an entry of one says, each value with its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from idp.configuration.problems import Place, Problems
from idp.configuration.reading import Node
from projects.json_shape import Members, Spot, Wrong, read_members
from projects.paths import Step, steps


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    members: Members
    needed: tuple[str, ...] = ()
    nested: Mapping[str, Section] = field(default_factory=dict)  # keys with a list of entries
    columns: Mapping[str, str] = field(default_factory=dict)  # the model's field, where its name differs

    @property
    def keys(self) -> list[str]:
        return [*self.members, *self.nested]

    def column(self, key: str) -> str:
        return self.columns.get(key, key)

    def in_order(self, names: Collection[str]) -> list[str]:
        """Those of these names that are keys, as the section lists them."""
        return [key for key in self.keys if key in names]


@dataclass(frozen=True, slots=True)
class Entry:
    """One mapping of the file: what it says, by key. Keys with unusable values are left out."""

    section: Section
    node: Node
    values: dict[str, object]
    nested: dict[str, list[Entry]] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        return self.node.place

    def text(self, key: str) -> str:
        """Of a key that is there, or an empty text."""
        return str(self.values.get(key, ""))

    def entries(self, key: str) -> Sequence[Entry]:
        return self.nested.get(key, ())

    def place_of(self, *way: Step) -> Place:
        return self.node.place_at(way)

    def place_at(self, path: str) -> Place:
        """Where the value of a path stands, such as `audience[0].mode`."""
        return self.node.place_at(steps(path))

    def place_of_column(self, column: str) -> Place:
        keys = [key for key in self.section.keys if self.section.column(key) == column]
        return self.place_of(keys[0]) if keys else self.place

    def columns(self, *keys: str) -> dict[str, object]:
        """What it says of these keys, by the model's field names."""
        return {self.section.column(key): self.values[key] for key in keys if key in self.values}


def read_section(section: Section, node: Node, problems: Problems) -> Entry | None:
    """The entry a node holds, or None when it is none at all or lacks what names it."""
    plain = {name: child.plain() for name, child in node.children.items() if name not in section.nested}
    spot = Spot(plain if isinstance(node.value, dict) else node.plain())
    try:
        said = read_members(section.members, spot, needed=section.needed, besides=section.nested)
    except Wrong as error:
        problems.add_unless_known(node.place, error)
        return None
    for one in spot.found:
        problems.add_unless_known(node.place_at(steps(one.field)), one.message)
    nested = {
        name: _entries(inner, node.children[name], problems)
        for name, inner in section.nested.items()
        if name in node.children
    }
    return Entry(section, node, said, nested) if all(name in said for name in section.needed) else None


def _entries(section: Section, node: Node, problems: Problems) -> list[Entry]:
    if not isinstance(node.value, list):
        problems.add_unless_known(node.place, f"This must be a list, not {Spot(node.plain()).kind}.")
    return [entry for item in node.items if (entry := read_section(section, item, problems))]


def texts_of(value: object) -> tuple[str, ...]:
    """The texts of a list that was read; none of anything else."""
    return tuple(map(str, value)) if isinstance(value, tuple) else ()
