"""What was refused, which apps were told that somebody signed out, and what happened to accounts: to look at."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.models import AccountEvent
from clients.models import Client, LogoutNotice, RefusedRequest
from clients.models.logout import NoticeState
from common.json_type import Json
from idp.api import pages
from idp.api.described import PAGE, operation
from idp.api.events import moment_in
from idp.api.provider_wide import ProviderWide
from idp.api.resource import Resource, storable
from projects.json_shape import as_json
from provider.event_feed import Wanted

REFUSED = (
    *("last_at", "first_at", "count", "description", "project", "client_id"),
    *("endpoint", "grant_type", "error", "step"),
)


class RefusedRequestList(ProviderWide):
    tag = "refused requests"

    @operation(
        "list_refused_requests", "List refused requests", answers="RefusedRequestPage", parameters=(*PAGE, "client_id")
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """The same refusal of one hour is one row. With the network that it came from."""
        self.refuse_others()
        return self.listed(_named(request, RefusedRequest.objects.all()), "pk", _with_network)


class RefusedRequestsOfProject(Resource):
    tag = "refused requests"

    @operation(
        "list_refused_requests_of_project",
        "List refused requests of a project's clients",
        answers="RefusedRequestPage",
        parameters=(*PAGE, "client_id"),
    )
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """The same refusal of one hour is one row. Where people are is not for a project to know."""
        clients = Client.objects.filter(project=self.project(project)).values("client_id")
        rows = RefusedRequest.objects.filter(client_id__in=clients)
        return self.listed(_named(request, rows), "pk", refused_requests)


def _named(request: HttpRequest, rows: QuerySet[RefusedRequest]) -> QuerySet[RefusedRequest]:
    client_id = pages.parameter(request, "client_id")
    if client_id is None:
        return rows
    return rows.filter(client_id=client_id) if storable(client_id) else rows.none()


class LogoutNoticeList(ProviderWide):
    tag = "logout notices"

    @operation("list_logout_notices", "List logout notices", answers="LogoutNoticePage", parameters=PAGE)
    def get(self, request: HttpRequest) -> HttpResponse:
        """Which apps were told that a sign-in ended, and what failed. Those of deleted clients, too."""
        self.refuse_others()
        return self.listed(LogoutNotice.objects.select_related("client"), "pk", notices)


class LogoutNoticesOfProject(Resource):
    tag = "logout notices"

    @operation(
        "list_logout_notices_of_project",
        "List logout notices to a project's clients",
        answers="LogoutNoticePage",
        parameters=PAGE,
    )
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """Which apps were told that a sign-in ended, and what failed."""
        rows = LogoutNotice.objects.filter(client__project=self.project(project))
        return self.listed(rows.select_related("client"), "pk", notices)


class AccountEventList(ProviderWide):
    tag = "account events"

    @operation(
        "list_account_events",
        "List what happened to accounts",
        answers="AccountEventPage",
        parameters=(*PAGE, "sub", "kind", "since"),
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """In the order in which it was written. Rows outlive the account that they are about."""
        self.refuse_others()
        sub, kind, since = (pages.parameter(request, name) for name in ("sub", "kind", "since"))
        wanted = Wanted(moment_in(since), (kind,) if kind is not None else (), sub=sub or "")
        good = all(storable(one) for one in (sub, kind) if one is not None)
        return self.listed(wanted.account() if good else AccountEvent.objects.none(), "pk", account_events)


def refused_requests(rows: Sequence[RefusedRequest]) -> list[dict[str, Json]]:
    return [
        {
            "id": str(one.pk),
            **{name: as_json(getattr(one, name)) for name in REFUSED},
            "request_ids": list(one.request_ids.split()),
        }
        for one in rows
    ]


def _with_network(rows: Sequence[RefusedRequest]) -> list[dict[str, Json]]:
    said = refused_requests(rows)
    return [{**what, "network": one.network} for what, one in zip(said, rows, strict=True)]


def notices(rows: Sequence[LogoutNotice]) -> list[dict[str, Json]]:
    """The next attempt only while there will be one."""
    return [
        {
            "id": str(one.pk),
            "client_id": one.client.client_id if one.client else None,
            "state": str(one.state),
            "attempts": one.attempts,
            "next_attempt_at": as_json(one.next_attempt_at) if one.state == NoticeState.DUE else None,
            "delivered_at": as_json(one.delivered_at),
            "problem": one.problem,
            "created_at": as_json(one.created_at),
        }
        for one in rows
    ]


def account_events(rows: Sequence[AccountEvent]) -> list[dict[str, Json]]:
    return [
        {
            "id": str(one.pk),
            "at": as_json(one.at),
            "kind": one.kind,
            "sub": one.sub or None,
            "address": one.address,
            "detail": as_json(one.detail),
        }
        for one in rows
    ]
