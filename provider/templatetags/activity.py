"""The last rows of the activity on pages of layers that do not know of it."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.http import HttpRequest

from accounts.console import actor
from accounts.models import User
from clients.models import Client
from projects.models import Project
from provider.admin.happened.latest import latest

register = template.Library()


@register.inclusion_tag("admin/activity/latest.html", takes_context=True)
def latest_activity(
    context: Mapping[str, HttpRequest],
    app: Client | None = None,
    person: User | None = None,
    project: Project | None = None,
    limit: int = 10,
) -> dict[str, object]:
    """`{% latest_activity app=original %}`: a list, and the way to all of it."""
    found = latest(context["request"], app=app, person=person, project=project, limit=limit)
    shown = person if person and actor(context["request"]).is_superuser else None
    query = {"app": app and app.client_id, "person": shown and shown.sub, "project": project and project.key}
    return {"latest": found, "query": {name: value for name, value in query.items() if value}}
