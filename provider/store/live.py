"""Is this row still worth anything? One answer for codes, refresh tokens and access tokens (protocol section 6).

What can end a token is read with it: its Authorization, sign-in and person by the statement that finds it, its client
and project from what the process remembers of them. Who may use a project that is being tested costs one more
statement, and only there.
"""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import F, Q

from common import clock
from projects.apis import admits
from provider import facts
from provider.protocol.errors import InvalidGrant
from provider.protocol.facts import ClientFacts
from provider.store.presented import UNUSABLE, Presented
from provider.store.statements import AuthorizationRow

ENDED = "The tokens of this client are ended until a later moment."


def refuse_ended(presented: Presented, client: ClientFacts) -> None:
    """Whatever a grant opened: its client, project, person, sign-in and Authorization must let it work now."""
    if not client_lives(client, presented.issued_at):
        raise InvalidGrant(UNUSABLE if presented.behind else ENDED)
    if expired(presented.expires) or not all(authorization_lives(one, presented.issued_at) for one in presented.behind):
        raise InvalidGrant(UNUSABLE)


def authorization_lives(authorization: AuthorizationRow, issued_at: datetime) -> bool:
    """Whether a code or token issued then under this Authorization still works.

    Never younger than the Authorization: a refresh that was under way when tokens were ended saves none of them.
    """
    issued_at = min(issued_at, authorization.created_at)
    client = facts.client_of(authorization.client_id)
    return (
        authorization.ended_at is None
        and sign_in_allows(authorization)
        and client is not None
        and client_lives(client, issued_at)
        and authorization.is_active
        and not ended(issued_at, authorization.tokens_not_before)
        and admits(client.project, authorization.user_id)
    )


def sign_in_allows(authorization: AuthorizationRow) -> bool:
    """Without offline access it ends with its sign-in; with it, it goes on (Back-Channel Logout 1.0 section 2.7)."""
    return authorization.offline or authorization.signed_in


def may_live() -> Q:
    """Authorizations that are not over for good; a disabled client or a project in testing may come back."""
    since = ("client__tokens_not_before", "client__project__tokens_not_before", "user__tokens_not_before")
    over = [Q(**{f"{moment}__isnull": False}, created_at__lt=F(moment)) for moment in since]
    signed_in = Q(offline=True) | Q(sign_in__isnull=False, sign_in__ended_at__isnull=True)
    return Q(ended_at__isnull=True) & signed_in & ~reduce(or_, over)


def client_lives(client: ClientFacts, issued_at: datetime) -> bool:
    """Whether the client is enabled and neither its nor its project's tokens were ended since."""
    return client.enabled and not ended(issued_at, client.tokens_not_before, client.project.tokens_not_before)


def expired(expires: datetime | None) -> bool:
    return expires is not None and clock.now() >= expires


def ended(issued_at: datetime, *not_before: datetime | None) -> bool:
    """Whether what was issued then was ended later."""
    return any(moment is not None and issued_at < moment for moment in not_before)
