"""Guest apps, which registered themselves and are of no project; and the hosts where none is let in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse

from clients import blocked_hosts, registration
from clients.models import Authorization, BlockedHost, Client
from clients.policy import metadata_of
from common.json_type import Json
from idp.api.described import PAGE, operation
from idp.api.documents import said_in
from idp.api.problems import not_found
from idp.api.provider_wide import ProviderWide
from idp.api.resource import Resource, storable
from projects.guests import places_of
from projects.json_shape import Members, Spot, as_json, flag, read_members
from projects.problems import Problem

WANTED: Members = {"enabled": flag}


class GuestList(ProviderWide):
    tag = "guests"

    @operation("list_guests", "List guest apps", answers="GuestPage", parameters=PAGE)
    def get(self, request: HttpRequest) -> HttpResponse:
        """All that registered themselves, and those whose document somebody allowed something."""
        self.refuse_others()
        return self.listed(_all(), "pk", represent)


class OneGuest(ProviderWide):
    tag = "guests"

    @operation("get_guest", "Get a guest app", answers="Guest")
    def get(self, request: HttpRequest, guest: str) -> HttpResponse:
        self.refuse_others(hidden=True)
        found = _all().filter(client_id=guest).first() if storable(guest) else None
        if found is None:
            raise not_found()
        return self.shown(represent([found])[0])

    @operation(
        "patch_guest",
        "Switch a guest app off, or on again",
        answers="Guest",
        sends="GuestPatch",
        parameters=("if_match",),
    )
    def patch(self, request: HttpRequest, guest: str) -> HttpResponse:
        """`enabled: false`: it gets nothing at any project, and what it had is over for good. JSON Merge Patch."""
        with transaction.atomic():
            self.refuse_others(hidden=True)
            found = registration.locked([guest]).get(guest) if storable(guest) else None
            if found is None or not found.guest:
                raise not_found()
            self.require(represent([found])[0])
            sent = {name: True if value is None else value for name, value in self.sent().items()}
            if said := said_in(sent, _read):
                registration.change_locked(found, metadata_of(found).changed(said), self.by)
            return self.shown(represent([found])[0])


class GuestsOfProject(Resource):
    tag = "guests"

    @operation(
        "list_guests_of_project", "List guest apps with access to a project", answers="GuestPage", parameters=PAGE
    )
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """Those that somebody allowed something there. Which may come is said by the project (`guest_apps`)."""
        allowed = Authorization.objects.filter(project=self.project(project), client=OuterRef("pk"))
        return self.listed(_all().filter(Exists(allowed)), "pk", represent)


class BlockedHostList(ProviderWide):
    tag = "blocked hosts"

    @operation("list_blocked_hosts", "List blocked hosts", answers="BlockedHostPage", parameters=PAGE)
    def get(self, request: HttpRequest) -> HttpResponse:
        """Those that were lifted, too (`lifted_at`)."""
        self.refuse_others()
        return self.listed(BlockedHost.objects.all(), "pk", represent_hosts)


class OneBlockedHost(ProviderWide):
    tag = "blocked hosts"

    @operation(
        "put_blocked_host", "Keep out guest apps of a host", answers="BlockedHost", also={201: "It was not blocked."}
    )
    def put(self, request: HttpRequest, host: str) -> HttpResponse:
        """They get nothing at any project, and what they have ends. There is nothing to send."""
        with transaction.atomic():
            self.refuse_others(hidden=True)
            found = self._blocked(host)
            made = found or blocked_hosts.block(host, self.by)
        return self.made(represent_hosts([made])[0], "blocked-hosts", host, created=found is None)

    @operation("delete_blocked_host", "Let guest apps of a host come again", status=204)
    def delete(self, request: HttpRequest, host: str) -> HttpResponse:
        """What they had stays over."""
        with transaction.atomic():
            self.refuse_others(hidden=True)
            found = self._blocked(host)
            if found is None or not blocked_hosts.lift(found, self.by):
                raise not_found()
        return HttpResponse(status=204)

    def _blocked(self, host: str) -> BlockedHost | None:
        return BlockedHost.objects.filter(host=host, lifted_at=None).first() if storable(host) else None


def _all() -> QuerySet[Client]:
    return Client.objects.filter(project__isnull=True)


def represent(rows: Sequence[Client]) -> list[dict[str, Json]]:
    """Where it is comes first: its name is what it says of itself."""
    return [
        {
            "client_id": one.client_id,
            "places": list(places_of(one.client_id, one.redirect_uri_list)),
            "client_name": one.name,
            "source": str(one.registration_source),
            "redirect_uris": list(one.redirect_uri_list),
            "scope": one.scope,
            "enabled": one.enabled,
            "created_at": as_json(one.created),
        }
        for one in rows
    ]


def represent_hosts(rows: Sequence[BlockedHost]) -> list[dict[str, Json]]:
    return [{name: as_json(getattr(one, name)) for name in ("host", "since", "lifted_at")} for one in rows]


def _read(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(WANTED, spot), spot.found
