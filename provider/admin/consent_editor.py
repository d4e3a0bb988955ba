"""The editor of a consent screen: what is typed on one side, what people would see on the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.console import actor
from accounts.console_seen import marks_of, watched
from clients.models import Client
from projects import registration
from projects.choices import ConsentMode
from projects.metadata import Screen
from projects.models import ConsentScreen, Project
from projects.problems import RegistrationError
from projects.screen_forms import ConsentScreenForm
from provider.admin import consent_preview

if TYPE_CHECKING:
    from projects.project_pages import ProjectPages as Base
else:
    Base = object

MOST_APPS = 50  # to choose from


class ViewForm(forms.Form):
    """How the preview looks at it; kept nowhere."""

    app = forms.ChoiceField(label=gettext_lazy("App that asks"), required=False)
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False, choices=lambda: settings.LANGUAGES)

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data, auto_id="preview_%s", initial={"language": get_language()})
        apps = list(consent_preview.apps_of(project)[:MOST_APPS])
        self.apps = {str(one.pk): one for one in apps}
        self.fields["app"].choices = [(key, str(one)) for key, one in self.apps.items()]  # type: ignore[attr-defined]
        if not apps:
            del self.fields["app"]

    @property
    def chosen(self) -> Client | None:
        said = str(self.cleaned_data.get("app", "")) if self.is_valid() else ""
        return self.apps.get(said) or next(iter(self.apps.values()), None)

    @property
    def spoken(self) -> str:
        return str(self.cleaned_data.get("language", "")) if self.is_valid() else ""


class ConsentEditor(Base):
    """Mixed into the page of projects. Who may look sees the screen as it is; editors change it."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        pages: list[URLPattern] = [
            path("<path:object_id>/consent/", wrap(self.consent_view), name="projects_project_consent"),
            path("<path:object_id>/consent/preview/", wrap(self.preview_view), name="projects_project_preview"),
        ]
        return [*reversed(pages), *super().get_urls()]

    def consent_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        project = self.project_of(request, object_id)
        sent = request.method == "POST"
        if sent and not self.has_change_permission(request, project):
            raise PermissionDenied
        form, view = self._screen_form(request, project), ViewForm(project, request.POST if sent else None)
        if sent and "_preview" not in request.POST and form.is_valid() and self._keep(request, project, form):
            return redirect("admin:projects_project_consent", project.pk)
        context = {
            "title": _("Consent screen of %(project)s") % {"project": project},
            "form": form,
            "seen": marks_of(form, ()),
            "view": view,
            "may_change": self.has_change_permission(request, project),
            "asks_nobody": project.consent_mode == ConsentMode.IMPLICIT,
            "preview": self._drawn(request, project, form, view),
        }
        return self.page(request, project, "consent", context)

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page as a script asks for it while somebody types. It is put into a frame, and is none by itself."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        project = self.project_of(request, object_id)
        if not self.has_change_permission(request, project):
            raise PermissionDenied
        drawn = self._drawn(request, project, self._screen_form(request, project), ViewForm(project, request.POST))
        response = HttpResponse(drawn)
        response["Cache-Control"] = "no-store"
        response._csp_replace = {"sandbox": [], "script-src": ["'none'"], "form-action": ["'none'"]}  # type: ignore[attr-defined]
        return response

    def _screen_form(self, request: HttpRequest, project: Project) -> ConsentScreenForm:
        made = type("ScreenForm", (ConsentScreenForm,), {"actor": actor(request), "request": request})
        row = ConsentScreen.objects.filter(project=project).first() or ConsentScreen(project=project)
        sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form: ConsentScreenForm = watched(made, request)(*sent, instance=row)
        return form

    def _drawn(self, request: HttpRequest, project: Project, form: ConsentScreenForm, view: ViewForm) -> str:
        """With what was typed; what is wrong with it is left out, so that nothing is seen which could not be saved."""
        screen = registration.metadata_of(project).consent_screen
        if form.is_bound:
            form.is_valid()
            screen = form.screen() if form.is_valid() else _without(form.screen(), form.errors)
        return consent_preview.shown(request, project, screen, view.chosen, actor(request), view.spoken)

    def _keep(self, request: HttpRequest, project: Project, form: ConsentScreenForm) -> bool:
        try:
            with transaction.atomic():
                found, by = self.for_change(request, project)
                wanted = replace(registration.metadata_of(found), consent_screen=form.screen())
                changed = registration.change(found, wanted, by)
                if changed:
                    self.log_change(request, found, _("Changed the consent screen."))
        except RegistrationError as error:
            for one in error.problems:
                form.add_error(None, one.message)
            return False
        messages.success(request, _("People see it like this from now on.") if changed else _("Nothing was changed."))
        return True


def _without(screen: Screen, wrong: Any) -> Screen:
    """What was typed into these fields is of no use."""
    names = ("logo_uri" if name == "logo" else name for name in wrong)
    return replace(screen, **{name: "" for name in names if hasattr(screen, name)})
