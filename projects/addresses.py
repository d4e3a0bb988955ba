"""What is registered under audiences, found by its path: thousands of them cost a request no more than one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, Self, TypeVar

from projects.matcher import Audience, Malformed, Mode, matches, parse

Item = TypeVar("Item")


@dataclass(slots=True)
class _Place(Generic[Item]):
    """One segment of a path: what is registered exactly here, and the segments below."""

    here: list[tuple[Audience, Mode, Item]] = field(default_factory=list)
    below: dict[str, _Place[Item]] = field(default_factory=dict)


class Addresses(Generic[Item]):
    """Items by the audiences they are registered under. What is malformed covers nothing."""

    def __init__(self, entries: Iterable[tuple[str, Mode, Item]] = ()) -> None:
        self._roots: dict[str, _Place[Item]] = {}
        for value, mode, item in entries:
            try:
                parsed, root, path = _way(value)
            except Malformed:
                continue
            place = self._roots.setdefault(root, _Place())
            for segment in path:
                place = place.below.setdefault(segment, _Place())
            place.here.append((parsed, mode, item))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Addresses) and self._roots == other._roots

    __hash__ = None  # type: ignore[assignment]  # it has an equal, and grows while it is made

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Those of different origins, as one. Nothing is copied."""
        made = cls()
        for part in parts:
            made._roots.update(part._roots)
        return made

    def covering(self, value: str) -> Iterator[Item]:
        """What covers this audience, the most specific first."""
        requested, found = self._along(value)
        for entry, mode, item in reversed(found):
            if entry.canonical == requested.canonical or matches(entry, requested, mode):
                yield item

    def at(self, value: str) -> Item | None:
        """What is registered under this very audience, however it was written."""
        requested, found = self._along(value)
        return next((item for one, _mode, item in found if one.canonical == requested.canonical), None)

    def _along(self, value: str) -> tuple[Audience, list[tuple[Audience, Mode, Item]]]:
        """This audience, and everything on the way to it: nothing else can cover it."""
        try:
            requested, root, path = _way(value)
        except Malformed:
            return Audience(""), []
        place = self._roots.get(root)
        if place is None:
            return requested, []
        found = [*place.here]
        for segment in path:
            place = place.below.get(segment)
            if place is None:
                break
            found += place.here
        return requested, found

    def __bool__(self) -> bool:
        return bool(self._roots)

    def __iter__(self) -> Iterator[Item]:
        waiting = list(self._roots.values())
        while waiting:
            place = waiting.pop()
            yield from (item for _entry, _mode, item in place.here)
            waiting += place.below.values()


@lru_cache(maxsize=4096)
def _way(value: str) -> tuple[Audience, str, tuple[str, ...]]:
    """An audience, what covering never crosses, and the path below that. Raises Malformed.

    A name or an opaque URI stands for itself alone. A query makes an address one of its own, below its path: no segment
    has a question mark.
    """
    parsed = parse(value)
    path = parsed.segments if parsed.query is None else (*parsed.segments, f"?{parsed.query}")
    return parsed, parsed.origin or parsed.canonical, path
