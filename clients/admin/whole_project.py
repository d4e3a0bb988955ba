"""The page that deletes a project with everything in it: what that is in numbers, and a name to type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.fresh_proof import is_fresh, proof_url
from clients import whole_projects
from clients.whole_projects import Extent
from projects.actors import ProofTooOld
from projects.console import forget_roles
from projects.door import actor_of
from projects.models import Project
from projects.problems import RegistrationError

if TYPE_CHECKING:
    from projects.admin import ProjectAdmin as Base
else:
    Base = object


class NameForm(forms.Form):
    """Whoever types the name has read which project it is."""

    name = forms.CharField(
        label=gettext_lazy("Name of the project"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data)
        self.project = project

    def clean_name(self) -> str:
        typed = str(self.cleaned_data["name"])
        if typed.split() != self.project.name.split():
            raise forms.ValidationError(_("This is not its name. Nothing was deleted."))
        return typed


class WholeProjectPage(Base):
    """Mixed into the page of projects, in place of Django's page that deletes."""

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        project = self.get_queryset(request).filter(pk=_number(object_id)).first()
        if project is None:
            raise Http404
        if not self.has_delete_permission(request, project):
            raise PermissionDenied
        if not is_fresh(request):
            if request.method == "POST":
                raise ProofTooOld
            return redirect(proof_url(request, request.get_full_path()))
        form = NameForm(project, request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                return self._delete(request, project)
            except RegistrationError as error:
                forget_roles(request)  # which may be what stands in the way
                if not self.has_delete_permission(request, project):
                    raise PermissionDenied from None
                for one in error.problems:
                    form.add_error(None, one.message)
        return TemplateResponse(request, "admin/projects/delete.html", self._said(request, project, form))

    def _delete(self, request: HttpRequest, project: Project) -> HttpResponse:
        name, key = str(project), project.pk
        whole_projects.delete(project, actor_of(request))
        self.log_deletions(request, [Project(pk=key, name=name)])  # type: ignore[arg-type]
        forget_roles(request)
        self.message_user(request, _("“%(name)s” and everything in it is deleted.") % {"name": name}, messages.SUCCESS)
        listed = self.has_module_permission(request)
        return redirect("admin:projects_project_changelist" if listed else "admin:index")

    def _said(self, request: HttpRequest, project: Project, form: NameForm) -> dict[str, object]:
        by, found = actor_of(request), whole_projects.extent(project)
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": project,
            "title": _("Delete %(name)s") % {"name": project},
            "form": form,
            "extent": found,
            "rows": rows_of(found),
            "others": whole_projects.others(project, by),
            "obstacles": whole_projects.obstacles(project, by),
        }


def _number(object_id: str) -> int:
    number = unquote(object_id)
    if not (number.isdecimal() and len(number) < 19):
        raise Http404
    return int(number)


def rows_of(found: Extent) -> list[tuple[str, str]]:
    """What goes, in words and numbers; what there is none of goes unsaid."""
    many = _("more than %(number)s") % {"number": found.tokens}
    rows = [
        (_("Apps"), found.clients),
        (_("APIs"), found.apis),
        (_("People who lose access"), found.people),
        (_("Tokens that end now"), many if found.more_tokens else found.tokens),
        (_("Roles"), found.roles),
        (_("Members"), found.members),
        (_("Invitations"), found.invitations),
        (_("Webhooks"), found.webhooks),
        (_("Connectors"), found.connectors),
    ]
    return [(words, str(number)) for words, number in rows if number]
