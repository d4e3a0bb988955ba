"""What is registered under audiences, found by its path: thousands of them cost a request no more than one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
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
                parsed = parse(value)
            except Malformed:
                continue
            place = self._roots.setdefault(_root(parsed), _Place())
            for segment in _path(parsed):
                place = place.below.setdefault(segment, _Place())
            place.here.append((parsed, mode, item))

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Those of different origins, as one. Nothing is copied."""
        made = cls()
        for part in parts:
            made._roots.update(part._roots)
        return made

    def covering(self, value: str) -> Iterator[Item]:
        """What covers this audience, the most specific first."""
        try:
            requested = parse(value)
        except Malformed:
            return
        for entry, mode, item in reversed(self._along(requested)):
            if matches(entry, requested, mode):
                yield item

    def at(self, value: str) -> Item | None:
        """What is registered under this very audience, however it was written."""
        try:
            requested = parse(value)
        except Malformed:
            return None
        return next((item for one, _mode, item in self._along(requested) if one.canonical == requested.canonical), None)

    def _along(self, requested: Audience) -> list[tuple[Audience, Mode, Item]]:
        """Everything on the way to this audience: nothing else can cover it."""
        place = self._roots.get(_root(requested))
        if place is None:
            return []
        found = [*place.here]
        for segment in _path(requested):
            place = place.below.get(segment)
            if place is None:
                break
            found += place.here
        return found

    def __iter__(self) -> Iterator[Item]:
        waiting = list(self._roots.values())
        while waiting:
            place = waiting.pop()
            yield from (item for _entry, _mode, item in place.here)
            waiting += place.below.values()


def _root(parsed: Audience) -> str:
    """What covering never crosses. A name or an opaque URI stands for itself alone."""
    return parsed.origin or parsed.canonical


def _path(parsed: Audience) -> tuple[str, ...]:
    """A query makes an address one of its own, below its path. No segment has a question mark."""
    return parsed.segments if parsed.query is None else (*parsed.segments, f"?{parsed.query}")
