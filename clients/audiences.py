"""One rule for forms, files and requests: may a client of this project use this audience? (protocol section 0)"""

from __future__ import annotations

from django.utils.translation import gettext as _

from projects.models import Project
from provider.facts import apis_near, project_facts
from provider.protocol.facts import ApiFacts, Registry


def resolve(value: str) -> ApiFacts | None:
    """The most specific Api that covers this audience, as a request would find it."""
    return Registry(apis=apis_near([value])).resolve(value)


def refusal_to_list(value: str, project: Project) -> str:
    """Why this audience may not stand in an allowlist of the project's clients, or an empty string.

    The very rule every request is checked by. An entry that lies above somebody else's API is fine: what is asked
    below it is resolved again at every request.
    """
    api = resolve(value)
    if api is None or api.open_to(project_facts(project)):
        return ""
    return _("This audience belongs to an API that is not shared with this project.")
