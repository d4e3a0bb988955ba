"""The first page of the console: what happened lately, what was refused most, and where one begins.

Members of projects see the numbers of their apps only. However many apps and people there are, it asks the same
number of statements, and each of them reads what belongs to some days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from urllib.parse import urlencode

from django.db.models import Count, Model, Q, QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console import actor
from accounts.models import User
from clients.models import Client, ProjectTally, RefusedRequest
from common import clock
from idp.console.charts import Chart, stacked
from idp.console.to_do import ToDo, to_do
from idp.status import about
from projects import access
from projects.models import Api, Project
from provider.store import tallies
from provider.trace import EXPECTED

SPANS = (7, 30)  # days
MOST_REFUSED = 5
CODE, DEVICE = "authorization_code", "urn:ietf:params:oauth:grant-type:device_code"
SIGN_INS = (CODE, DEVICE, tallies.IMPLICIT)
GRANTS = {
    CODE: gettext_lazy("Sign-in"),
    DEVICE: gettext_lazy("Sign-in of a device"),
    tallies.IMPLICIT: gettext_lazy("Sign-in, implicit"),
    "refresh_token": gettext_lazy("Refresh"),
    "client_credentials": gettext_lazy("Client credentials"),
    "urn:ietf:params:oauth:grant-type:token-exchange": gettext_lazy("Token exchange"),
}
NO_FAULT = frozenset({*EXPECTED, "access_denied", "authorization_pending"})

Row = TypeVar("Row", bound=Model)
Counts = Mapping[tuple[date, str], int]


@dataclass(frozen=True)
class Tile:
    number: int
    words: str
    url: str = ""
    note: str = ""


@dataclass(frozen=True)
class Often:
    """What was refused most: an app and the reason."""

    name: str
    error: str
    times: int
    url: str


@dataclass(frozen=True)
class Step:
    name: str
    words: str
    done: bool
    url: str = ""
    does: str = ""


@dataclass(frozen=True)
class Overview:
    days: int
    spans: Sequence[int]
    tiles: list[Tile]
    charts: list[Chart]
    refused: list[Often]
    to_do: list[ToDo]
    steps: list[Step]
    empty: bool  # nothing is theirs to see


def overview(request: HttpRequest, project: Project | None) -> Overview:
    """Of one project, or of everything this person may see."""
    person, days = actor(request), _days(request)
    tallies.settle()
    visible = access.visible(person)
    whole = person.is_superuser and project is None
    projects = visible if project is None else visible.filter(pk=project.pk)
    apps = Client.objects.filter(project__in=projects)
    since = datetime.combine(days[0], time(), UTC)
    given = _given(_theirs(projects, ProjectTally.objects.filter(day__gte=days[0]), whole))
    refusals = _of(apps, RefusedRequest.objects.filter(last_at__gte=since), whole).exclude(error__in=NO_FAULT)
    refused = _refused(refusals)
    titles = {CODE: _("Tokens by grant"), "": _("Refused requests by reason")}
    sums = {
        "sign_ins": sum(number for (_day, grant), number in given.items() if grant in SIGN_INS),
        "tokens": sum(given.values()),
        "refused": sum(refused.values()),
    }
    named = {(day, str(GRANTS.get(grant, grant))): number for (day, grant), number in given.items()}
    return Overview(
        days=len(days),
        spans=SPANS,
        tiles=[*_tiles(sums, apps, project, whole)],
        charts=[stacked(titles[CODE], days, named), stacked(titles[""], days, refused)],
        refused=_often(refusals),
        to_do=to_do(person, projects, whole=whole),
        steps=[] if given or _ever(projects, whole) else [*_steps(request, apps, visible)],
        empty=not person.is_superuser and not visible.exists(),
    )


def _days(request: HttpRequest) -> list[date]:
    asked, today = request.GET.get("days", ""), clock.now().date()
    span = int(asked) if asked in map(str, SPANS) else SPANS[0]
    return [today - timedelta(days=back) for back in range(span - 1, -1, -1)]


def _of(apps: QuerySet[Client], rows: QuerySet[Row], whole: bool) -> QuerySet[Row]:
    return rows if whole else rows.filter(client_id__in=apps.values("client_id"))


def _theirs(projects: QuerySet[Project], rows: QuerySet[ProjectTally], whole: bool) -> QuerySet[ProjectTally]:
    return rows if whole else rows.filter(project__in=list(projects.values_list("pk", flat=True)))


def _ever(projects: QuerySet[Project], whole: bool) -> bool:
    return _theirs(projects, ProjectTally.objects.all(), whole).exists()


def _given(rows: QuerySet[ProjectTally]) -> Counts:
    found = rows.values_list("day", "grant_type").annotate(sum=Sum("count")).order_by("day", "grant_type")
    return {(day, grant): number for day, grant, number in found}


def _refused(rows: QuerySet[RefusedRequest]) -> Counts:
    """A row is of one hour (UTC), and few hours are quickly read: no row is asked which day it is of."""
    by_hour = rows.order_by().values_list("hour", "error").annotate(sum=Sum("count"))
    counts: Counter[tuple[date, str]] = Counter()
    for hour, error, number in by_hour:
        counts[hour.date(), error] += number
    return counts


def _tiles(sums: Mapping[str, int], apps: QuerySet[Client], project: Project | None, whole: bool) -> Iterator[Tile]:
    query = f"?{urlencode({'project': project.key})}" if project else ""
    yield Tile(sums["sign_ins"], _("Sign-ins to apps"))
    yield Tile(sums["tokens"], _("Answers with tokens"))
    refused = {"kind": "refused", **({"project": project.key} if project else {})}
    yield Tile(sums["refused"], _("Refused requests"), reverse("admin:activity", query=refused))
    numbers = apps.aggregate(all=Count("pk"), disabled=Count("pk", filter=Q(enabled=False)))
    note = _("%(number)s disabled") % {"number": numbers["disabled"]} if numbers["disabled"] else ""
    yield Tile(numbers["all"], _("Apps"), reverse("admin:clients_client_changelist") + query, note)
    if whole:
        yield Tile(about(User), _("People"), reverse("admin:accounts_user_changelist"))


def _often(rows: QuerySet[RefusedRequest]) -> list[Often]:
    counted = rows.exclude(client_id="").order_by().values_list("client_id", "error").annotate(sum=Sum("count"))
    often = list(counted.order_by("-sum", "client_id", "error")[:MOST_REFUSED])
    named = Client.objects.filter(client_id__in={client_id for client_id, _error, _sum in often})
    names = dict(named.values_list("client_id", "name"))
    base = reverse("admin:activity")
    return [
        Often(
            names.get(client_id) or client_id,
            error,
            number,
            f"{base}?{urlencode({'app': client_id, 'kind': 'refused'})}",
        )
        for client_id, error, number in often
    ]


def _steps(request: HttpRequest, apps: QuerySet[Client], visible: QuerySet[Project]) -> Iterator[Step]:
    """Until the first token."""
    person = actor(request)
    app = apps.order_by("pk").only("pk").first()
    may_add = person.is_superuser or access.editable(person).exists()
    yield Step(
        _("Project"),
        _("What belongs together, and who looks after it."),
        visible.exists(),
        reverse("admin:projects_project_add") if person.is_superuser else "",
        _("Add a project"),
    )
    yield Step(
        _("API"),
        _("What apps call, and the scopes people read. An app that only signs people in needs none."),
        Api.objects.filter(project__in=visible).exists(),
        reverse("admin:projects_api_add") if may_add else "",
        _("Add an API"),
    )
    yield Step(
        _("App"),
        _("Who asks for tokens, and where people are sent back to."),
        app is not None,
        reverse("admin:clients_client_new") if may_add else "",
        _("Add an app"),
    )
    yield Step(
        _("First token"),
        _("Sign in with the app, or try what it would get."),
        False,
        reverse("admin:clients_client_audience", args=[app.pk]) if app else "",
        _("Try an audience"),
    )
