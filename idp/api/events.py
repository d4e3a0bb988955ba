"""Security events: all of them for superusers, and those of a project for its members. Nothing changes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from clients.models import SecurityEvent
from clients.sectors import shown_detail
from common.json_type import Json
from idp.api import pages
from idp.api.described import PAGE, operation
from idp.api.problems import refused
from idp.api.provider_wide import ProviderWide
from idp.api.resource import Resource, storable
from projects.json_shape import Spot, Wrong, as_json, moment_or_none
from projects.models import Project
from projects.sectors import told_sub
from provider.event_feed import Wanted

FILTERS = (*PAGE, "kind", "client_id", "since")
Shown = Callable[[Sequence[SecurityEvent]], list[dict[str, Json]]]


class EventList(ProviderWide):
    @operation("list_events", "List security events", answers="EventPage", parameters=FILTERS)
    def get(self, request: HttpRequest) -> HttpResponse:
        """In the order in which they were written."""
        self.refuse_others()
        return _answer(self, request, Wanted())


class ProjectEventList(Resource):
    tag = "events"

    @operation("list_project_events", "List security events of a project", answers="EventPage", parameters=FILTERS)
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """Those about it and about its clients, in the order in which they were written. People are named by the `sub`
        that the project knows."""
        found = self.project(project)
        clients = tuple(found.clients.values_list("client_id", flat=True))
        # An older project may have had its key.
        wanted = Wanted(found.created_at, project=found.key, clients_of_project=clients)
        return _answer(self, request, wanted, lambda rows: [_as_told(one, found) for one in rows])


def _answer(view: Resource, request: HttpRequest, wanted: Wanted, shown: Shown | None = None) -> HttpResponse:
    kind, client_id, since = (pages.parameter(request, name) for name in ("kind", "client_id", "since"))
    rows = wanted.security()
    if not all(storable(one) for one in (kind, client_id) if one is not None):
        rows = rows.none()
    else:
        said = Wanted(moment_in(since), (kind,) if kind is not None else (), client_id or "")
        rows = rows & said.security()
    return view.listed(rows, "pk", shown or represent)


def moment_in(sent: str | None) -> datetime | None:
    try:
        return moment_or_none(Spot(sent))
    except Wrong as error:
        raise refused("malformed", f"since: {error}") from None


def represent(rows: Sequence[SecurityEvent]) -> list[dict[str, Json]]:
    return [_one(row) for row in rows]


def _as_told(row: SecurityEvent, project: Project) -> dict[str, Json]:
    sub = told_sub(row.sub, project) if row.sub else None
    return {**_one(row), "sub": sub, "detail": _detail(shown_detail(row.detail, project))}


def _one(row: SecurityEvent) -> dict[str, Json]:
    return {
        "id": str(row.pk),
        "at": as_json(row.at),
        "kind": row.kind,
        "client_id": row.client_id or None,
        "target_client_id": row.target_client_id or None,
        "sub": row.sub or None,
        "detail": _detail(row.detail),
    }


def _detail(detail: Mapping[str, object]) -> Json:
    return {name: as_json(value) for name, value in detail.items()}
