"""The page "New app": three questions. The long form stays beside it, for whoever knows the names of the RFCs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from accounts.console import actor
from clients import registration
from clients.admin.new_app_form import NewAppForm
from clients.models import Client
from projects import access
from projects.door import actor_of
from projects.models import Project
from projects.problems import RegistrationError

if TYPE_CHECKING:
    from clients.admin.secret_pages import SecretPages as Base
else:
    Base = object

MOST_PROJECTS = 200  # to choose from; the key of another can be typed into the address


class NewAppPage(Base):
    """Mixed into the page of clients, with its right to add one."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.new_app_view)
        page: URLPattern = path("new-app/", view, name="clients_client_new")
        return [page, *super().get_urls()]

    def handover(self, request: HttpRequest, client: Client, secret: str) -> HttpResponse:
        """What whoever makes the app needs, the secret among it. `provider` knows more of that."""
        return self.show_once(request, client, secret)

    def new_app_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        project = _project(request)
        if project is None:
            choices = list(access.editable(actor(request))[: MOST_PROJECTS + 1])
            context = {"title": _("New app"), "projects": choices[:MOST_PROJECTS], "kind": request.GET.get("kind", "")}
            return self._plain(request, "new_app_project.html", {**context, "more": len(choices) > MOST_PROJECTS})
        if request.method == "POST":
            return self._made(request, project)
        kind, api = request.GET.get("kind", ""), request.GET.get("api", "")
        return self._new_app(request, NewAppForm(None, project, actor_of(request), kind, api))

    def _made(self, request: HttpRequest, project: Project) -> HttpResponse:
        form = NewAppForm(request.POST, project, actor_of(request))
        before = _made_before(request, project)
        if before is not None:
            messages.info(request, _("This app was registered already."))
            return redirect(self.connect_url(before))
        if not form.is_valid():
            return self._new_app(request, form)
        try:
            with transaction.atomic():
                client = registration.register(form.wanted, project, actor_of(request))
                self.log_addition(request, client, [{"added": {}}])
                secret = registration.generate_secret(client, actor_of(request)) if client.uses_secrets else ""
        except RegistrationError as error:  # what it was checked against changed in between
            form.show(error.problems)
            return self._new_app(request, form)
        except IntegrityError:  # of two who sent the same page at once, this is the second
            return self._new_app(request, NewAppForm(request.POST, project, actor_of(request)))
        if secret:
            return self.handover(request, client, secret)
        messages.success(request, _("The app is registered."))
        return redirect(self.connect_url(client))

    def connect_url(self, client: Client) -> str:
        return reverse("admin:clients_client_connect", args=[quote(client.pk)])

    def _new_app(self, request: HttpRequest, form: NewAppForm) -> HttpResponse:
        context = {"title": _("New app"), "form": form, "project": form.project}
        return self._plain(request, "new_app.html", context)

    def _plain(self, request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponse:
        """A page of no app yet."""
        request.current_app = self.admin_site.name
        full = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/clients/client/{template}", full)


def _made_before(request: HttpRequest, project: Project) -> Client | None:
    """By this very page, if it is sent twice."""
    client_id = request.POST.get("client_id", "")
    return None if "\0" in client_id else Client.objects.filter(project=project, client_id=client_id).first()


def _project(request: HttpRequest) -> Project | None:
    """The one that the address names, or the only one there is. None: they have to choose."""
    before = parse_qs(request.GET.get("_changelist_filters", "")).get("project", [""])[0]
    key = request.GET.get("project") or before
    editable = access.editable(actor(request))
    if key:
        found = None if "\0" in key else editable.filter(key=key).first()
        if found is None:
            raise Http404
        return found
    first = list(editable[:2])
    return first[0] if len(first) == 1 else None
