"""What is worth remembering for security. Never a code, token or secret."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import orjson
from django.utils import timezone

from clients.models import SecurityEvent
from common.networks import network_of
from common.sql import Insert
from provider.protocol.facts import ClientFacts
from provider.store import statements

logger = logging.getLogger(__name__)
LOCKED_OUT = "client.locked_out"
DEVICE_LOCKED_OUT = "device.locked_out"


def cross_client_token(caller: ClientFacts, target: ClientFacts, sub: str, now: datetime) -> Insert:
    """Every ID token for a sibling (protocol section 2): kept together with the tokens, or not at all."""
    return statements.new_event(
        at=now,
        kind="token.cross_client",
        client_id=caller.client_id,
        target_client_id=target.client_id,
        sub=sub,
        detail="{}",
    )


def exchanged(caller: ClientFacts, issuer: ClientFacts, sub: str, audience: Sequence[str], now: datetime) -> Insert:
    """Every token exchange: who asked, whose token it was, and what for; kept together with the tokens."""
    return statements.new_event(
        at=now,
        kind="token.exchanged",
        client_id=caller.client_id,
        target_client_id=issuer.client_id,
        sub=sub,
        detail=orjson.dumps({"audience": list(audience)}).decode(),
    )


def cross_client_refused(caller: ClientFacts, asked: str, sub: str = "") -> None:
    """A refused audience client. What was asked may be anything: only its beginning is kept."""
    SecurityEvent.objects.create(
        kind="token.cross_client_refused", client_id=caller.client_id, sub=sub, detail={"audience": asked[:255]}
    )


def reuse(client: ClientFacts, what: str, authorization_id: str) -> None:
    """A code or refresh token came twice."""
    SecurityEvent.objects.create(
        kind="token.reuse", client_id=client.client_id, detail={"what": what, "authorization": authorization_id}
    )


def locked_out(client: ClientFacts, network: str, seconds: int) -> None:
    """Too many wrong secrets: this network must wait before it guesses at this client again."""
    until = (timezone.now() + timedelta(seconds=seconds)).isoformat(timespec="seconds")
    logger.warning("Too many wrong secrets: client %s, network %s, until %s.", client.client_id, network[:100], until)
    detail = {"network": network[:100], "until": until}
    SecurityEvent.objects.create(kind=LOCKED_OUT, client_id=client.client_id, detail=detail)


def signed_out_by(client_id: str, sub: str, *, asked: bool) -> None:
    """An app ended a sign-in; `asked`: the person confirmed it. No client: nobody said which app it was."""
    SecurityEvent.objects.create(kind="sign_in.ended_by_client", client_id=client_id, sub=sub, detail={"asked": asked})


def device_decided(client: ClientFacts, sub: str, address: str, *, allowed: bool) -> None:
    """A person said yes or no to a device. `address`: where the device asked from."""
    kind = "device.allowed" if allowed else "device.denied"
    SecurityEvent.objects.create(
        kind=kind, client_id=client.client_id, sub=sub, detail={"network": network_of(address)[:100]}
    )


def device_codes_guessed(limit: str, sub: str, network: str, seconds: int) -> None:
    """Too many wrong user codes: whoever was counted has to wait. No `sub`: nobody was signed in."""
    until = (timezone.now() + timedelta(seconds=seconds)).isoformat(timespec="seconds")
    logger.warning("Too many wrong user codes (%s): network %s, until %s.", limit, network[:100], until)
    detail = {"limit": limit, "network": network[:100], "until": until}
    SecurityEvent.objects.create(kind=DEVICE_LOCKED_OUT, sub=sub, detail=detail)


def swept(counts: Mapping[str, int], by: str) -> None:
    """`cleartokens` ran: how much of what has expired is gone."""
    detail = {"deleted": {name: number for name, number in counts.items() if number}, "by": by}
    SecurityEvent.objects.create(kind="tokens.swept", detail=detail)


def logout_notice_given_up(client_id: str, sub: str, attempts: int, problem: str) -> None:
    """An app could not be told that somebody signed out."""
    detail = {"attempts": attempts, "problem": problem}
    SecurityEvent.objects.create(kind="logout_notice.given_up", client_id=client_id, sub=sub, detail=detail)


def guest_ended(client_id: str, sub: str, project: str, ended: int) -> None:
    """A person ended what a guest app had of them at a project."""
    detail = {"project": project, "authorizations": ended}
    SecurityEvent.objects.create(kind="guest.ended", client_id=client_id, sub=sub, detail=detail)


def consent_revoked(
    sub: str, project: str, ended: int, scopes: Sequence[str] = (), audiences: Sequence[str] = ()
) -> None:
    """A person took back what they allowed a project: these scopes and audiences, or with neither everything."""
    detail = {"project": project, "scopes": list(scopes), "audiences": list(audiences), "authorizations": ended}
    SecurityEvent.objects.create(kind="consent.taken_back", sub=sub, detail=detail)
