"""The people who use an app, by person; and how one of them loses it.

Managing an app does not reveal its users: its members see people by the `sub` that their project knows, and find them
by it. Superusers see names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from accounts.console import actor
from accounts.fresh_proof import asks_for_proof
from clients.models import Client
from clients.sectors import known_as
from projects.door import actor_of
from projects.models import ConsentMode, Project
from projects.sectors import told_sub
from provider import app_people, revocation
from provider.admin.by_sub import known_by, word_of
from provider.app_people import AppPerson
from provider.living import of_projects

if TYPE_CHECKING:
    from clients.admin.secret_pages import SecretPages as Base
else:
    Base = object

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A person as the looker may know them. `url`: of their own page."""

    name: str
    known_as: str
    url: str
    used: AppPerson
    remove: str


class PeoplePage(Base):
    """Mixed into the page of clients. Who may look at the app sees how it is used; its editors end that."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        pages: list[URLPattern] = [
            path("<path:object_id>/people/", wrap(self.people_view), name="clients_client_people"),
            path(
                "<path:object_id>/people/<str:person>/remove/",
                wrap(asks_for_proof(self.remove_person_view)),
                name="clients_client_remove_person",
            ),
        ]
        return [*pages, *super().get_urls()]

    def people_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = self._client(request, object_id, self.has_view_permission)
        asked = request.GET.get("q", "").replace("\0", "").strip()
        found = app_people.rows_of(client, _named(request, client, asked) if asked else None)
        page = Paginator(range(app_people.count(found)), PER_PAGE).get_page(request.GET.get("p"))
        shown = app_people.people(found, (page.number - 1) * PER_PAGE, PER_PAGE)
        context = {
            "title": _("People who use %(app)s") % {"app": client},
            "original": client,
            "asked": asked,
            "page": page,
            "people": [_shown(request, client, one) for one in shown],
            "service_tokens": app_people.service_tokens(client),
            "names": actor(request).is_superuser,
            "may_change": self.has_change_permission(request, client),
        }
        return self._page(request, "people.html", "people", context)

    def remove_person_view(self, request: HttpRequest, object_id: str, person: str) -> HttpResponse:
        """Every authorization of this person here, and the consent that would give it all again."""
        client = self._client(request, object_id, self.has_change_permission)
        user = known_as(person, _home(client))
        found = app_people.people(app_people.rows_of(client, Q(user=user)))
        if user is None or not found:
            raise Http404
        shown = _shown(request, client, found[0])
        if request.method == "POST":
            revocation.revoke(revocation.Whose(user=user, client=client), actor_of(request))
            self.log_change(request, client, _("Removed the access of %(person)s.") % {"person": shown.known_as})
            messages.success(request, _("%(person)s has no access by this app any more.") % {"person": shown.name})
            return redirect(reverse("admin:clients_client_people", args=[quote(client.pk)]))
        context = {
            "title": _("Remove access"),
            "original": client,
            "person": shown,
            "first_party": _home(client).consent_mode == ConsentMode.IMPLICIT,
        }
        return self._page(request, "remove_person.html", "people", context)


def _home(client: Client) -> Project:
    """Guests have a page of their own (`provider.admin.guests`)."""
    if client.project is None:
        raise Http404
    return client.project


def _shown(request: HttpRequest, client: Client, used: AppPerson) -> Row:
    told = told_sub(used.user.sub, _home(client))
    remove = reverse("admin:clients_client_remove_person", args=[quote(client.pk), told])
    if not actor(request).is_superuser:
        return Row(told, told, "", used, remove)
    url = reverse("admin:accounts_user_person", args=[quote(used.user.pk)])
    return Row(used.user.get_full_name() or used.user.get_username(), told, url, used, remove)


def _named(request: HttpRequest, client: Client, asked: str) -> Q:
    """By the whole word only: what is shown to nobody cannot be guessed letter by letter."""
    found = known_by(word_of(asked), Project.objects.filter(clients=client), of_projects, "user__sub")
    if actor(request).is_superuser:
        found |= Q(user__username__iexact=asked) | Q(user__email__iexact=asked) | Q(user__sub=asked)
    return found
