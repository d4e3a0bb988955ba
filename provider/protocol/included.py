"""`include_granted_scopes`: what the project has from this person already comes along (protocol section 11).

Google's incremental authorization, and for audiences too. What comes along is what this client may ask for now: scopes
it registered, audiences its allowlist permits. The scopes count as asked, so that a token has them all when nothing
narrower is asked; the audiences are part of the ceiling only, and a token has one when a request names it (section 5).
"""

from __future__ import annotations

from provider.protocol.audience import reachable
from provider.protocol.errors import InvalidRequest
from provider.protocol.request import AuthorizationRequest

PARAMETER = "include_granted_scopes"


def at_authorization(request: AuthorizationRequest) -> None:
    """Nothing comes along until it is known who asks; `offline_access` never does: it has to be asked for."""
    requested = request.params.one(PARAMETER)
    if requested not in ("", "true", "false"):
        raise InvalidRequest(f"{PARAMETER} must be true or false.")
    request.included_scopes, request.included_audiences = (), ()
    if requested == "true":
        registered = set(request.client.scopes) - {"offline_access"}
        request.included_scopes = tuple(scope for scope in request.granted.scopes if scope in registered)
        request.included_audiences = reachable(request.granted.audiences, request.client, request.registry)
