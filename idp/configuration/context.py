"""One application of a file: what was found so far, and the few helpers every kind of object shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model

from accounts import normalization
from accounts.attributes import Definition
from accounts.models import User
from clients.models import Client
from idp.configuration.hashes import Hashes
from idp.configuration.problems import Place, Problems, quoted
from idp.configuration.report import Ledger
from idp.configuration.secret_values import SaidSecrets
from idp.configuration.shape import Entry
from projects.actors import Actor
from projects.models import Project


@dataclass
class Context:
    """What the file names maps to its object, or to None where that object has a problem of its own."""

    problems: Problems
    environ: Mapping[str, str]
    hashes: Hashes
    by: Actor
    ledger: Ledger = field(default_factory=Ledger)
    users: dict[str, User | None] = field(default_factory=dict)
    projects: dict[str, Project | None] = field(default_factory=dict)
    clients: dict[str, Client | None] = field(default_factory=dict)
    said_secrets: dict[str, SaidSecrets | None] = field(default_factory=dict, repr=False)  # by the place of the client
    said_passwords: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)  # by the place of the user
    attributes: Mapping[str, Definition] | None = None  # once they were needed: all that the file made is there then
    linked: set[str] = field(default_factory=set)  # clients that list already what the file says
    named: set[tuple[str, str]] = field(default_factory=set)
    refused_scopes: set[str] = field(default_factory=set)  # of APIs that have a problem of their own

    def first(self, kind: str, name: str, place: Place) -> bool:
        """Whether the file names this object for the first time; the second time is a problem."""
        if (kind, name) in self.named:
            self.problems.add(place, f"The {kind} {quoted(name)} is in this file twice. Keep one.")
            return False
        self.named.add((kind, name))
        return True

    def username(self, name: str) -> str:
        """As the account has it, when the file names it in another spelling."""
        return normalization.user_name(name)

    def is_refused(self, name: str) -> bool:
        """Whether the file has this account, with a problem of its own."""
        username = self.username(name)
        return username in self.users and self.users[username] is None

    def is_refused_project(self, key: str) -> bool:
        return key in self.projects and self.projects[key] is None

    def save(self, instance: Model, values: Mapping[str, object], entry: Entry) -> list[str] | None:
        """Give a row these values; save it when it is new or differs. Answers the changed keys, None on a problem."""
        changed = [name for name, value in values.items() if getattr(instance, name) != value]
        for name in changed:
            setattr(instance, name, values[name])
        if instance._state.adding or changed:
            if not self.valid(instance, entry):
                return None
            instance.save()
        return [key for key in entry.section.keys if entry.section.column(key) in changed]

    def valid(self, instance: Model, entry: Entry) -> bool:
        # What the models compute themselves when saved is not there yet and has nothing to check.
        computed = [one.name for one in instance._meta.fields if not one.editable]
        try:
            instance.full_clean(exclude=computed)
        except ValidationError as error:
            for name, details in error.error_dict.items():
                place = entry.place if name == NON_FIELD_ERRORS else entry.place_of_column(name)
                for detail in details:
                    self.problems.add_unless_known(place, _sentence(detail))
            return False
        return True


def _sentence(error: ValidationError) -> str:
    if error.code in ("blank", "null"):
        return "A value is needed here."
    return " ".join(error.messages)
