"""From YAML text (or a plain mapping) to nodes that know where they stand.

The text is hostile until proven otherwise: its size, its depth and what its aliases unfold to are bounded, only plain
values are read, and a key given twice is an error instead of a silent choice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import yaml

from idp.configuration.problems import ConfigurationError, Place, Problem, Problems
from projects import logos
from projects.json_shape import LONGEST_TEXT, Unreadable
from projects.paths import Step

MAX_CHARACTERS = 1_000_000
MAX_NODES = 100_000
MAX_DEPTH = 20
_TAG = "tag:yaml.org,2002:"
_FRACTION = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}")  # neither .inf nor 1:30.5


@dataclass(frozen=True, slots=True)
class Node:
    """One value. `Unreadable` stands for what no key of the file can be: a date, a tag."""

    value: bool | int | float | str | list[Node] | dict[str, Node] | Unreadable | None
    place: Place

    @property
    def children(self) -> dict[str, Node]:
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        return self.value if isinstance(self.value, list) else []

    def plain(self) -> object:
        """The value without its places."""
        if isinstance(self.value, dict):
            return {name: child.plain() for name, child in self.value.items()}
        return [item.plain() for item in self.value] if isinstance(self.value, list) else self.value

    def place_at(self, way: Sequence[Step]) -> Place:
        """Where this path leads; what the file does not say stands in what it says."""
        if not way:
            return self.place
        step, *rest = way
        if isinstance(step, int):
            return self.items[step].place_at(rest) if step < len(self.items) else self.place
        if child := self.children.get(step):
            return child.place_at(rest)
        return self.place.key(step) if isinstance(self.value, dict) else self.place


class _Loader(yaml.SafeLoader):
    """Composes nodes only, and not deeper than a configuration can be."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="it is nested too deeply", problem_mark=self.get_mark())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read(source: str | Mapping[str, object], problems: Problems) -> Node:
    """The whole file as one node. What cannot be read at all raises at once; the rest is added to `problems`."""
    reader = _Reader(problems)
    if not isinstance(source, str):
        return reader.from_plain(source, Place(), 1)
    if len(source) > MAX_CHARACTERS:
        reader.stop(Place(), f"The file is too large: at most {MAX_CHARACTERS:,} characters.")
    tree = _compose(source, reader)
    if tree is None:
        reader.stop(Place(), "The file is empty. Start it with 'version: 1'.")
    return reader.from_yaml(tree, Place("", tree.start_mark.line + 1), 1)


def _compose(source: str, reader: _Reader) -> yaml.Node | None:
    try:
        loader = _Loader(source)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.reader.ReaderError as error:
        line = source.count("\n", 0, error.position) + 1
        reader.stop(Place("", line), f"The character U+{ord(source[error.position]):04X} is not allowed in YAML.")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        tab = error.problem_mark is not None and source[error.problem_mark.index : error.problem_mark.index + 1] == "\t"
        problem = "there is a tab. Indent with spaces" if tab else error.problem
        reader.stop(Place("", line), f"This is not valid YAML: {problem}.")
    except (yaml.YAMLError, ValueError, OverflowError):
        # The scanner lets some escapes ("\UFFFFFFFF") fail as plain errors without a position.
        reader.stop(Place(), "This is not valid YAML.")


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.nodes = 0

    def stop(self, place: Place, message: str) -> NoReturn:
        raise ConfigurationError([*self.problems.found, Problem(self.problems.source, place, message)])

    def from_yaml(self, node: yaml.Node, place: Place, depth: int) -> Node:
        self._count(place, depth)
        if isinstance(node, yaml.SequenceNode):
            items = ((child, place.item(index, child.start_mark.line + 1)) for index, child in enumerate(node.value))
            return Node([self.from_yaml(child, at, depth + 1) for child, at in items], place)
        if isinstance(node, yaml.MappingNode):
            pairs: dict[str, Node] = {}
            for key, child in node.value:
                line = key.start_mark.line + 1
                if self._key_fits(key.value if key.tag == f"{_TAG}str" else None, pairs, place, line):
                    # A value's own line: long lists and folded texts may start below their key.
                    at = place.key(key.value, child.start_mark.line + 1)
                    pairs[key.value] = self.from_yaml(child, at, depth + 1)
            return Node(pairs, place)
        return Node(self._scalar(node, place), place)

    def from_plain(self, value: object, place: Place, depth: int) -> Node:
        self._count(place, depth)
        if isinstance(value, Mapping):
            pairs: dict[str, Node] = {}
            for key, child in value.items():
                if self._key_fits(key, pairs, place, None):
                    pairs[str(key)] = self.from_plain(child, place.key(key), depth + 1)
            return Node(pairs, place)
        if isinstance(value, str):
            return Node(self._text(str(value), place), place)
        if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
            return Node([self.from_plain(child, place.item(i), depth + 1) for i, child in enumerate(value)], place)
        if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
            return Node(value, place)
        return Node(Unreadable(f"a {type(value).__name__}"), place)

    def _count(self, place: Place, depth: int) -> None:
        """Aliases may unfold a small text into a huge tree, or into themselves."""
        self.nodes += 1
        if depth > MAX_DEPTH:
            self.stop(Place("", place.line), "The file is nested too deeply.")
        if self.nodes > MAX_NODES:
            self.stop(Place("", place.line), f"The file is too large: at most {MAX_NODES:,} values.")

    def _key_fits(self, key: object, pairs: Mapping[str, Node], place: Place, line: int | None) -> bool:
        if not isinstance(key, str):
            self.problems.add(Place(place.path, line), "A key must be text. Put it in quotes.")
        elif key in pairs:
            self.problems.add(place.key(key, line), "This key is given twice. Keep one.")
        elif isinstance(self._text(key, place.key(key, line)), str):
            return True
        return False

    def _scalar(self, node: yaml.Node, place: Place) -> bool | float | str | Unreadable | None:
        tag = node.tag.removeprefix(_TAG)
        if tag == "str":
            return self._text(node.value, place)
        if tag == "null":
            return None
        if tag == "bool" and node.value.lower() in yaml.SafeLoader.bool_values:
            return yaml.SafeLoader.bool_values[node.value.lower()]
        if tag == "int":
            try:
                # Plain decimal only: 010 and 1:30 mean other numbers than they look like.
                return int(node.value) if node.value == str(int(node.value)) else Unreadable("an oddly written number")
            except ValueError:
                return Unreadable("an oddly written number")
        if tag == "float" and _FRACTION.fullmatch(node.value):
            return float(node.value)
        return Unreadable({"timestamp": "a date", "float": "a fraction"}.get(tag, f"a '{tag[:40]}'"))

    def _text(self, text: str, place: Place) -> str | Unreadable:
        if len(text) > LONGEST_TEXT and not (logos.is_sent(text) and len(text) <= logos.LONGEST):
            self.problems.add(place, f"This text is too long: at most {LONGEST_TEXT:,} characters.")
            return Unreadable("a too long text")
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
            self.problems.add(place, "This text has a character that cannot be stored (NUL or half a surrogate pair).")
            return Unreadable("an unusable text")
        return text
