"""Tokens that come through the browser: made, kept and answered in the transaction that makes their Authorization."""

from __future__ import annotations

from clients.models import Authorization
from provider import facts
from provider.grants import response
from provider.protocol import front_channel
from provider.protocol.request import AuthorizationRequest, Params, Subject, TokenRequest
from provider.protocol.runner import At, run
from provider.store import authorizations, live, tallies

AT_LAST_CHECKS = At("last_checks")


def tokens(decided: AuthorizationRequest, row: Authorization, code: str) -> dict[str, str]:
    """What the response type names besides a code. They hang from this Authorization, and bring no refresh token."""
    client, kinds = decided.client, decided.channel.response_type.split()
    presented = authorizations.in_front(row.pk, decided.params.one("nonce"))
    with AT_LAST_CHECKS:
        until = live.refuse_ended(presented, client)
    registry = facts.registry((), client, presented.ceiling.audiences)
    request = TokenRequest(Params(), client, registry, Subject.PERSON, presented.ceiling)
    run(front_channel.STEPS, request)
    minted, said = response.mint_in_front(request, presented, kinds, code, until)
    if minted is not None:
        authorizations.issue(request, presented, minted)
        tallies.count(client, tallies.IMPLICIT)
    return said
