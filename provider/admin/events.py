"""Security events and refused requests in the console: read-only, members see those of their clients."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Protocol

from django.contrib import admin
from django.contrib.admin import AllValuesFieldListFilter as Sent
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.console import actor
from clients.models import Client, RefusedRequest, SecurityEvent
from clients.sectors import shown_detail
from clients.seen import seen_by
from projects import access
from projects.console import ProjectFilter
from projects.models import Project
from projects.sectors import told_sub
from provider.admin.activity import ReadOnly
from provider.admin.by_sub import known_by, word_of
from provider.admin.event_words import WORDS, words

MOST_CLIENTS = 20  # that a filter offers


def _of_clients(projects: QuerySet[Project]) -> Q:
    return Q(client_id__in=Client.objects.filter(project__in=projects).values("client_id"))


class SeenEvent(Protocol):
    """An event with what its project knows people by, as a member sees it: no other is shown to them."""

    sub: str
    detail: dict[str, object]
    subject_type: str
    subject_salt: str


class OfClients(ReadOnly):
    """Rows that name a client by its id. What names none, or one that nobody registered, is for superusers."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        return seen_by(actor(request), self.model._default_manager.all())

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if obj is None:
            return super().has_view_permission(request)
        return self.get_queryset(request).filter(pk=obj.pk).exists()


class ProjectOfClientFilter(ProjectFilter):
    """The project that the client is of now."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        if not self.value():
            return queryset
        clients = Client.objects.filter(project__key=self.value(), project__in=access.visible(actor(request)))
        return queryset.filter(client_id__in=clients.values("client_id"))


class ClientFilter(admin.SimpleListFilter):
    """By client, offering those that were refused most often. A link may name any other."""

    title = _("client")
    parameter_name = "client"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        rows = seen_by(actor(request), RefusedRequest.objects.exclude(client_id="").order_by())
        often = rows.values_list("client_id", flat=True).annotate(sum=Sum("count")).order_by("-sum", "client_id")
        return [(client_id, client_id) for client_id in often[:MOST_CLIENTS]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RefusedRequest]) -> QuerySet[RefusedRequest]:
        return queryset.filter(client_id=self.value()) if self.value() else queryset


class KindFilter(admin.SimpleListFilter):
    title = _("what happened")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(kind, str(said)) for kind, said in WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SecurityEvent]) -> QuerySet[SecurityEvent]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


AS_TOLD = {"sub": "known_as", "detail": "told_detail"}  # what members are shown in place of it


@admin.register(SecurityEvent)
class SecurityEventAdmin(OfClients):
    """Superusers see people by their own `sub`, members by the one that the project of the client knows."""

    list_display = ["at", "what", "client_id", "target_client_id", "sub"]
    menu_name = _("Events of apps and projects")
    list_filter = ["at", ProjectOfClientFilter, KindFilter]
    search_fields = ["kind", "client_id", "target_client_id"]
    fields = ["at", "what", "kind", "client_id", "target_client_id", "sub", "detail"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        project = Project.objects.filter(clients__client_id=OuterRef("client_id"))
        told = {name: Subquery(project.values(name)[:1]) for name in ("subject_type", "subject_salt")}
        rows: QuerySet[Model] = super().get_queryset(request).annotate(**told)
        return rows

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return _as_told(request, self.list_display)

    def get_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        return _as_told(request, self.fields)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return [*self.search_fields, *(["sub__exact"] if actor(request).is_superuser else [])]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SecurityEvent], search_term: str
    ) -> tuple[QuerySet[SecurityEvent], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        known = known_by(word_of(search_term), access.visible(actor(request)), _of_clients, "sub")
        return found | queryset.filter(known), may_repeat

    @admin.display(description=_("subject"))
    def known_as(self, event: SeenEvent) -> str:
        return told_sub(event.sub, event) if event.sub else ""

    @admin.display(description=_("details"))
    def told_detail(self, event: SeenEvent) -> str:
        return json.dumps(shown_detail(event.detail, event), ensure_ascii=False)

    @admin.display(description=_("what happened"), ordering="kind")
    def what(self, event: SecurityEvent) -> str:
        return words(event.kind)


@admin.register(RefusedRequest)
class RefusedRequestAdmin(OfClients):
    """Found by client, and by the reference that a person was shown.

    Networks are shown to superusers only: managing an app does not reveal where its users are.
    """

    list_display = ["last_at", "description", "client_id", "endpoint", "error", "count", "network"]
    list_filter = ["last_at", ("endpoint", Sent), ("error", Sent), ClientFilter, ProjectOfClientFilter]
    search_fields = ["request_ids", "client_id", "step"]
    comes_when = _("Every request that an endpoint refuses is kept here for 30 days, with the reason.")
    search_help_text = _("By client ID, step, or the reference on an error page.")
    fields = [
        "last_at",
        "first_at",
        "count",
        "description",
        "project",
        "client_id",
        "endpoint",
        "grant_type",
        "error",
        "step",
        "network",
        "request_ids",
    ]

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return _without_network(request, self.list_display)

    def get_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        return _without_network(request, self.fields)


def _as_told(request: HttpRequest, names: Iterable[object]) -> tuple[str, ...]:
    shown = tuple(map(str, names))
    return shown if actor(request).is_superuser else tuple(AS_TOLD.get(name, name) for name in shown)


def _without_network(request: HttpRequest, names: Iterable[object]) -> tuple[str, ...]:
    shown = tuple(map(str, names))
    return shown if actor(request).is_superuser else tuple(name for name in shown if name != "network")
