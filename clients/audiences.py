"""One rule for forms, files and requests: may a client of this project use this audience? (protocol section 0)"""

from __future__ import annotations

from django.utils.translation import gettext as _

from clients.oauth.facts import apis_near, project_facts
from clients.protocol.facts import Registry
from projects import matcher
from projects.models import Api, Project


def most_specific(value: str, apis: list[Api]) -> Api | None:
    """The registered Api that covers `value` most closely; None when none does."""
    covering = [api for api in apis if matcher.covers(api.identifier, value)]
    return max(covering, key=lambda api: len(api.canonical), default=None)


def resolve(value: str) -> Api | None:
    """The Api an audience belongs to, from the database."""
    return most_specific(value, list(Api.objects.filter(origin=matcher.parse(value).origin).exclude(origin="")))


def refusal_to_list(value: str, project: Project) -> str:
    """Why this audience may not stand in an allowlist of the project's clients, or an empty string.

    The very rule every request is checked by. An entry that lies above somebody else's API is fine: what is asked
    below it is resolved again at every request.
    """
    api = Registry(apis=apis_near([value])).resolve(value)
    if api is None or api.open_to(project_facts(project)):
        return ""
    return _("This audience belongs to an API that is not shared with this project.")
