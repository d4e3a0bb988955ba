"""The console's pages for projects and APIs, with what only clients know."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.asked_first import Hurt
from clients import consequences, resources
from clients.admin.whole_project import WholeProjectPage
from projects import api_registration, registration
from projects.actors import Actor
from projects.admin import OF_IT, ApiAdmin, ProjectAdmin, link_to_list
from projects.door import actor_of
from projects.forms import ApiForm
from projects.metadata import ApiMetadata, ProjectMetadata
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

    def response_post_save_add(self, request: HttpRequest, obj: Api) -> HttpResponseRedirect:
        """Back to the page of the project, for those who came from there."""
        if "project" not in request.GET:
            return super().response_post_save_add(request, obj)
        return redirect("admin:projects_project_change", quote(obj.project_id))

    def hurts(self, api: Api, wanted: ApiMetadata, by: Actor) -> list[Hurt]:
        return consequences.of_api(api, api_registration.metadata_of(api), wanted, by)

    def delete_model(self, request: HttpRequest, obj: Api) -> None:
        resources.delete_api(obj, actor_of(request))

    def lost_for_good(self, obj: Api) -> list[str]:
        return [_("The address %(api)s stays closed to members of other projects.") % {"api": obj.identifier}]

    def stands_in_the_way(self, request: HttpRequest, obj: Api) -> list[str]:
        return resources.obstacles([obj], actor_of(request))


def _and_new(page: str, new: str, words: str, project: Project) -> str:
    """How many there are, and the way to one more."""
    if project.pk is None:
        return _("None yet.")
    number = (project.clients if page == "clients_client" else project.apis).count()
    url = reverse(new, query={"project": project.key})
    return format_html('{} · <a href="{}">{}</a>', link_to_list(page, project, number), url, words)


class GuardedProjectAdmin(WholeProjectPage, ProjectAdmin):
    fieldsets = [
        (None, {"fields": ["name", "key", "clients_of_it", *OF_IT, "webhooks_of_it"]}),
        *ProjectAdmin.fieldsets[1:],
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["clients_of_it", "webhooks_of_it", *super().get_readonly_fields(request, obj)]

    def hurts(self, project: Project, wanted: ProjectMetadata, by: Actor) -> list[Hurt]:
        return consequences.of_project(project, registration.metadata_of(project), wanted)

    @admin.display(description=gettext_lazy("apps"))
    def clients_of_it(self, project: Project) -> str:
        return _and_new("clients_client", "admin:clients_client_new", _("New app in this project"), project)

    @admin.display(description=gettext_lazy("APIs"))
    def apis_of_it(self, project: Project) -> str:
        return _and_new("projects_api", "admin:projects_api_add", _("New API in this project"), project)

    @admin.display(description=gettext_lazy("webhooks"))
    def webhooks_of_it(self, project: Project) -> str:
        return link_to_list("clients_webhook", project, project.webhooks.count() if project.pk else 0)


admin.site.register(ProjectRole, RoleAdmin)
