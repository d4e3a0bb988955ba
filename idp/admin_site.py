"""The console: Django's admin, entered through the same sign-in as everything else."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, cast

from allauth.account.adapter import get_adapter
from allauth.account.decorators import secure_admin_login
from allauth.account.utils import get_next_redirect_url
from django.contrib.admin import AdminSite
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from common import issuer
from idp.console import exporting, inspector
from idp.console.navigation import Console
from idp.console.overview import overview
from idp.console.search import LONGEST, search

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


ACTIVITY = "provider.admin.happened.page.page"


class ConsoleSite(AdminSite):
    site_header = _("Vestibule console")
    site_title = _("Vestibule")
    index_title = _("Console")
    site_url = f"{issuer.path()}/"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # Objects are deleted one by one, on a page that says what else is deleted.
        self.disable_action("delete_selected")

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Without "view on site": it would look up any row of any table for everybody who may enter the console."""
        own = [
            path("search/", self.admin_view(self.find), name="search"),
            path("activity/", self.admin_view(self.happened), name="activity"),
            path("export/", self.admin_view(exporting.page), name="export"),
            path("inspect/", self.admin_view(inspector.page), name="inspect"),
        ]
        return [*own, *(one for one in super().get_urls() if getattr(one, "name", "") != "view_on_site")]

    def each_context(self, request: HttpRequest) -> dict[str, object]:
        """Of the frame around each page. Whoever may not enter is shown none."""
        return {**super().each_context(request), "console": Console(request) if self.has_permission(request) else None}

    def index(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> TemplateResponse:
        """How things stand."""
        extra = {"overview": overview(request, Console(request).project), **(extra_context or {})}
        return super().index(request, extra)

    def find(self, request: HttpRequest) -> HttpResponse:
        """Answers the one search field."""
        asked = request.GET.get("q", "")
        kinds = search(request, asked)
        context = {**self.each_context(request), "title": _("Found"), "asked": asked[:LONGEST], "kinds": kinds}
        request.current_app = self.name
        return TemplateResponse(request, "admin/search.html", context)

    def happened(self, request: HttpRequest) -> HttpResponseBase:
        """Everything, refusals included. By name: that module needs the site, which is made here."""
        view: Callable[[HttpRequest, AdminSite], HttpResponseBase] = import_string(ACTIVITY)
        return view(request, self)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        return super().admin_view(_without_nul(view), cacheable)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Only django-allauth asks for passwords: it limits guesses and checks second factors."""
        answer: HttpResponse = secure_admin_login(_redirect_to_next)(request)
        return answer

    def logout(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:  # type: ignore[override]
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        adapter = get_adapter()
        adapter.logout(request)
        return redirect(adapter.get_logout_redirect_url(request))

    def password_change(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:  # type: ignore[override]
        return redirect("account_change_password")


def _redirect_to_next(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(get_next_redirect_url(request) or reverse("admin:index"))


def _without_nul(view: View) -> View:
    """No key, filter or page contains a NUL, and PostgreSQL fails on one."""

    @wraps(view)
    def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        # The encoding that the request names decides: UTF-7 has letters for it.
        read = [one for values in request.GET.lists() for one in (values[0], *values[1])]
        if any("\0" in one for one in (request.path_info, *read)):
            raise BadRequest("The address has a NUL character in it.")
        return view(request, *args, **kwargs)

    return cast(View, checked)
