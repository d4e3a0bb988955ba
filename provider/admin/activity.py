"""Authorizations and logout notices in the console: read-only, each project sees its own. What happened: `latest`."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import smart_split
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.console import GOOD, actor, badge, moment
from accounts.console_lists import MOST
from accounts.fresh_proof import FreshProofAdmin
from accounts.models import User
from clients.models import Authorization, Client, LogoutNotice
from clients.models.logout import NoticeState
from common import clock
from projects import access
from projects.console import ProjectFilter, ProjectScopedAdmin, roles_of
from projects.door import actor_of
from projects.models import ConsentMode, Role
from projects.sectors import told_sub
from provider import revocation
from provider.admin.by_sub import known_by, word_of
from provider.admin.happened.latest import latest as latest
from provider.living import ends_at, of_projects
from provider.store import live

MAX_ENDED = 1_000  # in one request: each is an event


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

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        key = self.value()
        return queryset.filter(Q(client__project__key=key) | Q(project__key=key)) if key else queryset


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("live", _("live")), ("ended", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Authorization]) -> QuerySet[Authorization]:
        if self.value() not in ("live", "ended"):
            return queryset
        ended = Q(ended_at__isnull=False) | live.ended_by_itself(clock.now())
        return queryset.filter(ended) if self.value() == "ended" else queryset.exclude(ended)


@admin.register(Authorization)
class AuthorizationAdmin(FreshProofAdmin, ReadOnly):
    """People are shown by the `sub` that the project knows: managing an app does not reveal its users. Superusers see
    usernames, and find people by the `sub` that is their own, too."""

    just_shown = (*FreshProofAdmin.just_shown, "change")
    project_path = "client__project"
    list_display = ["client", "person", "state", "created_at", "ends"]
    comes_when = gettext_lazy("Each time somebody lets an app in, a row comes here.")
    list_filter = [ClientProjectFilter, StateFilter, "created_at"]
    list_select_related = ["client__project", "project", "user"]
    search_fields = ["client__client_id", "client__name"]
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
        "ends",
        "ended_at",
        "ended_because",
    ]
    actions = ["end"]
    most_at_once = MOST - 1  # those that ended are among them

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return _with_username(request, self.list_display)

    def get_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        return _with_username(request, self.fields)

    @admin.display(description=gettext_lazy("person (sub)"))
    def person(self, authorization: Authorization) -> str:
        sector = authorization.project or authorization.client.project
        return told_sub(authorization.user.sub, sector) if sector is not None else ""

    @admin.display(description=gettext_lazy("ends by itself"), ordering="ends_at")
    def ends(self, authorization: Authorization) -> str:
        return moment(ends_at(authorization))

    @admin.display(description=gettext_lazy("state"), ordering="ended_at")
    def state(self, authorization: Authorization) -> str:
        until = ends_at(authorization)
        over = authorization.ended_at is not None or (until is not None and until <= clock.now())
        return badge(_("ended")) if over else badge(_("live"), GOOD)

    @admin.display(description=gettext_lazy("username"))
    def username(self, authorization: Authorization) -> str:
        """For superusers only, as the page that it leads to."""
        url = reverse("admin:accounts_user_person", args=[authorization.user_id])
        return format_html('<a href="{}">{}</a>', url, authorization.user.get_username())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Authorization]:
        """Of guests, too, that these projects let in. Without those of a deleted person, which wait to be cleared."""
        found: QuerySet[Authorization] = super(ProjectScopedAdmin, self).get_queryset(request)
        whole = found.filter(user__sub__isnull=False, client__client_id__isnull=False)
        looker = actor(request)
        return whole if looker.is_superuser else whole.filter(of_projects(access.visible(looker)))

    def _has_role(self, request: HttpRequest, roles: tuple[Role, ...], obj: Model | None) -> bool:
        if isinstance(obj, Authorization) and obj.project_id is not None:
            return roles_of(request).in_project(obj.project_id, roles)
        return super()._has_role(request, roles, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Authorization], search_term: str
    ) -> tuple[QuerySet[Authorization], bool]:
        """Apps and people are found first, and then what is theirs: there are more rows than can be read.

        Superusers see names, and so they find people by them: by the whole name or address only.
        """
        if not search_term.strip():
            return queryset, False
        looker, named = actor(request), Q()
        for word in map(word_of, smart_split(search_term)):
            apps = Client.objects.filter(Q(client_id__icontains=word) | Q(name__icontains=word))
            people = Q(username__iexact=word) | Q(email__iexact=word) | Q(sub=word)
            theirs = Q(user__in=User.objects.filter(people).values("pk")) if looker.is_superuser else Q()
            named &= Q(client__in=apps.values("pk")) | theirs
        known = known_by(word_of(search_term), access.visible(looker), of_projects, "user__sub")
        return queryset.filter(named | known), False

    def has_end_permission(self, request: HttpRequest) -> bool:
        return access.editable(actor(request)).exists()

    @admin.action(description=gettext_lazy("End the selected authorizations"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Authorization]) -> HttpResponse | None:
        """Asks first. Then every code and token of these stops working, and no consent gives them again."""
        mine = queryset.filter(of_projects(access.editable(actor(request))))
        live = mine.filter(ended_at__isnull=True)
        if live.count() > MAX_ENDED:
            told = _("At most %(most)s are ended at once here. For more there is “manage.py revoke”.")
            self.message_user(request, told % {"most": MAX_ENDED}, messages.ERROR)
            return None
        if "confirmed" not in request.POST:
            return self._ask(request, live)
        with transaction.atomic():
            ended = revocation.end_by(live, actor_of(request))
            for one in ended:
                self.log_change(request, one, _("Ended."))
        done = ngettext("%(number)s authorization ended.", "%(number)s authorizations ended.", len(ended))
        self.message_user(request, done % {"number": len(ended)}, messages.SUCCESS)
        if queryset.count() > mine.count():
            self.message_user(
                request, _("Some belong to projects you may only look at. They were left alone."), messages.WARNING
            )
        return None

    def _ask(self, request: HttpRequest, live: QuerySet[Authorization]) -> HttpResponse:
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("End authorizations"),
            "number": live.count(),
            "first_party": live.filter(client__project__consent_mode=ConsentMode.IMPLICIT).exists(),
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"),
            "back": request.get_full_path(),
        }
        return TemplateResponse(request, "admin/clients/authorization/end.html", context)


def _with_username(request: HttpRequest, names: Iterable[object]) -> tuple[str, ...]:
    shown = tuple(map(str, names))
    extra = ["username"] if actor(request).is_superuser else []
    at = shown.index("person") + 1
    return (*shown[:at], *extra, *shown[at:])


@admin.register(LogoutNotice)
class LogoutNoticeAdmin(ReadOnly):
    """Which apps were notified that a sign-in ended, and what failed. Superusers also see those of deleted clients."""

    project_path = "client__project"
    comes_when = gettext_lazy(
        "When somebody signs out, each app that asked to hear of it is sent a notice, which stands here."
    )
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
    def next_attempt(self, notice: LogoutNotice) -> str:
        """Only while there will be one."""
        return moment(notice.next_attempt_at if notice.state == NoticeState.DUE else None)
