"""The access token that a request shows, by whoever may show it: what every protected resource of ours begins with."""

from __future__ import annotations

from common.arrival import of_client
from provider import possession
from provider.endpoints.http import sent_token
from provider.parameters import Request
from provider.protocol.errors import InvalidDpopProof, Refusal
from provider.protocol.facts import TokenFacts
from provider.store import find


def shown(request: Request, endpoint: str, in_body: str) -> TokenFacts | None:
    """What is behind it, if it is live; raises InvalidToken or InvalidDpopProof when it is bound to somebody else."""
    return checked(request, endpoint, *sent_token(request, in_body))


def checked(request: Request, endpoint: str, token: str, scheme: str = "") -> TokenFacts | None:
    """The same of a token that was found already. No scheme: not in the header."""
    found = find.access_token(token)
    if found is not None:
        of_client(found.client)
    if found is None or not (found.bound or scheme == "dpop"):
        return found
    try:
        possession.refuse_others(possession.evidence(request, endpoint), scheme, token, found)
    except Refusal as refusal:
        refusal.client_id = found.client.client_id
        if isinstance(refusal, InvalidDpopProof):
            refusal.status = 401  # (RFC 9449 section 7.1)
        raise
    return found
