"""The console's pages for projects and APIs, with what only clients know."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients import resources
from projects.actors import Actor
from projects.admin import OF_IT, ApiAdmin, ProjectAdmin, link_to_list
from projects.console import forget_roles
from projects.door import actor_of
from projects.forms import ApiForm
from projects.metadata import ApiMetadata
from projects.models import Api, Project, ProjectRole
from projects.problems import Problem
from projects.role_admin import RoleAdmin


class GuardedApiForm(ApiForm):
    def problems(self, wanted: ApiMetadata, project: Project, by: Actor) -> list[Problem]:
        return resources.problems(wanted, project, by, self.current)


class GuardedApiAdmin(ApiAdmin):
    """Registered with the page of who may call one (`provider.admin.apis`)."""

    form = GuardedApiForm

    def register(self, wanted: ApiMetadata, project: Project, by: Actor) -> Api:
        return resources.register_api(wanted, project, by)

    def delete_model(self, request: HttpRequest, obj: Api) -> None:
        resources.delete_api(obj, actor_of(request))

    def lost_for_good(self, obj: Api) -> list[str]:
        return [_("The address %(api)s stays closed to members of other projects.") % {"api": obj.identifier}]

    def stands_in_the_way(self, request: HttpRequest, obj: Api) -> list[str]:
        return resources.obstacles([obj], actor_of(request))


@admin.register(Project)
class GuardedProjectAdmin(ProjectAdmin):
    fieldsets = [
        (None, {"fields": ["name", "key", "clients_of_it", *OF_IT, "webhooks_of_it"]}),
        *ProjectAdmin.fieldsets[1:],
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["clients_of_it", "webhooks_of_it", *super().get_readonly_fields(request, obj)]

    def delete_model(self, request: HttpRequest, obj: Project) -> None:
        resources.delete_project(obj, actor_of(request))
        forget_roles(request)

    @admin.display(description=gettext_lazy("clients"))
    def clients_of_it(self, project: Project) -> str:
        return link_to_list("clients_client", project, project.clients.count() if project.pk else 0)

    @admin.display(description=gettext_lazy("webhooks"))
    def webhooks_of_it(self, project: Project) -> str:
        return link_to_list("clients_webhook", project, project.webhooks.count() if project.pk else 0)

    def stands_in_the_way(self, request: HttpRequest, obj: Project) -> list[str]:
        return resources.project_obstacles(obj, actor_of(request))


admin.site.register(ProjectRole, RoleAdmin)
