"""Authorizations and logout notices in the console: read-only, each project sees its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.console import actor
from clients.models import Authorization, LogoutNotice
from clients.models.logout import NoticeState
from projects import access
from projects.console import ProjectFilter, ProjectScopedAdmin
from projects.door import actor_of
from projects.events import record

ENDED_BECAUSE = "revoked by an administrator"


class ReadOnly(ProjectScopedAdmin):
    """Nothing is added, changed or deleted by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ClientProjectFilter(ProjectFilter):
    path = "client__project"


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("live", _("live")), ("ended", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Authorization]) -> QuerySet[Authorization]:
        if self.value() in ("live", "ended"):
            return queryset.filter(ended_at__isnull=self.value() == "live")
        return queryset


@admin.register(Authorization)
class AuthorizationAdmin(ReadOnly):
    """People are shown by their `sub`: managing an app does not reveal its users. Superusers see usernames."""

    project_path = "client__project"
    list_display = ["id", "client", "person", "created_at", "offline", "ended_at", "ended_because"]
    list_filter = [ClientProjectFilter, StateFilter, "created_at"]
    list_select_related = ["client", "user"]
    search_fields = ["client__client_id", "client__name", "user__sub"]
    ordering = ["-created_at"]
    fields = [
        "id",
        "client",
        "person",
        "scopes",
        "audiences",
        "offline",
        "auth_time",
        "amr",
        "created_at",
        "ended_at",
        "ended_because",
    ]
    actions = ["end"]

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return _with_username(request, self.list_display)

    def get_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        return _with_username(request, self.fields)

    @admin.display(description=gettext_lazy("person (sub)"))
    def person(self, authorization: Authorization) -> str:
        return str(authorization.user.sub)

    @admin.display(description=gettext_lazy("username"))
    def username(self, authorization: Authorization) -> str:
        return authorization.user.get_username()

    def has_end_permission(self, request: HttpRequest) -> bool:
        return access.editable(actor(request)).exists()

    @admin.action(description=gettext_lazy("End the selected authorizations"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Authorization]) -> None:
        """Every code and token of these authorizations stops working at once."""
        mine = queryset.filter(client__project__in=access.editable(actor(request)))
        with transaction.atomic():
            found = mine.filter(ended_at__isnull=True).select_related("client", "user")
            live = list(found.select_for_update(of=("self",)))
            rows = Authorization.objects.filter(pk__in=[one.pk for one in live])
            rows.update(ended_at=timezone.now(), ended_because=ENDED_BECAUSE)
            for one in live:
                detail = {"authorization": str(one.pk), "person": str(one.user.sub)}
                record(actor_of(request), "authorization.ended", one.client.client_id, **detail)
                self.log_change(request, one, _("Ended."))
        number = len(live)
        done = ngettext("%(number)s authorization ended.", "%(number)s authorizations ended.", number)
        self.message_user(request, done % {"number": number}, messages.SUCCESS)
        if queryset.count() > mine.count():
            self.message_user(
                request, _("Some belong to projects you may only look at. They were left alone."), messages.WARNING
            )


def _with_username(request: HttpRequest, names: Iterable[object]) -> tuple[str, ...]:
    shown = tuple(map(str, names))
    extra = ["username"] if actor(request).is_superuser else []
    at = shown.index("person") + 1
    return (*shown[:at], *extra, *shown[at:])


@admin.register(LogoutNotice)
class LogoutNoticeAdmin(ReadOnly):
    """Which apps were notified that a sign-in ended, and what failed. Superusers also see those of deleted clients."""

    project_path = "client__project"
    list_display = ["created_at", "client", "state", "attempts", "next_attempt", "delivered_at", "problem"]
    list_filter = ["state", "created_at"]
    list_select_related = ["client"]
    search_fields = ["client__client_id", "client__name"]
    fields = ["client", "created_at", "state", "attempts", "next_attempt", "delivered_at", "problem"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogoutNotice]:
        return LogoutNotice.objects.all() if actor(request).is_superuser else super().get_queryset(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if obj is None:
            return super().has_view_permission(request)
        return self.get_queryset(request).filter(pk=obj.pk).exists()

    @admin.display(description=gettext_lazy("next attempt"))
    def next_attempt(self, notice: LogoutNotice) -> datetime | None:
        """Only while there will be one."""
        return notice.next_attempt_at if notice.state == NoticeState.DUE else None
