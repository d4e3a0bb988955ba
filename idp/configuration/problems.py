"""What is wrong with a file, and where: everything found is told at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 60


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in the file: its path (`projects[0].clients[1]`) and, when it came from text, its line."""

    path: str = ""
    line: int | None = None

    def key(self, name: str, line: int | None = None) -> Place:
        shown = name if name.isprintable() and len(name) <= SHOWN else quoted(name)
        return Place(f"{self.path}.{shown}" if self.path else shown, line or self.line)

    def item(self, index: int, line: int | None = None) -> Place:
        return Place(f"{self.path}[{index}]", line or self.line)

    def holds(self, other: Place) -> bool:
        """Whether the other spot is this one or inside it."""
        return other.path == self.path or other.path.startswith((f"{self.path}.", f"{self.path}["))


@dataclass(frozen=True, slots=True)
class Problem:
    source: str
    place: Place
    message: str

    def __str__(self) -> str:
        where = self.source if self.place.line is None else f"{self.source}:{self.place.line}"
        return ": ".join(filter(None, (where, self.place.path, self.message)))

    def as_dict(self) -> dict[str, object]:
        return {"path": self.place.path, "line": self.place.line, "message": self.message}


class ConfigurationError(Exception):
    """Nothing was applied. One line per problem, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.place.line or 0)
        super().__init__("\n".join(map(str, self.problems)))


class Problems:
    """Collects while reading and applying goes on, so that one run finds everything."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.found: list[Problem] = []

    def add(self, place: Place, message: object) -> None:
        self.found.append(Problem(self.source, place, str(message)))

    def add_unless_known(self, place: Place, message: object) -> None:
        """Say nothing about a spot where something is wrong already: one mistake, one line."""
        if not self.known(place):
            self.add(place, message)

    def known(self, place: Place) -> bool:
        return any(place.holds(problem.place) for problem in self.found)

    def raise_any(self) -> None:
        if self.found:
            raise ConfigurationError(self.found)


def quoted(text: str) -> str:
    """A text of the file as an error shows it: on one line, and not endless."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")
