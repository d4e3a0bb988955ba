"""What every page of a project needs: the project, who may see it, and the tabs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from projects import registration
from projects.actors import Actor
from projects.door import actor_anew
from projects.models import Project, Role
from projects.project_tabs import tabs

if TYPE_CHECKING:
    from projects.console import ProjectScopedAdmin as Base
else:
    Base = object


class ProjectPages(Base):
    """Mixed into the page of projects; so is what builds on it."""

    def project_of(self, request: HttpRequest, object_id: str) -> Project:
        found = self.get_object(request, unquote(object_id))
        if not isinstance(found, Project):
            raise Http404
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        return found

    def for_change(
        self, request: HttpRequest, project: Project, roles: tuple[Role, ...] | None = None
    ) -> tuple[Project, Actor]:
        """It as it is once nobody else changes it, and who changes it: within a transaction, until that ends."""
        found = registration.locked(project.key)
        by = actor_anew(request)
        if found is None or found.pk != project.pk:
            raise Http404  # deleted since it was looked at
        if not (self._has_role(request, roles, found) if roles else self.has_change_permission(request, found)):
            raise PermissionDenied
        return found, by

    def page(
        self, request: HttpRequest, project: Project, tab: str, context: Mapping[str, object], name: str = ""
    ) -> HttpResponse:
        """`name`: of its template, where that is not called like its tab."""
        frame = {**self.admin_site.each_context(request), **tabs(self, request, project, tab)}
        about = {"opts": self.opts, "original": project}
        return TemplateResponse(request, f"admin/projects/{name or tab}.html", {**frame, **about, **context})
