"""What is worth remembering for security. Never a code, token or secret."""

from __future__ import annotations

from datetime import datetime

from clients.models import SecurityEvent
from clients.oauth import statements
from clients.oauth.database import Insert
from clients.protocol.facts import ClientFacts


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
