"""What there is beside clients that somebody wants: read once for all of them, and only when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from accounts.models import User
from clients.metadata import ClientMetadata
from clients.models import AudienceEntry, Client, SecurityEvent
from projects.access import open_apis
from projects.apis import apis_near
from projects.events import CLIENT_DELETED
from projects.facts import Apis
from projects.models import ApiScope, Project


class Around:
    def __init__(self, wanted: Sequence[ClientMetadata], project: Project) -> None:
        self.project = project
        self.ids = frozenset(one.client_id for one in wanted)
        self._audiences = frozenset(entry.value for one in wanted for entry in one.audience)
        self._scopes = frozenset(scope for one in wanted for scope in one.scopes)

    @cached_property
    def clients(self) -> frozenset[str]:
        """Of their ids and audiences, those that clients have as their id already."""
        found = Client.objects.filter(client_id__in=self.ids | self._audiences)
        return frozenset(found.values_list("client_id", flat=True))

    @cached_property
    def buried(self) -> frozenset[str]:
        """Ids of clients that are deleted."""
        found = SecurityEvent.objects.filter(kind=CLIENT_DELETED, client_id__in=self.ids)
        return frozenset(found.values_list("client_id", flat=True))

    @cached_property
    def people(self) -> frozenset[str]:
        """Ids that are the `sub` of a person."""
        return frozenset(User.objects.filter(sub__in=self.ids).values_list("sub", flat=True))

    @cached_property
    def listed(self) -> frozenset[str]:
        """Ids by which allowlists mean somebody else."""
        found = AudienceEntry.objects.filter(canonical__in=self.ids)
        return frozenset(found.values_list("canonical", flat=True))

    @cached_property
    def scopes(self) -> frozenset[str]:
        """Scopes of APIs that the project may use."""
        found = ApiScope.objects.filter(api__in=open_apis(self.project), name__in=self._scopes)
        return frozenset(found.values_list("name", flat=True))

    @cached_property
    def apis(self) -> Apis:
        """Those that could cover one of the audiences."""
        return apis_near(self._audiences)
