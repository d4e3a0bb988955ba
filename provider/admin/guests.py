"""Guest apps in the console. Superusers switch them off, and keep out all that are at a host.

Members of a project see those that somebody allowed something there; what its door says is on the page of the project.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console import ConsoleAdmin, actor, moment
from accounts.console_forms import ConsoleForm
from clients import blocked_hosts, guests, registration
from clients.models import Authorization, BlockedHost, Client, Guest
from clients.policy import metadata_of
from projects import access
from projects.actors import Actor
from projects.console import roles_of
from projects.door import actor_of
from projects.guests import places_of


class LookedAt(ConsoleAdmin):
    """Nothing is changed or deleted by hand; superusers have actions."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        person = actor(request)
        return bool(person.is_active and person.is_superuser)


@admin.register(Guest)
class GuestAdmin(LookedAt):
    comes_when = gettext_lazy(
        "A guest app registered itself. A project that is open to them decides whether it lets it in."
    )
    list_display = ["where", "enabled", "name", "source", "registered"]
    list_filter = ["enabled"]
    search_fields = ["name", "client_id", "redirect_uris"]
    ordering = ["-created"]
    fields = ["where", "name", "client_id", "source", "registered", "enabled", "codes_go", "scope"]
    actions = ["switch_off", "switch_on"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return roles_of(request).in_any_project(access.VIEWERS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if obj is None or self.has_decide_permission(request):
            return self.has_module_permission(request)
        return self.get_queryset(request).filter(pk=obj.pk).exists()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request).filter(project__isnull=True)
        if self.has_decide_permission(request):
            return found
        mine = Q(project__in=access.visible(actor(request)), client=OuterRef("pk"))
        return found.filter(Exists(Authorization.objects.filter(mine)))

    @admin.display(description=gettext_lazy("Where it is"))
    def where(self, guest: Guest) -> str:
        return ", ".join(places_of(guest.client_id, guest.redirect_uri_list))

    @admin.display(description=gettext_lazy("How it came"))
    def source(self, guest: Guest) -> str:
        return _("Its document") if guest.registration_source == guests.CIMD else _("Registration endpoint")

    @admin.display(description=gettext_lazy("Registered"), ordering="created")
    def registered(self, guest: Guest) -> str:
        return moment(guest.created)

    @admin.display(description=gettext_lazy("Where its codes go"))
    def codes_go(self, guest: Guest) -> str:
        return " ".join(guest.redirect_uri_list)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Guest], *, enabled: bool) -> int:
        moved = 0
        for client in Client.objects.filter(pk__in=queryset.values("pk")):
            wanted = metadata_of(client).changed({"enabled": enabled})
            if registration.change(client, wanted, actor_of(request)):
                moved += 1
                self.log_change(request, client, _("Switched on.") if enabled else _("Switched off."))
        return moved

    @admin.action(
        description=gettext_lazy("Switch off the selected apps: they get nothing, and what they have ends"),
        permissions=["decide"],
    )
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Guest]) -> None:
        done = self._switch(request, queryset, enabled=False)
        self.message_user(request, _("Switched off: %(number)s.") % {"number": done}, messages.SUCCESS)

    @admin.action(description=gettext_lazy("Switch the selected apps on again"), permissions=["decide"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Guest]) -> None:
        done = self._switch(request, queryset, enabled=True)
        self.message_user(request, _("Switched on: %(number)s.") % {"number": done}, messages.SUCCESS)


class BlockedHostForm(ConsoleForm):
    class Meta:
        model = BlockedHost
        fields = ["host"]
        help_texts = {
            "host": gettext_lazy("Guest apps that are there get nothing at any project, and what they have ends.")
        }

    def clean_host(self) -> str:
        """One that was lifted is blocked again."""
        host: str = self.cleaned_data["host"]
        for problem in blocked_hosts.problems(host, Actor.person(self.actor)):
            raise ValidationError(problem.message)
        return host

    def validate_unique(self) -> None:
        """`block` finds the row that is there."""


@admin.register(BlockedHost)
class BlockedHostAdmin(LookedAt):
    form: type[forms.ModelForm[Any]] = BlockedHostForm
    comes_when = gettext_lazy("A guest app at a host that is blocked gets in nowhere.")
    list_display = ["host", "lifted_at", "since"]
    search_fields = ["host"]
    fields = ["host"]
    actions = ["lift"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_decide_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_decide_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_decide_permission(request)

    def save_model(self, request: HttpRequest, obj: BlockedHost, form: Any, change: bool) -> None:
        made = blocked_hosts.block(obj.host, actor_of(request))
        vars(obj).update(vars(made))

    @admin.action(description=gettext_lazy("Let guest apps come again that are there"), permissions=["decide"])
    def lift(self, request: HttpRequest, queryset: QuerySet[BlockedHost]) -> None:
        for row in queryset:
            if blocked_hosts.lift(row, actor_of(request)):
                self.log_change(request, row, _("Lifted."))
