"""The pages that an app calls its own, as people are led to them: with the host, for a name can be anybody's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from provider import logos
from provider.protocol.channel import Channel
from provider.protocol.facts import ClientFacts

WORDS: dict[str, Promise] = {
    "client_uri": _("Home page"),
    "policy_uri": _("Privacy policy"),
    "tos_uri": _("Terms of service"),
}


@dataclass(frozen=True, slots=True)
class AppPage:
    uri: str
    words: Promise
    host: str
    elsewhere: bool  # nobody vouches for the app, and this is not where people go back to


def pages_of(channel: Channel) -> list[AppPage]:
    said = dict(channel.client.pages)
    return [_page(said[name], words, channel) for name, words in WORDS.items() if name in said]


def logo_of(client: ClientFacts) -> str:
    """Where people's browsers find its logo: here. Another one has another address."""
    uri = logos.address_of(client)
    version = hashlib.sha256(uri.encode()).hexdigest()[:8]
    return f"{reverse('client_logo', args=[client.client_id])}?{version}" if uri else ""


def _page(uri: str, words: Promise, channel: Channel) -> AppPage:
    host = urlsplit(uri).netloc
    same = host == urlsplit(channel.redirect_uri).netloc
    return AppPage(uri, words, host, not (same or channel.client.registered_by_administrator))
