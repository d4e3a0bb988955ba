"""What the authorization endpoint answers, as a browser takes it to the app."""

from __future__ import annotations

from django.conf import settings

from common import clock
from provider.keys import mint
from provider.protocol.channel import Channel, Delivery
from provider.protocol.facts import Json

LIFETIME = 300  # seconds; a browser needs a moment to get to the app (JARM section 2.1)
# JARM names no type. Without `azp` and `iat` nobody takes it for an ID token, and with this one not for another kind.
TYPE = "JWT"


def deliver(channel: Channel, **answer: str) -> Delivery:
    """This answer by the response mode of the request: errors as well as codes and tokens."""
    said = channel.said(settings.IDP_ISSUER, **answer)
    return channel.delivery({"response": _signed(channel, said)} if channel.mode.signed else said)


def _signed(channel: Channel, said: dict[str, str]) -> str:
    """All of it as one JWT for this client (JARM section 2.1)."""
    claims: dict[str, Json] = {**said, "aud": channel.client.client_id, "exp": clock.seconds() + LIFETIME}
    return mint.sign(claims, channel.client.authorization_algorithm, TYPE)
