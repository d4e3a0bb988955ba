"""The last rows of the list, for the pages of an app, a person and a project, and for the overview."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.console import actor
from accounts.models import User
from clients.models import Client
from projects.models import Project
from provider.admin.happened.asked import Asked
from provider.admin.happened.entries import Entry, entries


def latest(
    request: HttpRequest,
    *,
    app: Client | str | None = None,
    person: User | None = None,
    project: Project | None = None,
    limit: int = 10,
) -> list[Entry]:
    """As far as whoever looks may see them. A person's rows are for superusers: others are shown none.

    Tokens that were exchanged are left out, but for an app: there are so many that nothing else would be seen.
    """
    viewer = actor(request)
    if person is not None and not viewer.is_superuser:
        return []
    client_id = app.client_id if isinstance(app, Client) else app or ""
    wanted = Asked(viewer, app=client_id, project=project, person=person, routine=app is not None)
    if project is not None and not wanted.projects.exists():
        return []
    return entries(wanted, None, limit)[0]
