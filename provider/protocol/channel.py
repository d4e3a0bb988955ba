"""The way an answer takes back to the app, and what follows from it for the End-User (protocol sections 11 and 21).

Whoever answers hands over parameters and gets a Delivery; which response mode it is, they need not know.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from provider.protocol.facts import ClientFacts
from provider.protocol.response_modes import CODE, QUERY, ResponseMode, brings_tokens


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the browser does with an answer: it goes to this address, or posts this form there."""

    address: str
    form: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A client, and the redirect URI of this request: one that the client registered."""

    client: ClientFacts
    redirect_uri: str = ""
    named: bool = True  # by the request; its token request has to name it again then (RFC 6749 section 4.1.3)
    state: str = ""
    response_type: str = CODE  # of those this client may ask for; empty: another one
    mode: ResponseMode = QUERY
    device: bool = False  # no redirect URI: the answer waits for a device that asks for it (RFC 8628)

    @property
    def always_asks(self) -> bool:
        """Somebody else may get the tokens, so the End-User sees a screen whatever they allowed before.

        Another program may receive the code and use it; a device may be far away, in hands that nobody sees. Guests may
        be anybody.
        """
        return self.device or not self.is_proved or self.client.guest

    @property
    def is_proved(self) -> bool:
        """Whether only the client itself can use what comes of this.

        A confidential client proves itself when it redeems the code, wherever that went (RFC 8252 section 8.6). Tokens
        that come through the browser nobody redeems.
        """
        redeems = not self.client.public and not brings_tokens(self.response_type)
        return redeems or not (self.device or reaches_any_program(self.redirect_uri))

    @property
    def leads_to_strangers(self) -> bool:
        """Whether anybody may have registered where this leads, and no project names the place.

        Nobody is sent there unasked: a link to us would lead wherever its writer likes (RFC 9700 section 4.11.2).
        """
        client = self.client
        return client.guest and client.project.guest_apps != "listed" and not reaches_any_program(self.redirect_uri)

    @property
    def shares_consent(self) -> bool:
        """What the End-User allowed other clients of the project counts for this one, and the other way round."""
        return self.client.registered_by_administrator and not self.client.guest and self.is_proved

    @property
    def remembers_its_own(self) -> bool:
        """A client that registered itself and can keep a secret is asked once for what only it was allowed."""
        client = self.client
        return not client.registered_by_administrator and not client.public and not self.always_asks

    @property
    def first_party(self) -> bool:
        """Nobody is asked: the project is implicit, and only the client itself can use the code."""
        return self.client.project.consent_mode == "implicit" and self.shares_consent and not self.always_asks

    def said(self, issuer: str, **answer: str) -> dict[str, str]:
        """The parameters of an answer: always with `iss` (RFC 9207), with `state` when it was sent."""
        pairs = {**answer, "state": self.state, "iss": issuer}
        return {name: value for name, value in pairs.items() if value}

    def delivery(self, said: Mapping[str, str]) -> Delivery:
        """How the browser takes these parameters to the app."""
        if self.mode.way == "form_post":
            return Delivery(self.redirect_uri, tuple(said.items()))
        added = urlencode(said)
        if self.mode.way == "fragment":
            return Delivery(f"{self.redirect_uri}#{added}")
        # By hand: what the client registered comes back to it letter by letter.
        return Delivery(f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{added}")


def reaches_any_program(redirect_uri: str) -> bool:
    """Whether the person's device decides which program answers there: custom schemes, and loopback."""
    url = urlsplit(redirect_uri)
    return url.scheme != "https" or _on_the_device((url.hostname or "").removesuffix("."))


def _on_the_device(host: str) -> bool:
    """Loopback by whatever name or number: RFC 6761 section 6.3, RFC 8252 section 7.3.

    Browsers read a host that ends in a number as an IPv4 address however it is written: `127.1` is 127.0.0.1.
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.rpartition(".")[2][:1].isdigit()
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)
