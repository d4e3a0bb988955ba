"""One rule for forms, files and requests: may a client of this project use this audience? (protocol section 0)"""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from projects import matcher
from projects.models import Api, Project, Shared


def most_specific(value: str, apis: list[Api]) -> Api | None:
    """The registered Api that covers `value` most closely; None when none does."""
    covering = [api for api in apis if matcher.covers(api.identifier, value)]
    return max(covering, key=lambda api: len(api.canonical), default=None)


def resolve(value: str) -> Api | None:
    """The Api an audience belongs to, from the database."""
    return most_specific(value, list(Api.objects.filter(origin=matcher.parse(value).origin).exclude(origin="")))


def refusal_to_list(value: str, project: Project) -> str:
    """Why this audience may not stand in an allowlist of the project's clients, or an empty string.

    An entry that lies above somebody else's API is fine: what is asked below it is resolved again at every request.
    """
    api = resolve(value)
    if api is None or api.project_id == project.pk or api.shared == Shared.PUBLIC:
        return ""
    if api.shared == Shared.LISTED and api.shared_with.filter(Q(pk=project.pk)).exists():
        return ""
    return _("This audience belongs to an API that is not shared with this project.")
