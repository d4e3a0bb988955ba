"""ID tokens for a sibling: `audience=<another client of the project>` (protocol section 2)."""

from __future__ import annotations

from collections.abc import Sequence

from clients.protocol.errors import InvalidAudience, InvalidScope
from clients.protocol.facts import ClientFacts
from clients.protocol.request import AuthorizationRequest, TokenRequest

ASYMMETRIC = ("RS256", "ES256")


def may_target(caller: ClientFacts, target: ClientFacts) -> bool:
    """Every condition for `caller` to get an ID token for `target`."""
    return (
        caller.enabled
        and target.enabled
        and caller.registered_by_administrator
        and target.registered_by_administrator
        and caller.project.id == target.project.id
        and caller.project.cross_client == "same_project"
        and (not target.allowed_callers or caller.client_id in target.allowed_callers)
        and target.id_token_algorithm in ASYMMETRIC
        and (not caller.public or caller.cross_client_public)
    )


def at_authorization(request: AuthorizationRequest) -> None:
    """Checked at once, so that the person sees it; never part of the ceiling."""
    _one_allowed(request.client, request.targets)


def at_token(request: TokenRequest) -> None:
    """Decide for whom the ID token is. Runs after audiences, which find the targets, and scopes."""
    target = _one_allowed(request.client, request.targets)
    if target is None:
        return
    if request.ceiling is None:
        raise InvalidAudience  # client credentials: nobody to speak of
    if "openid" not in request.scopes:
        raise InvalidScope("An ID token needs the scope openid, granted and in this request.")
    request.target = target


def _one_allowed(caller: ClientFacts, targets: Sequence[ClientFacts]) -> ClientFacts | None:
    if not targets:
        return None
    if len(targets) > 1 or not may_target(caller, targets[0]):
        raise InvalidAudience
    return targets[0]
