"""What applying a file did, or would do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Change:
    """One object of the file. `fields` are keys of the file; their values, which may be secret, are never here."""

    kind: str
    name: str
    action: Action
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self._said(self.action)

    @property
    def intended(self) -> str:
        """What was only looked at: "would create project acme"."""
        return self._said(f"would {self.action.removesuffix('d')}")

    def _said(self, verb: str) -> str:
        keys = f": {', '.join(self.fields)}" if self.action is Action.UPDATED else ""
        return f"{verb} {self.kind} {self.name}{keys}"


@dataclass(frozen=True)
class Report:
    changes: tuple[Change, ...]
    # Shown once and stored nowhere; kept out of logs and tracebacks too.
    generated_secrets: dict[str, str] = field(default_factory=dict, repr=False)

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
            "changes": [
                {"kind": one.kind, "name": one.name, "action": str(one.action), "fields": list(one.fields)}
                for one in self.changes
            ],
            "generated_secrets": dict(self.generated_secrets),
        }


class Ledger:
    """Notes what happens to each object while a file is applied; several steps touch the same object."""

    def __init__(self) -> None:
        self._created: dict[tuple[str, str], bool] = {}
        self._fields: dict[tuple[str, str], dict[str, None]] = {}
        self.generated_secrets: dict[str, str] = {}

    def note(self, kind: str, name: str, *, created: bool = False, fields: Iterable[str] = ()) -> None:
        key = (kind, name)
        self._created[key] = self._created.get(key, False) or created
        self._fields.setdefault(key, {}).update(dict.fromkeys(fields))

    def report(self, *, with_secrets: bool) -> Report:
        changes = tuple(
            Change(kind, name, self._action((kind, name)), tuple(self._fields[(kind, name)]))
            for kind, name in self._created
        )
        return Report(changes, dict(self.generated_secrets) if with_secrets else {})

    def _action(self, key: tuple[str, str]) -> Action:
        if self._created[key]:
            return Action.CREATED
        return Action.UPDATED if self._fields[key] else Action.UNCHANGED
