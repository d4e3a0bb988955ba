"""What applying a file did, or would do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from common.command_output import number
from idp.configuration.problems import Problem

SINGULAR = {"people": "person", "deliveries": "delivery"}  # of whatever else is counted: without its s


class Action(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Change:
    """One object of the file. `fields` are keys of the file; their values, which may be secret, are never here."""

    kind: str
    name: str
    action: Action
    fields: tuple[str, ...] = ()
    takes_down: tuple[tuple[str, int], ...] = ()  # of what was deleted: how many of what go with it

    def __str__(self) -> str:
        return self._said(self.action)

    @property
    def intended(self) -> str:
        """What was only looked at: "would create project acme"."""
        return self._said(f"would {self.action.removesuffix('d')}")

    def _said(self, verb: str) -> str:
        keys = f": {', '.join(self.fields)}" if self.action is Action.UPDATED else ""
        lost = f" with {', '.join(map(_amount, self.takes_down))}" if self.takes_down else ""
        return f"{verb} {self.kind} {self.name}{keys}{lost}"

    def as_dict(self) -> dict[str, object]:
        plain = {"kind": self.kind, "name": self.name, "action": str(self.action), "fields": list(self.fields)}
        told = bool(self.takes_down) or self.action is Action.DELETED
        return plain | ({"takes_down": dict(self.takes_down)} if told else {})


def _amount(counted: tuple[str, int]) -> str:
    what, how_many = counted
    return number(how_many, SINGULAR.get(what, what.removesuffix("s")), what)


@dataclass(frozen=True)
class Report:
    changes: tuple[Change, ...]
    # Shown once and stored nowhere; kept out of logs and tracebacks too.
    generated_secrets: dict[str, str] = field(default_factory=dict, repr=False)
    warnings: tuple[Problem, ...] = ()  # what is no mistake and means nothing, or not what one may think

    @property
    def drift(self) -> tuple[Change, ...]:
        """The objects that were not as the file says."""
        return tuple(change for change in self.changes if change.action is not Action.UNCHANGED)

    @property
    def changed(self) -> bool:
        return bool(self.drift)

    def as_dict(self) -> dict[str, object]:
        return {
            "changed": self.changed,
            "changes": [one.as_dict() for one in self.changes],
            "generated_secrets": dict(self.generated_secrets),
            "warnings": [one.as_dict() for one in self.warnings],
        }


class Ledger:
    """Notes what happens to each object while a file is applied; several steps touch the same object."""

    def __init__(self) -> None:
        self._created: dict[tuple[str, str], bool] = {}
        self._fields: dict[tuple[str, str], dict[str, None]] = {}
        self._lost: dict[tuple[str, str], tuple[tuple[str, int], ...]] = {}
        self._deleted: list[Change] = []
        self.generated_secrets: dict[str, str] = {}

    def deleted(self, kind: str, name: str, takes_down: Mapping[str, int]) -> None:
        lost = tuple((what, how_many) for what, how_many in takes_down.items() if how_many)
        self._deleted.append(Change(kind, name, Action.DELETED, takes_down=lost))

    def note(self, kind: str, name: str, *, created: bool = False, fields: Iterable[str] = ()) -> None:
        key = (kind, name)
        self._created[key] = self._created.get(key, False) or created
        self._fields.setdefault(key, {}).update(dict.fromkeys(fields))

    def loses(self, kind: str, name: str, takes_down: Mapping[str, int]) -> None:
        """How many of what a change takes along."""
        self._lost[(kind, name)] = tuple((what, how_many) for what, how_many in takes_down.items() if how_many)

    def report(self, *, with_secrets: bool, warnings: Iterable[Problem] = ()) -> Report:
        written = tuple(
            Change(*one, self._action(one), tuple(self._fields[one]), self._lost.get(one, ())) for one in self._created
        )
        secrets = dict(self.generated_secrets) if with_secrets else {}
        return Report((*written, *self._deleted), secrets, tuple(warnings))

    def _action(self, key: tuple[str, str]) -> Action:
        if self._created[key]:
            return Action.CREATED
        return Action.UPDATED if self._fields[key] else Action.UNCHANGED
