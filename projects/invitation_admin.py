"""Invitations in the console: sent, sent anew and taken back. Who it was sent to reads who has accepted at Members."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.console import actor
from common import clock
from projects import access, invited_to, inviting
from projects.actors import Right
from projects.console import ProjectFilter, ProjectScopedAdmin, roles_of
from projects.door import DoorForm, actor_of
from projects.invitation import Invitation
from projects.inviting import Wanted
from projects.problems import RegistrationError

LINES = ("app_roles", "in_groups")  # fields with a name in each line


class InvitationForm(DoorForm):
    wanted: Wanted
    names = {"roles": "app_roles", "groups": "in_groups"}
    app_roles = forms.CharField(
        label=gettext_lazy("Roles in the apps of the project"),
        help_text=gettext_lazy("Of the roles of this project, one a line."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    in_groups = forms.CharField(
        label=gettext_lazy("Groups"),
        help_text=gettext_lazy("One a line."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    class Meta:
        model = Invitation
        fields = ["project", "email", "role"]
        help_texts = {
            "project": gettext_lazy("Only a superuser invites to none: to an account and nothing else."),
            "email": gettext_lazy("A mail goes there. Whether the address has an account is told to its reader only."),
            "role": gettext_lazy("Empty: they use the apps of the project, and manage nothing."),
        }

    def clean(self) -> dict[str, Any]:
        super().clean()
        said = self.cleaned_data
        if not self.errors:
            roles, groups = (tuple(filter(None, map(str.strip, said.get(one, "").splitlines()))) for one in LINES)
            self.wanted = Wanted(email=said["email"], role=said.get("role") or "", roles=roles, groups=groups)
            self.show(inviting.problems(self.wanted, said.get("project"), self.by))
        return said


@admin.register(Invitation)
class InvitationAdmin(ProjectScopedAdmin):
    form = InvitationForm
    comes_when = gettext_lazy(
        "Somebody gets a mail with a link to an account of their own, and is in the project then."
    )
    list_display = ["email", "project", "role", "inviter", "sent_at", "expires_at"]
    list_filter = [ProjectFilter]
    list_select_related = ["project", "inviter"]
    search_fields = ["=email"]
    actions = ["send_anew", "take_back"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = admin.ModelAdmin.get_queryset(self, request)
        person = actor(request)
        return rows if person.is_superuser else rows.filter(project__in=access.editable(person))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = ["project", "email", "role"]
        if obj:
            return [*shown, "brings", "console", "inviter", "created_at", "sent_at", "expires_at", "state"]
        return [*shown, *(LINES if actor(request).is_superuser else LINES[:1])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj) if obj else []

    def has_module_permission(self, request: HttpRequest) -> bool:
        return roles_of(request).in_any_project(access.EDITORS)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._has_role(request, access.EDITORS, obj)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may_invite(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_invite_permission(self, request: HttpRequest) -> bool:
        return self._may_invite(request)

    def _may_invite(self, request: HttpRequest) -> bool:
        mine = roles_of(request)
        return mine.is_superuser or (inviting.members_may() and mine.in_any_project(access.EDITORS))

    def _has_role(self, request: HttpRequest, roles: Any, obj: Model | None) -> bool:
        if isinstance(obj, Invitation) and obj.project is None:
            return roles_of(request).is_superuser
        return super()._has_role(request, roles, obj)

    @admin.display(description=gettext_lazy("roles and groups"))
    def brings(self, invitation: Invitation) -> str:
        names = invited_to.names_of(invitation)
        return ", ".join([*names["roles"], *names["groups"]])

    @admin.display(description=gettext_lazy("state"))
    def state(self, invitation: Invitation) -> str:
        if inviting.still_holds(invitation):
            return _("waits for an answer")
        return _("expired") if invitation.expires_at <= clock.now() else _("who invited may not any more")

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        """The registration writes it and sends the mail; Django only notes it for its history."""
        made = inviting.invite(form.wanted, form.cleaned_data.get("project"), actor_of(request))
        vars(obj).update(vars(made))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        self.message_user(request, _("The invitation to %(email)s is sent.") % {"email": obj.email}, messages.SUCCESS)
        return self.response_post_save_add(request, obj)

    @admin.action(description=gettext_lazy("Send the selected invitations anew"), permissions=["invite"])
    def send_anew(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        """The links of before are dead. All of them wait for a proof, or none."""
        sent = 0
        if queryset.filter(groups__isnull=False).exists():
            actor_of(request).ask_for_proof(Right.FILL_GROUPS)
        if queryset.filter(console=True).exists():
            actor_of(request).ask_for_proof(Right.LET_INTO_CONSOLE)
        for one in queryset:
            try:
                inviting.send_anew(one, actor_of(request))
                sent += 1
            except RegistrationError as error:
                self.message_user(request, f"{one}: {error.problems[0].message}", messages.WARNING)
        said = ngettext("%(number)s invitation is sent anew.", "%(number)s invitations are sent anew.", sent)
        self.message_user(request, said % {"number": sent}, messages.SUCCESS)

    @admin.action(description=gettext_lazy("Take back the selected invitations"), permissions=["invite"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        by = actor_of(request)
        mine = [one for one in queryset if inviting.may_invite(by, one.project)]
        for one in mine:
            inviting.take_back(one, by)
        said = ngettext("%(number)s invitation is taken back.", "%(number)s invitations are taken back.", len(mine))
        self.message_user(request, said % {"number": len(mine)}, messages.SUCCESS)
