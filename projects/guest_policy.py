"""What a project may say of guest apps, and what they lose when it says less."""

from __future__ import annotations

import re
from datetime import datetime

from django.utils.translation import gettext as _

from projects import ends
from projects.metadata import ApiMetadata, ProjectMetadata
from projects.rules import quoted

MOST_HOSTS = 200
_HOST = re.compile(r"(?=.{1,253}(:|$))[a-z0-9_-]+(\.[a-z0-9_-]+)*(:[1-9][0-9]{0,4})?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,60}:")


def host_problem(text: str) -> str:
    """Why this is no host of guests, or an empty string."""
    if _HOST.fullmatch(text) or _SCHEME.fullmatch(text):
        return ""
    return _(
        "%(value)s is no host. Write one in lower case such as agent.example, localhost for apps on people's own "
        "devices, or the scheme of such an app, such as com.example.app:"
    ) % {"value": quoted(text)}


def closes_to_some(before: ProjectMetadata, after: ProjectMetadata) -> bool:
    """Whether a guest that was let in is let in no longer."""
    order = ("none", "listed", "any")
    if order.index(after.guest_apps) < order.index(before.guest_apps):
        return True
    return before.guest_apps == after.guest_apps == "listed" and not set(before.guest_hosts) <= set(after.guest_hosts)


def closes_a_scope(before: ApiMetadata, after: ApiMetadata) -> bool:
    """Whether a scope of this API was open to guests and is open no longer."""
    had, has = ({scope.name for scope in one.scopes if scope.guests} for one in (before, after))
    return not had <= has


def not_before(
    so_far: datetime | None, before: ProjectMetadata, after: ProjectMetadata, now: datetime
) -> datetime | None:
    """Before which moment everything is over that guests have of this project: opening its door revives nothing."""
    if closes_to_some(before, after):
        return max(so_far or now, now)
    return ends.not_before(so_far, before.guest_longest_grant, after.guest_longest_grant, now)
