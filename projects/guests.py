"""Which guest apps a project lets in: apps that registered themselves, of no project (protocol section 19). Pure.

Anybody may register under any name. What cannot be chosen freely is where an app is: the host that answers for its
client id, or else the places where its codes go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from projects import ends
from projects.facts import ProjectFacts
from projects.metadata import ApiMetadata, ProjectMetadata
from projects.rules import quoted

LOOPBACK = "localhost"  # a program on the person's own device, by whatever name or number that has
MOST_HOSTS = 200
SIGN_IN_SCOPES = ("openid", "profile", "email", "offline_access")  # those of signing in that a guest may ask for
_HOST = re.compile(r"(?=.{1,253}(:|$))[a-z0-9_-]+(\.[a-z0-9_-]+)*(:[1-9][0-9]{0,4})?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,60}:")


def has_document(client_id: str) -> bool:
    """Whether the id of this guest is the address of a document that says what it is."""
    return client_id.startswith(("https://", "http://"))


def place_of(uri: str) -> str:
    """The host of an address, `localhost` for the person's own device, or the scheme of an app there."""
    url = urlsplit(uri)
    if url.scheme == "http":
        return LOOPBACK  # other ones are not registered
    return url.netloc.lower() if url.scheme == "https" else f"{url.scheme}:"


def places_of(client_id: str, redirect_uris: Iterable[str]) -> tuple[str, ...]:
    """Where a guest is: who answers for its id, or else everywhere its codes may go."""
    if has_document(client_id):
        return (place_of(client_id),)
    return tuple(dict.fromkeys(map(place_of, redirect_uris)))


def lets_in(project: ProjectFacts, places: Iterable[str]) -> bool:
    """Whether this project lets in a guest that is there."""
    places = set(places)
    if project.guest_apps == "any":
        return bool(places)
    return project.guest_apps == "listed" and bool(places) and places <= project.guest_hosts


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
