"""The first page of a project: what is in it, who uses it, and what one does there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.translation import gettext as _

from clients import whole_projects
from projects import access
from projects.models import Project
from provider.admin.happened.latest import latest

if TYPE_CHECKING:
    from projects.project_pages import ProjectPages as Base
else:
    Base = object

FIRST = 8  # apps and APIs that are named
LATEST = 6  # of what happened


@dataclass(frozen=True, slots=True)
class Tile:
    number: int
    words: str
    url: str


class OverviewPage(Base):
    """Mixed into the page of projects: whoever sees the project sees this."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.overview_view)
        return [path("<path:object_id>/overview/", view, name="projects_project_overview"), *super().get_urls()]

    def overview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        project = self.project_of(request, object_id)
        context = {
            "title": str(project),
            "tiles": list(_tiles(project)),
            "apps": project.clients.order_by("name", "client_id")[:FIRST],
            "apis": project.apis.order_by("name", "identifier")[:FIRST],
            "new_app": _page("clients_client_new", "clients_client_add", project=project.key),
            "new_api": _page("projects_api_add", project=project.key),
            "map": _page("projects_api_map", project=project.key),
            "latest": latest(request, project=project, limit=LATEST),
            "query": {"project": project.key},
            "all_of": urlencode({"project": project.key}),
            "may_change": self.has_change_permission(request, project),
            "owns": self._has_role(request, access.OWNERS, project),
        }
        return self.page(request, project, "overview", context)


def _tiles(project: Project) -> list[Tile]:
    found, its = whole_projects.extent(project), {"project": project.key}
    return [
        Tile(found.clients, _("Apps"), _page("clients_client_changelist", **its)),
        Tile(found.apis, _("APIs"), _page("projects_api_changelist", **its)),
        Tile(found.people, _("People with access"), _page("clients_authorization_changelist", **its)),
        Tile(found.roles, _("Roles"), _page("projects_projectrole_changelist", **its)),
        Tile(found.members, _("Members"), reverse("admin:projects_project_members", args=[project.pk])),
        Tile(found.webhooks, _("Webhooks"), _page("clients_webhook_changelist", **its)),
    ]


def _page(*names: str, **query: str) -> str:
    """The first of these pages that there is."""
    for name in names:
        try:
            return reverse(f"admin:{name}", query=query)
        except NoReverseMatch:
            continue
    return ""
