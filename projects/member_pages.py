"""The console's pages of a project's members: who they are, one field that adds or invites, and a page for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console import actor
from accounts.normalization import MAX_MAIL_ADDRESS
from projects import access, inviting, membership
from projects.actors import Actor, Right
from projects.choices import Role
from projects.console import forget_roles
from projects.door import actor_of
from projects.models import Invitation, Member, Project
from projects.problems import RegistrationError

if TYPE_CHECKING:
    from projects.project_pages import ProjectPages as Base
else:
    Base = object

MOST_SHOWN = 500
PLACES = {"email": "who", "project": "who"}  # of a problem, on the form


def _roles() -> list[tuple[str, str]]:
    return [(str(role), str(role.label)) for role in (Role.VIEWER, Role.EDITOR, Role.OWNER)]


class AddForm(forms.Form):
    who = forms.CharField(
        label=gettext_lazy("User name or e-mail address"),
        max_length=MAX_MAIL_ADDRESS,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        help_text=gettext_lazy("The exact user name; or an address, and an invitation goes there."),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=_roles, widget=forms.RadioSelect, initial=Role.VIEWER)
    console = forms.BooleanField(
        label=gettext_lazy("Also let them into the console"),
        required=False,
        help_text=gettext_lazy("Otherwise a superuser does that later: the role alone opens no door."),
    )

    def __init__(self, by: Actor, data: QueryDict | None = None) -> None:
        super().__init__(data)
        if Right.LET_INTO_CONSOLE not in by.rights:
            del self.fields["console"]

    def show(self, error: RegistrationError) -> None:
        for one in error.problems:
            field = PLACES.get(one.field, one.field)
            self.add_error(field if field in self.fields else None, one.message)


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=_roles, widget=forms.RadioSelect)


class MemberPages(Base):
    """Mixed into the page of projects. Members see who the others are; owners change it."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        one = "<path:object_id>/members/<int:member_id>/"
        return [
            path(one, wrap(self.member_view), name="projects_project_member"),
            path("<path:object_id>/members/", wrap(self.members_view), name="projects_project_members"),
            *super().get_urls(),
        ]

    def members_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        project = self.project_of(request, object_id)
        may_change = self._has_role(request, access.OWNERS, project)
        sent = request.method == "POST"
        if sent and not may_change:
            raise PermissionDenied
        form = AddForm(actor_of(request), request.POST if sent else None)
        if form.is_valid() and self._add(request, project, form):
            return redirect("admin:projects_project_members", project.pk)
        rows = Member.objects.filter(project=project).select_related("user")
        may_invite = self._has_role(request, access.EDITORS, project)
        invited = (
            Invitation.objects.filter(project=project).exclude(role="") if may_invite else Invitation.objects.none()
        )
        context = {
            "title": _("Members of %(project)s") % {"project": project},
            "members": rows.order_by("user__username")[:MOST_SHOWN],
            "invited": [(one, inviting.still_holds(one)) for one in invited.order_by("email")[:MOST_SHOWN]],
            "form": form,
            "may_change": may_change,
        }
        return self.page(request, project, "members", context)

    def _add(self, request: HttpRequest, project: Project, form: AddForm) -> bool:
        said = form.cleaned_data
        console = bool(said.get("console"))
        try:
            with transaction.atomic():
                found, by = self.for_change(request, project, access.OWNERS)
                done = membership.add(said["who"], said["role"], found, by, console=console)
        except RegistrationError as error:
            form.show(error)
            return False
        if isinstance(done, Invitation):
            sentence = _("The invitation to %(email)s is sent.") % {"email": done.email}
        else:
            sentence = _("Added the member %(person)s.") % {"person": done.user.get_username()}
            self.log_change(request, project, _("Added the member %(member)s.") % {"member": done})
        messages.success(request, sentence)
        return True

    def member_view(self, request: HttpRequest, object_id: str, member_id: int) -> HttpResponse:
        """One of them: what they may do here, and that they no longer may."""
        project = self.project_of(request, object_id)
        if not self._has_role(request, access.OWNERS, project):
            raise PermissionDenied
        member = Member.objects.filter(project=project, pk=member_id).select_related("user", "project").first()
        if member is None:
            raise Http404
        form = RoleForm(request.POST if "_role" in request.POST else None, initial={"role": member.role})
        if request.method == "POST" and (form.is_valid() or not form.is_bound):
            return self._act(request, project, member, str(form.cleaned_data["role"]) if form.is_bound else "")
        context = {
            "title": member.user.get_username(),
            "member": member,
            "form": form,
            "itself": member.user_id == actor(request).pk,
            "only_owner": membership.is_only_owner(member),
            "may_let_in": Right.LET_INTO_CONSOLE in actor_of(request).rights and not member.user.is_staff,
        }
        return self.page(request, project, "members", context, "member")

    def _act(self, request: HttpRequest, project: Project, member: Member, role: str) -> HttpResponse:
        """By the button that was pressed."""
        if not (role or {"_let_in", "_remove"} & set(request.POST)):
            return redirect("admin:projects_project_member", project.pk, member.pk)
        try:
            with transaction.atomic():
                said = self._done(request, project, member.pk, role)
        except RegistrationError as error:
            messages.error(request, error.problems[0].message)
        else:
            messages.success(request, said)
        forget_roles(request)
        still = self.get_queryset(request).filter(pk=project.pk).exists()
        return redirect("admin:projects_project_members", project.pk) if still else redirect("admin:index")

    def _done(self, request: HttpRequest, project: Project, key: int, role: str) -> str:
        """In words. Whoever waited is asked anew: neither they nor the member may be what they were."""
        found, by = self.for_change(request, project, access.OWNERS)
        member = Member.objects.filter(project=found, pk=key).select_related("user", "project").first()
        if member is None:
            raise Http404
        who = {"person": member.user.get_username()}
        if "_let_in" in request.POST:
            membership.let_in(member, by)
            return _("Let %(person)s into the console.") % who
        if role == member.role:
            return _("Nothing was changed.")
        membership.change(member, role, by)
        said = _("Changed the role of %(person)s.") % who if role else _("Removed the member %(person)s.") % who
        self.log_change(request, found, said)
        return said
