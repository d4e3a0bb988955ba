"""Switching an app off, or on again: the page that says beforehand whom it hurts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.asked_first import Hurt
from clients import registration
from clients.metadata import ClientMetadata
from clients.models import Client
from clients.policy import metadata_of
from projects.problems import RegistrationError
from provider import app_people

if TYPE_CHECKING:
    from clients.admin.client import ClientAdmin as Base
else:
    Base = object


class SwitchPage(Base):
    """Mixed into the page of clients, for those who may change the app."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.switch_view)
        page: URLPattern = path("<path:object_id>/switch/", view, name="clients_client_switch")
        return [page, *super().get_urls()]

    def lost_for_good(self, obj: Client) -> list[str]:
        """On the page that asks before it is deleted."""
        people = app_people.numbers(obj).people
        return [*([_loses(people)] if people else []), *super().lost_for_good(obj)]

    def hurts(self, client: Client, wanted: ClientMetadata) -> list[Hurt]:
        """Whoever unticks it among other fields reads the same."""
        if wanted.enabled or not client.enabled:
            return super().hurts(client, wanted)
        found = app_people.numbers(client)
        said = [_loses(found.people)] if found.people else []
        own = ngettext(
            "%(number)s token of its own stops working.",
            "%(number)s tokens of its own stop working.",
            found.service_tokens,
        )
        said += [own % {"number": found.service_tokens}] if found.service_tokens else []
        if "client_credentials" in client.grant_types:  # it may hold JWTs, which nobody counts
            said.append(_("It gets no new tokens until somebody enables it."))
        return [*super().hurts(client, wanted), *([Hurt("enabled", " ".join(said))] if said else [])]

    def switch_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = self._client(request, object_id, self.has_change_permission)
        if request.method == "POST":
            on = request.POST.get("enabled") == "on"
            self._switch(request, client, on=on)
            return redirect(reverse("admin:clients_client_access", args=[quote(client.pk)]))
        title = _("Disable %(app)s") if client.enabled else _("Enable %(app)s")
        context = {"title": title % {"app": client}, "original": client, "numbers": app_people.numbers(client)}
        return self._page(request, "switch.html", "", context)

    def _switch(self, request: HttpRequest, shown: Client, *, on: bool) -> None:
        """What was decided on the page that was shown; somebody else may have done it meanwhile."""
        try:
            with transaction.atomic():
                client, by = self._for_change(request, shown)
                moved = registration.change_locked(client, metadata_of(client).changed({"enabled": on}), by)
                if moved:
                    self.log_change(request, client, _("Switched on.") if on else _("Switched off."))
        except RegistrationError as error:
            messages.error(request, error.problems[0].message)
            return
        if on:
            messages.success(request, _("The app is enabled. It needs new tokens, and gets them."))
        else:
            messages.success(request, _("The app is disabled. What it had does not work any more."))


def _loses(people: int) -> str:
    said = ngettext("%(number)s person loses access by it.", "%(number)s people lose access by it.", people)
    return said % {"number": people}
