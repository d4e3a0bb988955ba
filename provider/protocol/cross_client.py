"""ID tokens for a sibling: `audience=<another client of the project>` (protocol section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from provider.protocol.errors import InvalidAudience, InvalidScope
from provider.protocol.facts import ClientFacts
from provider.protocol.request import AuthorizationRequest, TokenRequest


class Obstacle(Enum):
    """Why a client gets no ID token for another. Operators may know; on the wire all of them sound alike."""

    ANOTHER_PROJECT = "another_project"
    POLICY_OFF = "policy_off"
    CALLER_DISABLED = "caller_disabled"
    TARGET_DISABLED = "target_disabled"
    REGISTERED_ITSELF = "registered_itself"
    CALLER_NOT_LISTED = "caller_not_listed"
    CALLER_PUBLIC = "caller_public"
    TARGET_ALGORITHM = "target_algorithm"
    TARGET_PROFILE = "target_profile"


def obstacles(caller: ClientFacts, target: ClientFacts) -> tuple[Obstacle, ...]:
    """Every condition for `caller` to get an ID token for `target` that does not hold."""
    holds = {
        Obstacle.ANOTHER_PROJECT: caller.project.is_same(target.project),
        Obstacle.POLICY_OFF: caller.project.cross_client == "same_project",
        Obstacle.CALLER_DISABLED: caller.enabled,
        Obstacle.TARGET_DISABLED: target.enabled,
        Obstacle.REGISTERED_ITSELF: caller.registered_by_administrator and target.registered_by_administrator,
        Obstacle.CALLER_NOT_LISTED: not target.allowed_callers or caller.client_id in target.allowed_callers,
        Obstacle.CALLER_PUBLIC: not caller.public or caller.cross_client_public,
        Obstacle.TARGET_ALGORITHM: _asymmetric(target.id_token_algorithm),
        Obstacle.TARGET_PROFILE: not target.profile or caller.profile == target.profile,
    }
    return tuple(obstacle for obstacle, fine in holds.items() if not fine)


def _asymmetric(algorithm: str) -> bool:
    """Signed, and not with a secret the target shares: its backend could make ID tokens in our name."""
    return algorithm != "none" and not algorithm.startswith("HS")


def may_target(caller: ClientFacts, target: ClientFacts) -> bool:
    """Whether `caller` gets an ID token for `target`."""
    return not obstacles(caller, target)


def at_authorization(request: AuthorizationRequest) -> None:
    """Checked at once, so that the person sees it; never part of the ceiling."""
    _one_allowed(request.client, request.targets)


def at_token(request: TokenRequest) -> None:
    """Decide for whom the ID token is. Runs after audiences, which find the targets, and scopes."""
    target = _one_allowed(request.client, request.targets)
    if target is None:
        return
    if not request.of_a_person:
        raise InvalidAudience  # client credentials: nobody to speak of
    if not target.sign_in.lets_in(request.belongs):
        raise InvalidAudience  # the project lets them in, for the caller's token is of them; the target does not
    if "openid" not in request.scopes:
        raise InvalidScope("An ID token needs the scope openid, granted and in this request.")
    request.target = target


def _one_allowed(caller: ClientFacts, targets: Sequence[ClientFacts]) -> ClientFacts | None:
    if not targets:
        return None
    if len(targets) > 1 or not may_target(caller, targets[0]):
        raise InvalidAudience
    return targets[0]
