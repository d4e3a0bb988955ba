"""Is this row still worth anything? One answer for codes, refresh tokens and access tokens (protocol section 6).

Every lookup joins what can end a token: its Authorization, sign-in, client, project and person. Who may use a project
that is being tested costs one more statement, and only there.
"""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import F, Q
from django.utils import timezone

from clients.models import Authorization, Client
from idp.accounts.models import User

# What a query must select together so that the answer costs no further statement.
AUTHORIZATION = ("authorization", "authorization__user", "authorization__sign_in", "authorization__client__project")


def authorization_lives(authorization: Authorization, issued_at: datetime) -> bool:
    """Whether a code or token issued then under this Authorization still works.

    Never younger than the Authorization: a refresh that was under way when tokens were ended saves none of them.
    """
    issued_at = min(issued_at, authorization.created_at)
    return (
        authorization.ended_at is None
        and sign_in_allows(authorization)
        and client_lives(authorization.client, issued_at)
        and person_lives(authorization.user, issued_at)
        and authorization.client.project.admits(authorization.user)
    )


def sign_in_allows(authorization: Authorization) -> bool:
    """Without offline access it ends with its sign-in; with it, it goes on (Back-Channel Logout 1.0 section 2.7)."""
    sign_in = authorization.sign_in
    return authorization.offline or (sign_in is not None and sign_in.ended_at is None)


def may_live() -> Q:
    """Authorizations that are not over for good; a disabled client or a project in testing may come back."""
    since = ("client__tokens_not_before", "client__project__tokens_not_before", "user__tokens_not_before")
    over = [Q(**{f"{moment}__isnull": False}, created_at__lt=F(moment)) for moment in since]
    signed_in = Q(offline=True) | Q(sign_in__isnull=False, sign_in__ended_at__isnull=True)
    return Q(ended_at__isnull=True) & signed_in & ~reduce(or_, over)


def client_lives(client: Client, issued_at: datetime) -> bool:
    """Whether the client is enabled and neither its nor its project's tokens were ended since."""
    return client.enabled and not _ended(issued_at, client.tokens_not_before, client.project.tokens_not_before)


def person_lives(user: User, issued_at: datetime) -> bool:
    """Whether the account is active and its tokens were not ended since."""
    return user.is_active and not _ended(issued_at, user.tokens_not_before)


def expired(expires: datetime | None) -> bool:
    return expires is not None and timezone.now() >= expires


def _ended(issued_at: datetime, *not_before: datetime | None) -> bool:
    return any(moment is not None and issued_at < moment for moment in not_before)
