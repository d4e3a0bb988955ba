"""Connect: what a developer needs of an app, ready to copy. The answer that made the app shows its secret, too."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote as quoted

from django.contrib.admin.utils import quote
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path, reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from clients import registration
from clients.models import Client
from clients.new_app import KINDS
from clients.presets import gaps
from projects.door import actor_of
from provider.admin.connect_snippets import shown
from provider.admin.connect_values import Connection, as_json, variables

if TYPE_CHECKING:
    from clients.admin.new_app import NewAppPage as Base
else:
    Base = object

TEMPLATE = "connect.html"
FILES = {"env": (variables, "text/plain"), "json": (as_json, "application/json")}


class ConnectPage(Base):
    """Mixed into the page of clients. It is looking: whoever sees the client sees all of this on its form."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        pages: list[URLPattern] = [
            path("<path:object_id>/connect/", wrap(self.connect_view), name="clients_client_connect"),
            path("<path:object_id>/connect/<slug:kind>/", wrap(self.file_view), name="clients_client_connect_file"),
        ]
        return [*pages, *super().get_urls()]

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        """Of the long form: the only answer that ever shows the secret, in the transaction that made the client."""
        if not obj.uses_secrets:
            return super().response_add(request, obj, post_url_continue)
        return self.handover(request, obj, registration.generate_secret(obj, actor_of(request)))

    def handover(self, request: HttpRequest, client: Client, secret: str) -> HttpResponse:
        return self._connect(request, client, secret)

    def connect_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._connect(request, self._client(request, object_id, self.has_view_permission))

    def file_view(self, request: HttpRequest, object_id: str, kind: str) -> HttpResponse:
        """Without the secret, which is not known any more."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        client = self._client(request, object_id, self.has_view_permission)
        if kind not in FILES:
            raise Http404
        write, media_type = FILES[kind]
        answer = HttpResponse(write(Connection(client)), content_type=f"{media_type}; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{_file_name(client, kind)}"'
        return answer

    def _connect(self, request: HttpRequest, client: Client, secret: str = "") -> HttpResponse:
        app = Connection(client)
        project = client.home
        context = {
            "title": _("%(app)s is registered") % {"app": client} if secret else _("Connect"),
            "original": client,
            "it": app,
            "secret": secret,
            "env": variables(app, secret).rstrip(),
            "files": [(kind, _file_name(client, kind), self._address(client, kind, secret)) for kind in FILES],
            "snippets": shown(app),
            "gaps": gaps(app.metadata, app.facts.project),
            "kinds": KINDS if actor_of(request).edits(project) else (),
            "project": project,
            "may_change": self.has_change_permission(request, client),
        }
        return self._page(request, TEMPLATE, "connect", context)

    def _address(self, client: Client, kind: str, secret: str) -> str:
        """Where the file is. With the secret it is in the link itself: nothing else ever has it again."""
        if not secret:
            return reverse("admin:clients_client_connect_file", args=[quote(client.pk), kind])
        write, media_type = FILES[kind]
        return f"data:{media_type};charset=utf-8,{quoted(write(Connection(client), secret))}"


def _file_name(client: Client, kind: str) -> str:
    name = slugify(client.name) or "app"
    return f"{name[:60]}.{kind}"
