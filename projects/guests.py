"""Which guest apps a project lets in: apps that registered themselves, of no project (protocol section 19). Pure.

Anybody may register under any name. What cannot be chosen freely is where an app is: the host that answers for its
client id, or else the places where its codes go.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from projects.facts import ProjectFacts

LOOPBACK = "localhost"  # a program on the person's own device, by whatever name or number that has
SIGN_IN_SCOPES = ("openid", "profile", "email", "offline_access")  # those of signing in that a guest may ask for


def has_document(client_id: str) -> bool:
    """Whether the id of this guest is the address of a document that says what it is."""
    return client_id.startswith(("https://", "http://"))


def place_of(uri: str) -> str:
    """The host of an address, `localhost` for the person's own device, or the scheme of an app there."""
    url = urlsplit(uri)
    if url.scheme == "http":
        return LOOPBACK  # other ones are not registered
    return url.netloc.lower().removesuffix(":443") if url.scheme == "https" else f"{url.scheme}:"


def host_of(place: str) -> str:
    """Who has this place: whoever has a host has all of its ports."""
    host, _colon, port = place.partition(":")
    return host if port else place


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
