"""`id_token_hint`: an ID token of ours that an app shows again, to say whom it means. It proves nothing else."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from common import clock
from provider.keys import mint
from provider.protocol.errors import InvalidRequest

HINT_MAX_AGE = timedelta(days=30)  # after it expired


def read(hint: str) -> dict[str, object]:
    """Its claims: our signature (retired keys too) and issuer, expired a month ago at most; raises InvalidRequest."""
    claims = mint.verify_id_token(hint, late=HINT_MAX_AGE)
    if claims is None or claims.get("iss") != settings.IDP_ISSUER:
        raise InvalidRequest("id_token_hint is not an ID token of this provider.")
    if clock.seconds() > claims["exp"] + HINT_MAX_AGE.total_seconds():
        raise InvalidRequest("id_token_hint expired too long ago.")
    return claims
