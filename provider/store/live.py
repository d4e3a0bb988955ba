"""Is this row still worth anything? One answer for codes, refresh tokens and access tokens (protocol section 6).

What can end a token is read with it: its Authorization, sign-in and person by the statement that finds it, its client
and project from what the process remembers of them. Whether the person is let in is in what was read of them; who may
use a project that is being tested costs one more statement, and only there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import F, Q

from common import clock
from projects import ends
from projects.apis import admits, apis_near
from projects.consent import Permission, missing
from projects.facts import ProjectFacts
from projects.models import Project
from provider import facts, guests
from provider.protocol.errors import InvalidGrant
from provider.protocol.facts import ClientFacts
from provider.store import statements
from provider.store.presented import UNUSABLE, Presented
from provider.store.statements import AuthorizationRow

SHORTEST = timedelta(seconds=1)  # of a token's life: what ends sooner is as good as over
ENDED = "The tokens of this client are ended until a later moment."


def refuse_ended(presented: Presented, client: ClientFacts) -> datetime | None:
    """Whatever a grant opened: its client, project, person, sign-in and Authorization must let it work now.

    Answers when the first of those that a token would stand on ends by itself: nothing that is minted outlives it.
    """
    if not client_lives(client, presented.issued_at):
        raise InvalidGrant(UNUSABLE if presented.behind else ENDED)
    if expired(presented.expires):
        raise InvalidGrant(UNUSABLE)
    if not presented.found_alive and not all(authorization_lives(one, presented.issued_at) for one in presented.behind):
        raise InvalidGrant(UNUSABLE)
    last = _until(presented, client)
    if last is not None and expired(last - SHORTEST):
        raise InvalidGrant(UNUSABLE)
    return last


def authorization_lives(
    authorization: AuthorizationRow, issued_at: datetime, asking: ClientFacts | None = None
) -> bool:
    """Whether a code or token issued then under this Authorization still works. `asking`: as of `party`.

    Never younger than the Authorization: a refresh that was under way when tokens were ended saves none of them.
    """
    issued_at = min(issued_at, authorization.created_at)
    client = party(authorization, asking)
    return (
        authorization.ended_at is None
        and sign_in_allows(authorization)
        and client is not None
        and not expired(end_of(authorization, client))
        and client_lives(client, issued_at)
        and authorization.is_active
        and not ended(issued_at, authorization.tokens_not_before)
        and lets_in(client, authorization)
    )


def party(authorization: AuthorizationRow, asking: ClientFacts | None = None) -> ClientFacts | None:
    """Its client; a guest as the project that let it in does so now. None: it is gone, or let in no longer.

    `asking`: a client whose facts are at hand. Mostly it is the one.
    """
    if asking is not None and asking.id == authorization.client_id and not asking.guest:
        return asking
    client = facts.client_of(authorization.client_id)
    return guests.standing_in(client, authorization) if client is not None and client.guest else client


def end_of(authorization: AuthorizationRow, client: ClientFacts) -> datetime | None:
    """When it ends by itself, as its client's project stands now (protocol section 20)."""
    return ends.end_of(authorization.created_at, authorization.ends_at, client.project)


def _until(presented: Presented, client: ClientFacts) -> datetime | None:
    if not presented.behind and presented.exchanged is None:
        return None  # a client for itself
    moments = [presented.expires] if presented.exchanged is not None else []
    for one in presented.behind:
        its = party(one, client)
        if its is not None:
            moments.append(end_of(one, its))
    return ends.earliest(*moments)


def passed_on_lives(
    client: ClientFacts, actors: tuple[str, ...], behind: AuthorizationRow, issued_at: datetime, held: Permission
) -> bool:
    """Whether a token that this client got by passing another on still works.

    Everybody through whose hands it went may have it, and the person allows this client's project what it holds.
    """
    found = facts.find_clients(actors)
    if not all(one in found and client_lives(found[one], issued_at) and lets_in(found[one], behind) for one in actors):
        return False
    if client.project.consent_mode != "implicit" or behind.project_id is not None:
        given, _ends_at = allowed_in(client.project, behind)
        if missing(held, given, apis_near((*held.audiences, *given.audiences)).covers):
            return False
    return True


def lets_in(client: ClientFacts, behind: AuthorizationRow) -> bool:
    """Whether the person of this Authorization may use the client, as both stand now."""
    return admits(client.project, behind.user_id, client.sign_in, behind.belongs)


def allowed_in(project: ProjectFacts, behind: AuthorizationRow) -> tuple[Permission, datetime | None]:
    """What the person of this Authorization allowed the clients of a project that asks people, and until when.

    The Authorization itself counts where it is of that project: apps that share no consent have nothing else. A
    guest's alone counts: nothing that comes of it reaches further than what the person allowed the guest.
    """
    if behind.project_id is not None:
        return Permission(tuple(behind.scopes), tuple(behind.audiences)), behind.ends_at
    found, client = statements.consent(behind.user_id, project.id), facts.client_of(behind.client_id)
    if found is None or expired(found.ends_at):
        found = statements.Consent([], [], None)
    own = client is not None and client.project.is_same(project)
    scopes, audiences = (behind.scopes, behind.audiences) if own else ([], [])
    return Permission((*found.scopes, *scopes), (*found.audiences, *audiences)), found.ends_at


def sign_in_allows(authorization: AuthorizationRow) -> bool:
    """Without offline access it ends with its sign-in; with it, it goes on (Back-Channel Logout 1.0 section 2.7)."""
    return authorization.offline or authorization.signed_in


def may_live() -> Q:
    """Authorizations that are not over for good; a disabled client or a project in testing may come back."""
    since = (
        *("client__tokens_not_before", "client__project__tokens_not_before", "user__tokens_not_before"),
        "project__tokens_not_before",  # of a guest: the project that let it in
    )
    over = [Q(**{f"{moment}__isnull": False}, created_at__lt=F(moment)) for moment in since]
    signed_in = Q(offline=True) | Q(sign_in__isnull=False, sign_in__ended_at__isnull=True)
    return Q(ended_at__isnull=True) & signed_in & ~reduce(or_, [*over, ended_by_itself(clock.now())])


def ended_by_itself(moment: datetime) -> Q:
    """Authorizations whose end had come at this moment: `end_of`, for rows."""
    lifted = [
        Q(**{f"{name}__isnull": False}, created_at__lt=F(name))
        for name in ("client__project__grants_not_before", "project__grants_not_before", "project__guests_not_before")
    ]
    cut = [
        Q(**{path: seconds}, created_at__lte=moment - timedelta(seconds=seconds))
        for name, paths in _LONGEST.items()
        for seconds in Project.objects.order_by().values_list(name, flat=True).distinct()
        if seconds is not None
        for path in paths
    ]
    return reduce(or_, [*lifted, *cut], Q(ends_at__isnull=False, ends_at__lte=moment))


# A longest grant of a project, and the ways from an Authorization to it: by its client, or of a guest.
_LONGEST = {
    "longest_grant": ("client__project__longest_grant", "project__longest_grant"),
    "guest_longest_grant": ("project__guest_longest_grant",),
}


def client_lives(client: ClientFacts, issued_at: datetime) -> bool:
    """Whether the client is enabled and neither its nor its project's tokens were ended since."""
    return client.enabled and not ended(issued_at, client.tokens_not_before, client.project.tokens_not_before)


def expired(expires: datetime | None) -> bool:
    return expires is not None and clock.now() >= expires


def ended(issued_at: datetime, *not_before: datetime | None) -> bool:
    """Whether what was issued then was ended later."""
    return any(issued_at < moment for moment in not_before if moment is not None)
