"""What the protocol may know of projects and their APIs: frozen facts. Pure; nothing here can query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from projects.addresses import Addresses
from projects.claim_table import DEFAULTS, ClaimRow
from projects.matcher import Mode, covers
from projects.sectors import PAIRWISE, PUBLIC
from projects.sign_in import ANYONE, Rule

FAPI2 = "fapi2"  # the profile of that name; none other is offered
NO_PROJECT = 0  # the provider's own API is of none: rows count from 1
NOWHERE = -1  # and guest apps are of none that there is
LONGEST_FOR_EDITORS = 86_400  # seconds for which access tokens and ID tokens live; more is a superuser's to allow


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    id: int
    consent_mode: str = "explicit"
    cross_client: str = "same_project"
    testing: bool = False
    tokens_not_before: datetime | None = None
    longest_grant: int | None = None  # seconds; None: no limit
    grants_not_before: datetime | None = None  # what was granted before is over
    profile: str = ""  # that all of its clients have to meet
    pushes: bool = False  # authorization requests of its clients have to be pushed
    to_guests: bool = False  # what it is to an app from outside that it lets in: never a project of its clients
    guest_apps: str = "none"
    guest_hosts: frozenset[str] = frozenset()
    consent_uri: str = ""  # the page that asks people in our place; guests are asked by us
    claims: tuple[ClaimRow, ...] = DEFAULTS  # what its apps are told besides the standard claims
    sign_in: Rule = ANYONE  # whom it lets in
    subject_type: str = PUBLIC  # what its apps know people by: `projects.sectors`
    subject_salt: str = field(default="", repr=False)
    key: str = ""

    @property
    def pairwise(self) -> bool:
        return self.subject_type == PAIRWISE

    def is_same(self, other: ProjectFacts) -> bool:
        """Whether clients of the one are siblings of clients of the other. Guests are nobody's, not even each other's.

        Whoever compares projects of clients asks this.
        """
        return self.id == other.id and not (self.to_guests or other.to_guests)

    def in_other_sector(self, other: ProjectFacts) -> bool:
        """Whether apps of the one and of the other must not find out that they know the same person."""
        return self.id != other.id and (self.pairwise or other.pairwise)


OUTSIDE = ProjectFacts(
    NOWHERE, cross_client="off", to_guests=True, claims=()
)  # of a guest that no project has let in yet


@dataclass(frozen=True, slots=True)
class ApiFacts:
    """A registered protected resource."""

    identifier: str
    project_id: int
    shared: str = "private"
    shared_with: frozenset[int] = frozenset()
    scopes: frozenset[str] = frozenset()
    token_format: str = "inherit"  # noqa: S105 - a format
    token_signing_alg: str = "ES256"  # noqa: S105 - an algorithm
    token_lifetime: int | None = None
    tokens_not_before: datetime | None = None
    others_not_before: datetime | None = None  # of clients of other projects
    guest_scopes: frozenset[str] = frozenset()  # those that guest apps may be allowed; none: it is closed to them
    guests_not_before: datetime | None = None  # of guest apps
    pairwise: bool = False  # its project knows people by subjects of its own

    @property
    def of_provider(self) -> bool:
        """Whether it is the provider's own, which no row describes and nobody edits."""
        return self.project_id == NO_PROJECT

    def of_another(self, project: ProjectFacts) -> bool:
        """Whether another project, or the provider, has it: it decides what tokens for it are like (section 4).

        To a guest every API is somebody else's.
        """
        return project.to_guests or self.project_id != project.id

    def in_other_sector(self, project: ProjectFacts) -> bool:
        """Whether its project and this one must not find out that they know the same person (protocol section 37)."""
        return not self.of_provider and self.project_id != project.id and (self.pairwise or project.pairwise)

    def closed_to(self, project: ProjectFacts) -> bool:
        """Whether it was never shared with this project, or is no longer."""
        return not self.open_to(project)

    def open_to(self, project: ProjectFacts) -> bool:
        """Whether clients of this project may ask for it (protocol section 0); or the guests it lets in."""
        if project.to_guests:
            return self.project_id == project.id and bool(self.guest_scopes)
        if self.shared == "public" or self.project_id == project.id or self.of_provider:
            return True  # who may list the provider's own is asked when a client is registered
        return self.shared == "listed" and project.id in self.shared_with

    def scopes_for(self, project: ProjectFacts) -> frozenset[str]:
        """What it offers clients of this project, or the guests it lets in."""
        return self.guest_scopes if project.to_guests else self.scopes

    def not_before(self, project: ProjectFacts) -> tuple[datetime | None, ...]:
        """The moments before which everything is over that these got for it."""
        others = self.others_not_before if self.of_another(project) and not project.to_guests else None
        return self.tokens_not_before, others, self.guests_not_before if project.to_guests else None


class Apis(Addresses[ApiFacts]):
    """Registered APIs: those at the origins that somebody asks about. Each request joins its own (`joined`)."""

    def __init__(self, entries: Iterable[tuple[str, Mode, ApiFacts]] = ()) -> None:
        super().__init__(entries)
        self._resolved: dict[str, ApiFacts | None] = {}  # the steps of a request ask for the same ones

    @classmethod
    def of(cls, apis: Iterable[ApiFacts]) -> Self:
        return cls((api.identifier, "prefix", api) for api in apis)

    def resolve(self, value: str) -> ApiFacts | None:
        """The most specific Api that covers `value` (protocol section 0)."""
        if value not in self._resolved:
            self._resolved[value] = next(self.covering(value), None)
        return self._resolved[value]

    def registered_value(self, value: str) -> str | None:
        """The identifier of the Api that is canonically this value, as its owner wrote it."""
        api = self.at(value)
        return api.identifier if api else None

    def covers(self, allowed: str, value: str) -> bool:
        """Whether what was allowed at the one holds at the other: below it, and within the same Api (section 11).

        An Api that is nested in another has words and scopes of its own. So has one below an address of no Api.
        """
        return covers(allowed, value) and self.resolve(allowed) is self.resolve(value)
