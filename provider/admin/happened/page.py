"""The page of everything that happened. Its filters are links and one form, so it needs no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from projects import access
from projects.console import roles_of
from provider.admin.happened.asked import SPANS, Asked, Place, asked
from provider.admin.happened.entries import Entry, entries
from provider.admin.happened.export import FORMS, MOST, export
from provider.admin.happened.marks import SORTS
from provider.admin.happened.mending import Row, row

PER_PAGE = 50
FILTERS = ("kind", "app", "person", "project", "days", "q")


@dataclass(frozen=True, slots=True)
class Choice:
    label: str | Promise
    url: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    rows: list[tuple[Row, bool, list[Choice]]]  # with what is open already, and links to more of the same


def may_look(request: HttpRequest) -> bool:
    """Superusers, and members of a project."""
    return roles_of(request).in_any_project(access.VIEWERS)


def page(request: HttpRequest, site: AdminSite) -> HttpResponseBase:
    if not may_look(request):
        raise PermissionDenied
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    said = {name: value for name in FILTERS if (value := request.GET.get(name, ""))}
    wanted = asked(request, said)
    if request.method == "POST":  # it leaves an event
        return _export(request, wanted, said)
    found, older = entries(wanted, Place.of(request.GET.get("before", "")), PER_PAGE)
    request.current_app = site.name
    context = {
        **site.each_context(request),
        "title": _("Activity"),
        "days": [*_days(found, request, wanted, said)],
        "sorts": [Choice(one.label, _with(said, kind=one.key), one == wanted.sort) for one in SORTS],
        "spans": [Choice(one.label, _with(said, days=one.key), one == wanted.span) for one in SPANS],
        "narrowed": [*_narrowed(wanted, found, said)],
        "said": said,
        "asked_for": wanted.text,
        "superuser": wanted.everything,
        "most_exported": MOST,
        "older": _with(said, before=str(older)) if older else "",
        "newest": _with(said) if "before" in request.GET else "",
    }
    return TemplateResponse(request, "admin/activity/page.html", context)


def _export(request: HttpRequest, wanted: Asked, said: Mapping[str, str]) -> HttpResponseBase:
    form = request.POST.get("format", "")
    return export(request, wanted, form) if form in FORMS else redirect(_with(said))


def _with(said: Mapping[str, str], **more: str) -> str:
    """The address of this page with these filters instead."""
    query = {name: value for name, value in {**said, **more}.items() if value}
    address = reverse("admin:activity")
    return f"{address}?{urlencode(query)}" if query else address


def _days(found: Sequence[Entry], request: HttpRequest, wanted: Asked, said: Mapping[str, str]) -> Iterator[Day]:
    alone = len(found) == 1
    for day, ones in groupby(found, key=lambda one: one.at.date()):
        rows = []
        for one in ones:
            named = bool(wanted.reference) and wanted.reference in one.references
            rows.append((row(one, request), alone or named, [*_more_of(one, wanted, said)]))
        yield Day(day, rows)


def _more_of(one: Entry, wanted: Asked, said: Mapping[str, str]) -> Iterator[Choice]:
    without_text = {**said, "q": ""}
    if one.app.value and not wanted.app:
        yield Choice(_("Everything of this app"), _with(without_text, app=one.app.value))
    whose = one.about if one.about.value else one.who
    if whose.value and not wanted.of_people:
        yield Choice(_("Everything of this person"), _with(without_text, person=whose.value))


def _narrowed(wanted: Asked, found: Sequence[Entry], said: Mapping[str, str]) -> Iterator[Choice]:
    """What the list is of, each with the way to leave that out."""
    if wanted.app:
        name = next((one.app.text for one in found if one.app.value == wanted.app), wanted.app)
        yield Choice(_("App: %(name)s") % {"name": name}, _with(said, app=""))
    if "person" in said:
        person = wanted.person
        name = (person.get_full_name() or person.username) if person else said["person"]
        yield Choice(_("Person: %(name)s") % {"name": name}, _with(said, person=""))
    if wanted.project:
        yield Choice(_("Project: %(name)s") % {"name": wanted.project.name}, _with(said, project=""))
