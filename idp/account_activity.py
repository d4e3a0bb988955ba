"""What happened to somebody's account, shown to themselves: account events, and events of apps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.browsers import describe
from accounts.console import actor
from accounts.models import AccountEvent, AccountEventKind
from clients.models import Client, SecurityEvent

PER_PAGE = 25
MAX_PAGES = 40  # older events are in the console only


class ActivityEntry(NamedTuple):
    at: datetime
    description: str
    place: str = ""


# Events of apps that people should know of. What they do as administrators is in the console.
APP_EVENTS: dict[str, Callable[[str, str], str]] = {
    "token.cross_client": lambda app, other: _("%(app)s told %(other)s who you are") % {"app": app, "other": other},
}


@never_cache
@login_required
def activity(request: HttpRequest) -> HttpResponse:
    page = _page(request.GET.get("page", ""))
    limit = page * PER_PAGE + 1
    sub = actor(request).sub
    entries = sorted(_account_entries(sub, limit) + _app_entries(sub, limit), key=attrgetter("at"), reverse=True)
    context = {
        "entries": entries[limit - 1 - PER_PAGE : limit - 1],
        "newer": page - 1,
        "older": page + 1 if len(entries) >= limit and page < MAX_PAGES else 0,
    }
    return render(request, "account/activity.html", context)


def _account_entries(sub: str, limit: int) -> list[ActivityEntry]:
    return [
        ActivityEntry(row.at, str(AccountEventKind(row.kind).label), _place(row))
        for row in AccountEvent.objects.filter(sub=sub)[:limit]
    ]


def _app_entries(sub: str, limit: int) -> list[ActivityEntry]:
    rows = list(SecurityEvent.objects.filter(sub=sub, kind__in=APP_EVENTS)[:limit])
    ids = {one for row in rows for one in (row.client_id, row.target_client_id)}
    names = dict(Client.objects.filter(client_id__in=ids).values_list("client_id", "name"))

    def name(client_id: str) -> str:
        return names.get(client_id) or client_id

    return [
        ActivityEntry(row.at, APP_EVENTS[row.kind](name(row.client_id), name(row.target_client_id))) for row in rows
    ]


def _place(row: AccountEvent) -> str:
    parts = [describe(row.detail["user_agent"]) if row.detail.get("user_agent") else "", row.address]
    return ", ".join(part for part in parts if part)


def _page(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 1
    return min(max(number, 1), MAX_PAGES)
