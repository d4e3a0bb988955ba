"""What happened to an app lately, on its page: what was refused first, each with what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from accounts.console import actor
from provider.admin.happened.asked import Asked
from provider.admin.happened.entries import entries
from provider.admin.happened.marks import sort_of
from provider.admin.happened.mending import row

if TYPE_CHECKING:
    from clients.admin.secret_pages import SecretPages as Base
else:
    Base = object

ROWS = 10  # of each; the page of everything has more


class ActivityTab(Base):
    """Mixed into the page of clients, for whoever may look at the app."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.activity_view)
        page: URLPattern = path("<path:object_id>/activity/", view, name="clients_client_activity")
        return [page, *super().get_urls()]

    def activity_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = self._client(request, object_id, self.has_view_permission)
        refused, changed = (
            entries(Asked(actor(request), sort_of(kind), app=client.client_id), None, ROWS)[0]
            for kind in ("refused", "changes")
        )
        context = {
            "title": _("Activity of %(app)s") % {"app": client},
            "original": client,
            "refused": [row(one, request) for one in refused],
            "changed": changed,
        }
        return self._page(request, "activity.html", "activity", context)
