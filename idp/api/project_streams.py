"""Event streams of a project's apps, for whoever manages the project. An app manages its own below `/ssf`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse

from clients import stream_management, streams
from clients.models import Stream
from clients.models.logout import NoticeState
from clients.models.stream import StreamStatus
from common.json_type import Json
from idp.api.described import PAGE, operation
from idp.api.documents import patched, said_in
from idp.api.problems import not_found
from idp.api.resource import Resource, identifier_of
from projects.actors import Actor
from projects.json_shape import Members, Spot, as_json, choice, read_members, text
from projects.models import Project
from projects.problems import Problem

CHANGEABLE: Members = {"status": choice(StreamStatus.values), "reason": text}


def _read(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(CHANGEABLE, spot), spot.found


def represent(rows: Sequence[Stream]) -> list[dict[str, Json]]:
    """With how much waits: one statement for all of them."""
    due = Count("deliveries", filter=Q(deliveries__state=NoticeState.DUE))
    keys = [one.pk for one in rows]
    waiting = dict(Stream.objects.filter(pk__in=keys).order_by().annotate(due=due).values_list("pk", "due"))
    return [
        {
            "id": str(one.pk),
            "client_id": one.client.client_id,
            "method": str(one.method),
            "host": stream_management.host_of(one),
            "description": one.description,
            "events_requested": as_json(one.events_requested),
            "status": str(one.status),
            "reason": one.reason,
            "waiting": waiting.get(one.pk, 0),
            "created_at": as_json(one.created_at),
        }
        for one in rows
    ]


class OfStream(Resource):
    tag = "streams"

    def found(self, project: Project, number: str) -> Stream:
        row = Stream.objects.filter(client__project=project, pk=identifier_of(number)).select_related("client").first()
        if row is None:
            raise not_found()
        return row

    def changing(self, key: str, number: str) -> tuple[Stream, Actor]:
        """Locked, and who acts; only for whoever may change what is in the project."""
        row = streams.locked(self.found(self.editable(key, self.by), number))
        by = self.by
        self.editable(key, by)
        return row, by


class ProjectStreamList(OfStream):
    @operation("list_streams", "List event streams", answers="StreamPage", parameters=PAGE)
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """Those that apps of the project asked for (Shared Signals). An app has one at most, and makes it itself."""
        rows = Stream.objects.filter(client__project=self.project(project)).select_related("client")
        return self.listed(rows, "pk", represent)


class OneProjectStream(OfStream):
    @operation("get_stream", "Get an event stream", answers="Stream")
    def get(self, request: HttpRequest, project: str, stream: str) -> HttpResponse:
        """`waiting`: how many events the app has not taken yet."""
        return self.shown(represent([self.found(self.project(project), stream)])[0])

    @operation(
        "patch_stream",
        "Pause, disable or enable a stream",
        answers="Stream",
        sends="StreamPatch",
        parameters=("if_match",),
    )
    def patch(self, request: HttpRequest, project: str, stream: str) -> HttpResponse:
        """The app is told of it, and may change it back. While it is disabled nothing is kept for it."""
        with transaction.atomic():
            row, by = self.changing(project, stream)
            self.require(represent([row])[0])
            before: Json = {"status": str(row.status), "reason": row.reason}
            said = said_in(patched(before, self.sent()), _read)
            stream_management.set_status(row, str(said.get("status", "")), str(said.get("reason", "")), by)
            now = streams.locked(row)
        return self.shown(represent([now])[0])

    @operation("delete_stream", "Delete an event stream", status=204, parameters=("if_match",))
    def delete(self, request: HttpRequest, project: str, stream: str) -> HttpResponse:
        """With everything that waits for it. The app may make another one while it has the scope."""
        with transaction.atomic():
            row, by = self.changing(project, stream)
            self.require(represent([row])[0])
            stream_management.delete(row, by)
        return HttpResponse(status=204)
