"""The allowlist of a client: which audiences it may ask for, one by one."""

from __future__ import annotations

from dataclasses import asdict, replace

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from clients import document, registration
from clients.metadata import Audience
from clients.models import Client
from clients.policy import metadata_of
from common.json_type import Json
from idp.api.apis import same_address
from idp.api.clients import OfClient
from idp.api.described import WRITE, operation
from idp.api.documents import placed, refuse_another, said_in
from idp.api.problems import not_found
from projects.actors import Actor


class AudienceList(OfClient):
    tag = "audiences"

    @operation("list_client_audiences", "List what a client may ask for", answers="AudiencePage")
    def get(self, request: HttpRequest, project: str, client_id: str) -> HttpResponse:
        """All of them, in their order: there are few, and so one page."""
        entries = metadata_of(self.client(project, client_id)).audience
        return self.shown({"items": [_represent(one) for one in entries], "next_cursor": None})


class OneAudience(OfClient):
    tag = "audiences"

    @operation(
        "put_client_audience",
        "Let a client ask for an audience",
        answers="Audience",
        sends="AudienceWanted",
        parameters=WRITE,
        also={201: "It is new."},
    )
    def put(self, request: HttpRequest, project: str, client_id: str, audience: str) -> HttpResponse:
        """An entry that is there keeps its place."""
        with transaction.atomic():
            client, by = self.changing(project, client_id)
            before = metadata_of(client).audience
            there = _at(before, audience)
            self.require(_represent(before[there]) if there is not None else None)
            entry = self._entry(audience, before[there].value if there is not None else audience)
            place = len(before) if there is None else there
            wanted = (*before[:place], entry, *before[place + 1 :])
            with placed(lambda field: field.rpartition(".")[2]):
                _write(client, wanted, by)
            now = metadata_of(client).audience[place]
        steps = ("projects", project, "clients", client_id, "audiences", now.value)
        return self.made(_represent(now), *steps, created=there is None)

    @operation("delete_client_audience", "Take an audience away", status=204, parameters=("if_match",))
    def delete(self, request: HttpRequest, project: str, client_id: str, audience: str) -> HttpResponse:
        with transaction.atomic():
            client, by = self.changing(project, client_id)
            before = metadata_of(client).audience
            there = _at(before, audience)
            if there is None:
                raise not_found()
            self.require(_represent(before[there]))
            _write(client, (*before[:there], *before[there + 1 :]), by)
        return HttpResponse(status=204)

    def _entry(self, audience: str, value: str) -> Audience:
        """`value` may be repeated, and is the address's anyway."""
        sent = self.sent()
        refuse_another(sent, "value", audience, same_address)
        with placed(lambda field: field.rpartition(".")[2]):
            said = said_in({"audience": [{**sent, "value": value}]}, document.read)["audience"]
        assert isinstance(said, tuple)  # noqa: S101 - as the table of members reads it
        entry = said[0]
        assert isinstance(entry, Audience)  # noqa: S101
        return entry


def _at(entries: tuple[Audience, ...], audience: str) -> int | None:
    wanted = same_address(audience)
    return next((index for index, one in enumerate(entries) if same_address(one.value) == wanted), None)


def _write(client: Client, entries: tuple[Audience, ...], by: Actor) -> None:
    registration.change_locked(client, replace(metadata_of(client), audience=entries), by)


def _represent(entry: Audience) -> dict[str, Json]:
    return dict(asdict(entry.settled()))
