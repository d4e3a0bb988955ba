"""The only writer of codes, tokens and authorizations: read what is needed once, decide elsewhere, write once.

Refused requests write nothing. What has to end because somebody used a code or token twice is ended after the failed
transaction, in one of its own.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import orjson
from django.db import IntegrityError, transaction

from accounts.models import SignIn, User
from clients.models import AccessToken, Authorization, Grant, RefreshToken, RevokedToken
from common import clock
from common.sql import Guard, Insert, refers_to_nothing, write
from projects import ends
from projects.models import Consent
from provider.facts import ceiling_of, person_of, sign_in_of
from provider.keys.mint import ACCESS_TOKEN_TYPE, digest, opaque, verify
from provider.protocol import pkce
from provider.protocol.confirmation import NOT_BOUND, Confirmation, for_refresh_token
from provider.protocol.errors import InvalidGrant, TemporarilyUnavailable
from provider.protocol.facts import NO_CHALLENGE, Challenge, ClientFacts
from provider.protocol.request import AuthorizationRequest, Subject, TokenRequest
from provider.store import events, generations, statements
from provider.store.presented import NONE_FOLLOWS, NOTHING, UNUSABLE, Following, Presented, Reused, Spend
from provider.store.statements import AuthorizationRow

logger = logging.getLogger(__name__)
CODE_LIFETIME = timedelta(seconds=60)
RETRY_WINDOW = timedelta(seconds=10)  # after the first use of a code, in which its own client may have lost the answer


@dataclass(frozen=True, slots=True)
class Minted:
    """What is kept of the tokens of one answer. `lifetime` of the access token, in seconds."""

    access_token: str = field(repr=False)
    lifetime: int
    refresh_token: str = field(repr=False)  # empty: there is none
    stored: bool  # the access token needs a row: it is no JWT


@dataclass(frozen=True, slots=True)
class Code:
    """A code is used once; a refresh token that follows it is the first generation. `use`: what marks it as used."""

    renews: ClassVar[bool] = True

    digest: str
    authorization_id: uuid.UUID
    authorized_at: datetime
    use: Callable[[str, uuid.UUID, datetime], Guard] = statements.use_code

    def successor(self) -> str:
        return opaque()

    def keep(self, rows: Sequence[Insert], following: Following, client: ClientFacts, now: datetime) -> None:
        first = generations.row(following, self.authorization_id, 0, client, self.authorized_at, now)
        if not write([*rows, first] if following else rows, self.use(self.digest, self.authorization_id, now)):
            raise InvalidGrant(UNUSABLE)  # used in this very moment: a retry, for it brought all that the first one did


def authorize(
    request: AuthorizationRequest, user: User, sign_in: SignIn, consent: Consent | None, *, acr: str
) -> Authorization:
    """A completed authorization: the ceiling of everything that follows from it. `acr`: what its tokens will say."""
    ceiling, now = request.ceiling, clock.now()
    chosen = request.choice.ends_at if request.choice is not None else None
    return Authorization.objects.create(
        created_at=now,
        ends_at=ends.earliest(chosen, ends.after(now, request.client.project.longest_grant)),
        client_id=request.client.id,
        project_id=request.client.project.id if request.client.guest else None,
        user=user,
        sign_in=sign_in,
        consent=consent,
        scopes=list(ceiling.scopes),
        audiences=list(ceiling.audiences),
        asked_scopes=list(ceiling.asked_scopes),
        asked_audiences=list(ceiling.asked_audiences),
        default_audiences=list(ceiling.default_audiences),
        offline=ceiling.offline,
        narrowed=ceiling.narrowed,
        claims={member: list(names) for member, names in asdict(ceiling.claims).items() if names},
        auth_time=sign_in.auth_time,
        acr=acr,
        amr=sign_in.amr,
    )


def save_code(code: str, authorization: Authorization, redirect_uri: str, request: AuthorizationRequest) -> None:
    Grant.objects.create(
        digest=digest(code),
        authorization=authorization,
        expires=clock.now() + CODE_LIFETIME,
        redirect_uri=redirect_uri,
        code_challenge=request.challenge.value,
        code_challenge_method=request.challenge.method,
        nonce=request.params.one("nonce"),
        dpop_jkt=request.params.one("dpop_jkt"),
    )


def in_front(authorization_id: uuid.UUID, nonce: str) -> Presented:
    """An Authorization of this transaction, for tokens that the browser brings at once."""
    behind = statements.authorization(authorization_id)
    if behind is None:
        raise InvalidGrant(UNUSABLE)
    return of_authorization(NOTHING, behind, behind.created_at, None, nonce=nonce)


def open_code(code: str, client: ClientFacts, verifier: str = "", redirect_uri: str = "") -> Presented:
    """The code of this client; raises InvalidGrant, and Reused when it was used before (RFC 6749 4.1.2)."""
    row = statements.code(digest(code))
    if row is None or row.authorization.client_id != client.id:
        raise InvalidGrant(UNUSABLE)
    behind, challenge = row.authorization, Challenge(row.challenge, row.challenge_method)
    if row.used_at is not None:
        raise _used_before(row, client, verifier, redirect_uri)
    if not behind.signed_in:  # offline access begins with the tokens
        raise InvalidGrant(UNUSABLE)
    return of_authorization(
        Code(digest(code), behind.id, behind.created_at),
        behind,
        row.created,
        row.expires,
        challenge=challenge,
        redirect_uri=row.redirect_uri,
        nonce=row.nonce,
        bound=Confirmation(jkt=row.dpop_jkt),
    )


def _used_before(row: statements.Code, client: ClientFacts, verifier: str, redirect_uri: str) -> InvalidGrant:
    """Whether a second use ends the Authorization (protocol section 5.6).

    Anybody may speak as a public client, and codes stay in histories: only who knows the verifier ends anything. Within
    a few seconds the same verifier and redirect URI are the same party, which did not hear the answer or asked twice.
    """
    challenge = Challenge(row.challenge, row.challenge_method)
    fits = pkce.fits(verifier, challenge) if challenge.value else not (client.public or verifier)
    named = {row.redirect_uri} if row.redirect_uri else {"", *client.redirect_uris}
    just_now = row.used_at is not None and clock.now() - row.used_at <= RETRY_WINDOW
    if (fits and just_now and redirect_uri in named) or (client.public and not fits):
        return InvalidGrant(UNUSABLE)
    return Reused(row.authorization.id, "code")


def open_refresh(token: str, client: ClientFacts) -> Presented:
    """The refresh token of this client; raises InvalidGrant, and Reused when somebody else has it too."""
    return of_refresh_token(token, statements.refresh_token(digest(token)), client)


def of_refresh_token(token: str, row: statements.Refresh | None, client: ClientFacts) -> Presented:
    """What `open_refresh` answers, for a row that was read already."""
    if row is None or row.authorization.client_id != client.id or row.authorization.ended_at is not None:
        raise InvalidGrant(UNUSABLE)
    spend = generations.spend_of(row, token, client)
    return of_authorization(spend, row.authorization, row.created, row.expires, bound=Confirmation.of(row.cnf))


def of_authorization(
    spend: Spend,
    authorization: AuthorizationRow,
    issued_at: datetime,
    expires: datetime | None,
    *,
    challenge: Challenge = NO_CHALLENGE,
    redirect_uri: str = "",
    nonce: str = "",
    bound: Confirmation = NOT_BOUND,
) -> Presented:
    """What hangs from this Authorization, and how it is spent."""
    return Presented(
        Subject.PERSON,
        spend,
        issued_at,
        expires,
        behind=(authorization,),
        authorization_id=authorization.id,
        ceiling=ceiling_of(authorization),
        person=person_of(authorization),
        sign_in=sign_in_of(authorization),
        challenge=challenge,
        redirect_uri=redirect_uri,
        nonce=nonce,
        bound=bound,
    )


def issue(decided: TokenRequest, presented: Presented, minted: Minted) -> None:
    """Spend what was presented, and keep the new tokens: all of it or nothing."""
    now = clock.now()
    rows = [_access_token(decided, presented, minted, now)] if minted.stored else []
    if decided.target is not None:
        rows.append(events.cross_client_token(decided.client, decided.target, presented.sub, now))
    if presented.exchanged is not None:
        audience = [decided.target.client_id] if decided.target else decided.audience
        rows.append(events.exchanged(decided.client, presented.exchanged.client, presented.sub, audience, now))
    try:
        presented.spend.keep(rows, _following(decided, minted), decided.client, now)
    except IntegrityError as error:
        # The Authorization was deleted in this very moment: the person took everything back, or left for good.
        if refers_to_nothing(error):
            raise InvalidGrant(UNUSABLE) from error
        said, _line, _row = str(error).partition("\n")
        logger.error("The database refused new tokens: %s", said)
        raise TemporarilyUnavailable("The provider cannot keep tokens now. Try again.") from error


def _following(decided: TokenRequest, minted: Minted) -> Following:
    if not minted.refresh_token:
        return NONE_FOLLOWS
    return Following(minted.refresh_token, for_refresh_token(decided.shown, public=decided.client.public))


def _access_token(decided: TokenRequest, presented: Presented, minted: Minted, now: datetime) -> Insert:
    expires, more = now + timedelta(seconds=minted.lifetime), {}
    if presented.exchanged is not None:
        expires = min(expires, presented.expires or expires)  # some milliseconds passed since what is left was counted
        more = {"actors": " ".join(presented.exchanged.actors), "came_from": " ".join(presented.exchanged.came_from)}
    return statements.new_access_token(
        digest=digest(minted.access_token),
        application_id=decided.client.id,
        authorization_id=presented.authorization_id,
        created=now,
        expires=expires,
        scope=" ".join(decided.scopes),
        resource=orjson.dumps(decided.audience).decode(),
        cnf=decided.shown.text,
        **more,
    )


def grant_refresh_token(client: ClientFacts, user: User, scopes: tuple[str, ...], token: str) -> Authorization:
    """An Authorization with a refresh token that no browser was needed for: an operator vouches for the person.

    For demonstrations and tests. What the person allowed their project hangs from their consent, as always.
    """
    with transaction.atomic():
        consent, _created = Consent.objects.get_or_create(user=user, project_id=client.project.id)
        now = clock.now()
        authorization = Authorization.objects.create(
            created_at=now,
            ends_at=ends.after(now, client.project.longest_grant),
            client_id=client.id,
            user=user,
            consent=consent,
            scopes=list(scopes),
            asked_scopes=list(scopes),
            offline=True,
            auth_time=now,
        )
        write([generations.row(Following(token), authorization.pk, 0, client, now, now)])
    return authorization


def end(authorization_id: uuid.UUID | str, because: str) -> None:
    """End an Authorization and with it every code and token that points to it. Idempotent."""
    Authorization.objects.filter(pk=authorization_id, ended_at__isnull=True).update(
        ended_at=clock.now(), ended_because=because
    )


def end_reused(reused: Reused, client: ClientFacts) -> None:
    """What a second use leads to: the Authorization ends, and it is on record."""
    with transaction.atomic():
        end(reused.authorization_id, f"{reused.what} used twice")
        events.reuse(client, reused.what, str(reused.authorization_id))


def revoke(token: str, client: ClientFacts) -> None:
    """End one of this client's tokens; a refresh token ends its Authorization (RFC 7009 section 2.1)."""
    refresh = RefreshToken.objects.filter(digest=digest(token), authorization__client=client.id).first()
    if refresh is not None:
        end(refresh.authorization_id, "revoked by the client")
        return
    if token.count(".") == 2:
        _deny(token, client)
        return
    own = AccessToken.objects.filter(digest=digest(token), application=client.id, revoked_at__isnull=True)
    own.update(revoked_at=clock.now())


def _deny(token: str, client: ClientFacts) -> None:
    """A JWT is not stored: its `jti` goes on the deny-list until it would have expired."""
    claims = verify(token, ACCESS_TOKEN_TYPE)
    if claims is not None and claims["client_id"] == client.client_id:
        expires = datetime.fromtimestamp(claims["exp"], UTC)
        RevokedToken.objects.get_or_create(jti=claims["jti"], defaults={"expires": expires})
