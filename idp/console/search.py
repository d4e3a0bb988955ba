"""One field that finds apps, APIs, projects, people and references: only what the person may see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import normalization
from accounts.console import actor
from accounts.models import User
from clients.models import Client, RefusedRequest
from clients.seen import seen_by
from projects import access
from projects.models import Api, Project

MOST = 20  # of a kind
LONGEST = 200  # characters that are looked for
SHORTEST_REFERENCE = 6


@dataclass(frozen=True)
class Hit:
    """A row of the answer. `identifier`: what it is called in requests."""

    name: str
    url: str
    identifier: str = ""
    note: str = ""
    tag: str = ""
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Kind:
    label: str | Promise
    hits: list[Hit]
    more: str = ""  # where all of them are


def search(request: HttpRequest, asked: str) -> list[Kind]:
    """Kinds of which something was found."""
    text = asked.strip()[:LONGEST]
    return [kind for kind in _kinds(request, text) if kind.hits] if text else []


def _kinds(request: HttpRequest, text: str) -> Iterator[Kind]:
    person = actor(request)
    visible = access.visible(person)
    yield _apps(text, visible)
    yield Kind(gettext_lazy("APIs"), [*_apis(text, visible)])
    yield Kind(gettext_lazy("Projects"), [*_projects(text, visible)])
    if person.is_superuser:
        yield Kind(gettext_lazy("People"), [*_people(text)])
    yield Kind(gettext_lazy("Refused requests"), [*_references(request, text)])


def _apps(text: str, visible: QuerySet[Project]) -> Kind:
    rows = Client.objects.filter(Q(name__icontains=text) | Q(client_id__icontains=text), project__in=visible)
    activity = reverse("admin:activity")
    hits = [
        Hit(
            one.name or one.client_id,
            reverse("admin:clients_client_connect", args=[one.pk]),
            one.client_id,
            one.project.name if one.project else "",
            "" if one.enabled else _("Disabled"),
            ((_("Activity"), f"{activity}?{urlencode({'app': one.client_id})}"),),
        )
        for one in rows.select_related("project").order_by("name", "client_id")[:MOST]
    ]
    more = reverse("admin:clients_client_changelist", query={"q": text}) if len(hits) == MOST else ""
    return Kind(gettext_lazy("Apps"), hits, more)


def _apis(text: str, visible: QuerySet[Project]) -> Iterator[Hit]:
    rows = Api.objects.filter(Q(name__icontains=text) | Q(identifier__icontains=text), project__in=visible)
    for one in rows.select_related("project").order_by("name", "identifier")[:MOST]:
        yield Hit(one.name, reverse("admin:projects_api_callers", args=[one.pk]), one.identifier, one.project.name)


def _projects(text: str, visible: QuerySet[Project]) -> Iterator[Hit]:
    for one in visible.filter(Q(name__icontains=text) | Q(key__iexact=text)).order_by("name", "key")[:MOST]:
        overview = (_("Overview"), reverse("admin:index", query={"project": one.key}))
        yield Hit(one.name, reverse("admin:projects_project_overview", args=[one.pk]), one.key, links=(overview,))


def _people(text: str) -> Iterator[Hit]:
    """By the whole name, address or `sub`: nobody is found by guessing at parts."""
    exactly = Q(username__iexact=normalization.user_name(text)) | Q(sub=text)
    exactly |= Q(email__iexact=normalization.mail_address(text))
    for one in User.objects.filter(exactly).order_by("username")[:MOST]:
        tag = "" if one.is_active else _("Not active")
        links = ((_("Authorizations"), reverse("admin:clients_authorization_changelist", query={"q": one.sub})),)
        url = reverse("admin:accounts_user_person", args=[one.pk])
        yield Hit(one.get_full_name() or one.get_username(), url, one.get_username(), one.email, tag, links)


def _references(request: HttpRequest, text: str) -> Iterator[Hit]:
    """What a person was shown on a page that went wrong."""
    if len(text) < SHORTEST_REFERENCE or " " in text:
        return
    rows = seen_by(actor(request), RefusedRequest.objects.filter(request_ids__contains=text)).order_by(
        "-last_at", "-pk"
    )
    for one in rows[:MOST]:
        name = Truncator(one.description or one.error).chars(120)
        url = reverse("admin:activity", query={"q": text, "kind": "refused"})
        yield Hit(name, url, one.client_id, f"{one.last_at:%Y-%m-%d %H:%M} UTC", one.error)
