"""Who may call an API, and the map of all APIs of a project. Registered here: the answers are those of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from accounts.console import actor
from clients.admin.resources import GuardedApiAdmin
from clients.models import Client
from projects import access
from projects.choices import CrossClient
from projects.models import Api, Project
from provider.admin import api_facts, api_rows

MOST_PROJECTS = 50  # that one may choose from


@admin.register(Api)
class ApiPages(GuardedApiAdmin):
    first_page = "callers"
    object_history_template = "admin/projects/api/history.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        pages: list[URLPattern] = [
            path("map/", wrap(self.map_view), name="projects_api_map"),
            path("<path:object_id>/callers/", wrap(self.callers_view), name="projects_api_callers"),
        ]
        return [*pages, *super().get_urls()]

    def callers_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        api, visible = self._api(request, object_id), access.visible(actor(request))
        callers = api_facts.callers_of(api, visible)
        page = Paginator(callers.client_ids, api_facts.PER_PAGE).get_page(request.GET.get("page"))
        apps, facts = api_facts.facts_named(page.object_list), api_facts.known([api])
        targets = api_facts.facts_of(api.acting_clients.filter(project__in=visible).order_by("name", "client_id"))
        named = api_facts.named_callers(targets, visible) if page.number == 1 else []
        asking = list({one.client_id: one for one in [*apps, *named]}.values())
        calls = [one for one in api_facts.calls(apps, facts) if one.api in facts]
        calls += api_facts.id_tokens(asking, targets, facts)
        recent = api_facts.recent(asking)
        context = {
            "title": api.name,
            "original": api,
            "page": page,
            "shown": api_rows.shown(asking, calls, [api], visible, recent),
            "others": callers.others,
            "targets": [(one, api_rows.url_of(one), not one.allowed_callers) for one in targets],
            "siblings": api.project.cross_client == CrossClient.SAME_PROJECT,
            "scopes": api.scopes.order_by("name"),
            "days": api_facts.DAYS,
            **self._head(request, api),
        }
        return self._page(request, "callers.html", context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context.update(self._head(request, obj) if obj else {})
        return super().render_change_form(request, context, add, change, form_url, obj)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        api = self.get_object(request, unquote(object_id))
        head = self._head(request, api) if api else {}
        return super().history_view(request, object_id, {**head, **(extra_context or {})})

    def _head(self, request: HttpRequest, api: Api) -> dict[str, object]:
        """What stands above every page of an API."""
        return {"reach": self.reach(api), "may_add": self.has_change_permission(request, api)}

    def map_view(self, request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        visible = access.visible(actor(request)).order_by("name", "key")
        key = request.GET.get("project", "")
        if key:
            return self._map_of(request, get_object_or_404(visible, key=key), visible)
        choices = list(visible[: MOST_PROJECTS + 1])
        if len(choices) == 1:
            return self._map_of(request, choices[0], visible)
        context = {"choices": choices[:MOST_PROJECTS], "more": len(choices) > MOST_PROJECTS}
        return self._page(request, "map.html", {"title": _("Audience map"), **context})

    def _map_of(self, request: HttpRequest, project: Project, visible: QuerySet[Project]) -> HttpResponse:
        named = Client.objects.filter(project=project).order_by("name", "client_id").values_list("client_id", flat=True)
        page = Paginator(named, api_facts.PER_PAGE).get_page(request.GET.get("page"))
        apps, apis = api_facts.facts_named(page.object_list), api_facts.apis_of(project)
        facts = api_facts.known(apis)
        calls = [*api_facts.calls(apps, facts), *api_facts.id_tokens(apps, api_facts.targets_of(project), facts)]
        context = {
            "title": _("Audience map"),
            "project": project,
            "page": page,
            "shown": api_rows.shown(apps, calls, apis, visible),
            "siblings": project.cross_client == CrossClient.SAME_PROJECT,
            "more_apis": project.apis.count() > len(apis),
        }
        return self._page(request, "map.html", context)

    def _api(self, request: HttpRequest, object_id: str) -> Api:
        api: Api | None = self.get_object(request, unquote(object_id))
        if api is None:
            raise Http404
        if not self.has_view_permission(request, api):
            raise PermissionDenied
        return api

    def _page(self, request: HttpRequest, template: str, context: Mapping[str, object]) -> HttpResponse:
        request.current_app = self.admin_site.name
        shown = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/projects/api/{template}", shown)
