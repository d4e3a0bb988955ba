"""What is done to a person from their page. Each asks once, on a page that names what ends, and is one event.

No rule is here or in `person_ends` and `person_account`: each calls what the HTTP API calls for the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.http import HttpRequest

from accounts.console import actor
from accounts.models import User
from projects.actors import Actor
from projects.door import actor_of


@dataclass(frozen=True)
class Doing:
    """Somebody is about to do something to this person. `of`: to which of their apps or sign-ins."""

    request: HttpRequest
    person: User
    of: str

    @property
    def by(self) -> Actor:
        return actor_of(self.request)

    @property
    def oneself(self) -> bool:
        return actor(self.request).pk == self.person.pk


@dataclass(frozen=True)
class Question:
    """What is asked. `happens`: sentences of what ends; `names`: the apps that it is about."""

    title: str
    button: str
    happens: list[str]
    names: list[str] = field(default_factory=list)
    obstacle: str = ""  # why it cannot be done


@dataclass(frozen=True)
class Done:
    """What the history says, and what whoever did it is told."""

    history: str
    told: str


@dataclass(frozen=True)
class Act:
    """Both answer None where there is nothing of the kind, or no longer."""

    ask: Callable[[Doing], Question | None]
    do: Callable[[Doing], Done | None]
