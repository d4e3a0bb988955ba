"""Who makes, changes and deletes projects, APIs, clients and keys; and what they may do. No rule asks further."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Self

from django.db.models import QuerySet

from accounts.models import User
from projects.access import EDITORS, OWNERS, Roles
from projects.models import Project

ITSELF = "the app itself"  # in events: an app of no project, which anybody may have registered


class Right(Enum):
    """What no role in a project brings: decisions of the provider's (protocol section 0)."""

    ADD_PROJECTS = auto()
    MAKE_FIRST_PARTY = auto()  # people of the project are never asked
    CHANGE_STATUS = auto()  # leave testing, or go back to it
    NAME_OTHER_PROJECTS = auto()  # clients, APIs and projects that are not one's own
    LIST_ANY_AUDIENCE = auto()  # also one that is no API
    INTROSPECT_EVERYTHING = auto()
    ALLOW_LONG_LIFETIMES = auto()  # tokens that nobody can end live for more than a day
    OVERRULE_MEMBERS = auto()  # what they disable stays disabled
    TAKE_ADDRESSES = auto()  # that clients of other projects list, or that were an API of another project
    EXCEED_QUOTAS = auto()  # more clients and APIs than a project may have
    MANAGE_KEYS = auto()
    MANAGE_CONNECTORS = auto()  # where else people sign in
    BRING_TOKENS_THROUGH_BROWSERS = auto()  # the legacy response types
    INVITE_ANYBODY = auto()  # to this provider, and to every project
    GRANT_ADMINISTRATION = auto()  # scopes of the provider's own API
    FILL_GROUPS = auto()  # which are of no project, by an invitation
    LET_INTO_CONSOLE = auto()  # people who are no superusers (staff status)


CHANGES_PEOPLE = frozenset({Right.GRANT_ADMINISTRATION, Right.FILL_GROUPS, Right.LET_INTO_CONSOLE})


class ProofTooOld(Exception):
    """They have the right, and proved too long ago who they are to use it: they sign in anew."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or somebody who is none. Doors make one; registrations ask it and put it into events."""

    roles: Roles
    rights: frozenset[Right] = frozenset()
    sub: str = ""  # of a person
    name: str = ""  # of who is none
    run_by: str = ""  # of a command: the user and machine that ran it
    app: str = ""  # the id of an app that registers itself
    through: str = ""  # the app by whose token it asks: its client id
    unproved: frozenset[Right] = frozenset()  # of their rights, those that wait for a fresh proof of who they are

    @classmethod
    def person(cls, user: User, roles: Roles | None = None, *, through: str = "") -> Self:
        """Somebody signed in: a superuser has every right, everybody else a role in some projects."""
        rights = frozenset(Right) if user.is_active and user.is_superuser else frozenset[Right]()
        return cls(roles or Roles.of(user), rights, sub=user.sub, through=through)

    @classmethod
    def machine(cls, client_id: str, roles: Roles) -> Self:
        """A client by a token of its own: it manages the projects that it was given, and with all of them decides all.

        `roles`: of an owner, and of a superuser where it was given every project.
        """
        rights = frozenset(Right) if roles.is_superuser else frozenset[Right]()
        return cls(roles, rights, name=client_id, through=client_id)

    @classmethod
    def operator(cls, name: str, run_by: str = "") -> Self:
        """Who runs this provider, through a file or a command: decides like a superuser."""
        return cls(Roles(is_superuser=True, by_project={}), frozenset(Right), name=name, run_by=run_by)

    @classmethod
    def itself(cls, client_id: str) -> Self:
        """An app that registers itself and is of no project: it changes nothing but itself."""
        return cls(Roles(is_superuser=False, by_project={}), name=ITSELF, app=client_id)

    def may(self, right: Right) -> bool:
        return right in self.rights and right not in self.unproved

    def before_proof(self) -> Self:
        """The same with an old proof. What manages this provider changes people, too: it is given by whoever might
        change them themselves. So are a group, and a place in the console."""
        return replace(self, unproved=CHANGES_PEOPLE)

    def once_proved(self) -> Self:
        """As they are after a fresh proof, for pages that only show what they may do."""
        return replace(self, unproved=frozenset())

    def ask_for_proof(self, right: Right) -> None:
        """Before this right is found missing: raises ProofTooOld where a fresh proof would bring it."""
        if right in self.rights & self.unproved:
            raise ProofTooOld

    def edits(self, project: Project) -> bool:
        """Whether they may change its clients, its APIs and its consent screen."""
        return self.roles.in_project(project.pk, EDITORS)

    def owns(self, project: Project) -> bool:
        """Whether they may change the project itself and its members."""
        return self.roles.in_project(project.pk, OWNERS)

    def manages_guest(self, client_id: str) -> bool:
        """Whether they may change this guest app: no project's members do."""
        return self.roles.is_superuser or bool(self.app and self.app == client_id)

    def visible(self) -> QuerySet[Project]:
        """The projects they know of."""
        projects = Project.objects.all()
        return projects if self.roles.is_superuser else projects.filter(pk__in=self.roles.by_project)
