"""The console as a door to the registrations: it translates, shows what they say, and has no rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from django.http import HttpRequest

from accounts.console import actor
from accounts.console_forms import ConsoleForm
from projects.actors import Actor
from projects.console import roles_of
from projects.problems import Problem


def actor_of(request: HttpRequest) -> Actor:
    """Whoever is signed in, as registrations ask them."""
    return Actor.person(actor(request), roles_of(request))


class DoorForm(ConsoleForm):
    """Its row stays as it is: a registration writes it."""

    # Fields of the form by the JSON names of problems, where they differ.
    names: ClassVar[Mapping[str, str]] = {}

    @property
    def by(self) -> Actor:
        return Actor.person(self.actor)

    def _post_clean(self) -> None:
        """Django would give the row what was typed, and judge it by itself."""

    def show(self, problems: Iterable[Problem]) -> None:
        """Each problem on its field, but on none that was refused before: it judges a value nobody typed."""
        refused = set(self.errors)
        for one in problems:
            field = self.names.get(one.name, one.name)
            if field not in refused:
                self.add_error(field if field in self.fields else None, one.message)

    def words(self, name: str) -> tuple[str, ...]:
        """The lines of a textarea."""
        return tuple(str(self.cleaned_data[name]).split())
