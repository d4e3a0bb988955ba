"""Tokens that an API of the page must take, and those that it must not."""

from __future__ import annotations

from collections.abc import Callable

from tests.foreign.programs.recipes import Place
from tests.world import BILLING, SECRETS


def right_token(place: Place, api: str, scope: str = "openid profile pages.read") -> str:
    return str(place.tokens(scope, resource=api)["access_token"])


def wrong_tokens(place: Place, api: str) -> dict[str, str]:
    """Each made for something else than this API; none has the scope `pages.read` there."""
    signed_in = place.tokens("openid profile email")
    web = place.token("web", SECRETS["web"], grant_type="client_credentials", resource=BILLING)
    return {
        "rubbish": "x",
        "an ID token": signed_in["id_token"],
        "a token for the app itself": signed_in["access_token"],
        "a token for another API": web["access_token"],
    }


def refused(ask: Callable[[str], int], tokens: dict[str, str]) -> dict[str, int]:
    """What is not refused of these, with the status of its answer."""
    statuses = {name: ask(token) for name, token in tokens.items()}
    return {name: status for name, status in statuses.items() if status not in (401, 403)}
