"""The tab of an app that is opened most: the short form. It saves as the long one does, by the same code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console import EMPTY
from clients.access_form import BACK, GETS, WHO, AccessForm, speaks_for_people
from clients.admin.tabs import tabs
from clients.models import Client
from clients.policy import metadata_of

if TYPE_CHECKING:
    from clients.admin.secret_pages import SecretPages as Base
else:
    Base = object

WORDS = ("audiences_in_words", "scopes_in_words")  # for those who look only


class AccessPage(Base):
    """Mixed into the page of clients."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.access_view)
        page: URLPattern = path("<path:object_id>/access/", view, name="clients_client_access")
        return [page, *super().get_urls()]

    def access_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        vars(request)["short_form"] = True
        return self.changeform_view(request, object_id, "", {"title": _("Access")})

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: object
    ) -> type[forms.ModelForm[Any]]:
        if is_short(request):
            kwargs["form"] = AccessForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or not is_short(request):
            return super().get_fieldsets(request, obj)
        people = speaks_for_people(metadata_of(obj))
        sets = [
            (_("Where people come back to"), BACK if people else ()),
            (_("What it may get"), GETS if self.has_change_permission(request, obj) else WORDS),
            (_("Who may sign in"), WHO if people else ()),
        ]
        return [(heading, {"fields": [*names]}) for heading, names in sets if names]

    def get_inlines(self, request: HttpRequest, obj: Client | None) -> Any:
        return [] if is_short(request) else super().get_inlines(request, obj)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Client | None = None,
    ) -> HttpResponse:
        if obj is not None:
            short = is_short(request)
            context |= tabs(self, request, obj, "access" if short else "advanced")
            context |= {"short": True, "show_save_and_continue": False, "show_delete": False} if short else {}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def response_change(self, request: HttpRequest, obj: Client) -> HttpResponse:
        if not is_short(request):
            return super().response_change(request, obj)
        messages.success(request, _("Saved."))
        return redirect(reverse("admin:clients_client_access", args=[quote(obj.pk)]))

    @admin.display(description=gettext_lazy("audiences"))
    def audiences_in_words(self, client: Client) -> str:
        return "\n".join(one.value for one in metadata_of(client).audience) or EMPTY

    @admin.display(description=gettext_lazy("scopes"))
    def scopes_in_words(self, client: Client) -> str:
        return "\n".join(client.scope.split()) or EMPTY


def is_short(request: HttpRequest) -> bool:
    return bool(vars(request).get("short_form"))
