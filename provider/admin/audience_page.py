"""Would this audience be allowed? The answer of `manage.py explain`, for those who see the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.models import Client
from projects.door import actor_of
from projects.matcher import MAX_LENGTH
from provider.explain import Explanation, explain
from provider.explain.words import about, advice, heading, preview, verdict
from provider.facts import client_facts
from provider.protocol.audience import MAX_VALUES

if TYPE_CHECKING:
    from clients.admin.secret_pages import SecretPages as Base
else:
    Base = object


class AudienceForm(forms.Form):
    audience = forms.CharField(
        label=gettext_lazy("Audience"),
        required=False,
        help_text=gettext_lazy(
            "As the app would send it; several separated by spaces. Empty: as if the app named none."
        ),
        max_length=(MAX_LENGTH + 1) * MAX_VALUES,
        widget=forms.TextInput(
            attrs={"size": 60, "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


class AudiencePage(Base):
    """Mixed into the page of clients.

    An explanation is looking, not doing: no step of the protocol writes, no token is made, and all it shows follows
    from what the viewer sees of the client anyway. So it is a GET, and the right to view the client is enough. It
    never speaks of a person: whose consent covers what is not for a project's members to try out.
    """

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.audience_view)
        page: URLPattern = path("<path:object_id>/audience/", view, name="clients_client_audience")
        return [page, *super().get_urls()]

    def audience_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        client = self._client(request, object_id, self.has_view_permission)
        form = AudienceForm(request.GET if "audience" in request.GET else None)
        explained = None
        if form.is_valid():
            explained = explain(client, form.cleaned_data["audience"], viewer=actor_of(request))
        context = {
            "title": _("Try an audience"),
            "original": client,
            "form": form,
            "rules": _rules(client, explained),
            "explained": explained,
            "advice": advice(explained) if explained else [],
            "values": [(one.asked, about(one, explained)) for one in explained.values] if explained else [],
            "attempts": [
                (heading(one), one.allowed, verdict(one), preview(one.token) if one.token else [])
                for one in explained.attempts
            ]
            if explained
            else [],
        }
        return self._page(request, "audience.html", "access", context)


def _rules(client: Client, explained: Explanation | None) -> list[dict[str, object]]:
    """The allowlist, counted as the answer counts it; those that decided are marked."""
    deciding = {value.rule for value in explained.values} if explained else set()
    return [
        {"number": number, "entry": entry, "decides": number in deciding}
        for number, entry in enumerate(client_facts(client).allowlist, start=1)
    ]
