"""The only writer of codes, tokens and authorizations: read what is needed once, decide elsewhere, write once.

Refused requests write nothing. What has to end because somebody used a code or token twice is ended after the failed
transaction, in one of its own.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import orjson
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import SignIn, User
from clients.models import AccessToken, Authorization, Grant, RefreshToken, RevokedToken
from common.sql import Insert, write
from projects.models import Consent
from provider.facts import ceiling_of, person_of, sign_in_of
from provider.keys.mint import ACCESS_TOKEN_TYPE, digest, verify
from provider.protocol import pkce
from provider.protocol.errors import InvalidGrant
from provider.protocol.facts import NO_CHALLENGE, Ceiling, Challenge, ClientFacts, PersonFacts, SignInFacts
from provider.protocol.refresh import Use
from provider.protocol.request import AuthorizationRequest, TokenRequest
from provider.store import events, generations, live, statements
from provider.store.generations import UNUSABLE, Reused
from provider.store.statements import AuthorizationRow

CODE_LIFETIME = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Opened:
    """A code or refresh token that may still be used: what it stands for."""

    digest: str
    authorization_id: str
    ceiling: Ceiling
    person: PersonFacts
    sign_in: SignInFacts
    authorized_at: datetime
    redirect_uri: str = ""
    challenge: Challenge = NO_CHALLENGE
    nonce: str = ""
    generation: int | None = None  # None: a code
    use: Use = Use.CURRENT
    expires: datetime | None = None  # of a refresh token; None: until revoked


def authorize(
    request: AuthorizationRequest, user: User, sign_in: SignIn, consent: Consent | None, *, acr: str
) -> Authorization:
    """A completed authorization: the ceiling of everything that follows from it. `acr`: what its tokens will say."""
    ceiling = request.ceiling
    return Authorization.objects.create(
        client_id=request.client.id,
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
        expires=timezone.now() + CODE_LIFETIME,
        redirect_uri=redirect_uri,
        code_challenge=request.challenge.value,
        code_challenge_method=request.challenge.method,
        nonce=request.params.one("nonce"),
    )


def open_code(code: str, client: ClientFacts, verifier: str = "") -> Opened:
    """The code of this client; raises InvalidGrant, and Reused when it was used before (RFC 6749 4.1.2).

    Anybody may speak as a public client, and codes stay in histories: only who knows the verifier ends anything.
    """
    code_digest = digest(code)
    row = statements.code(code_digest)
    if row is None or row.authorization.client_id != client.id:
        raise InvalidGrant(UNUSABLE)
    challenge = Challenge(row.challenge, row.challenge_method)
    if row.used_at is not None:
        if client.public and not pkce.fits(verifier, challenge):
            raise InvalidGrant(UNUSABLE)
        raise Reused(str(row.authorization.id), "code")
    signed_in = row.authorization.signed_in
    if live.expired(row.expires) or not signed_in or not live.authorization_lives(row.authorization, row.created):
        raise InvalidGrant(UNUSABLE)
    return _opened(
        code_digest,
        row.authorization,
        redirect_uri=row.redirect_uri,
        challenge=challenge,
        nonce=row.nonce,
    )


def open_refresh(token: str, client: ClientFacts) -> Opened:
    """The refresh token of this client; raises InvalidGrant, and Reused when somebody else has it too."""
    return opened_refresh(digest(token), statements.refresh_token(digest(token)), client)


def opened_refresh(token_digest: str, row: statements.Refresh | None, client: ClientFacts) -> Opened:
    """What `open_refresh` answers, for a row that was read already."""
    if row is None or row.authorization.client_id != client.id:
        raise InvalidGrant(UNUSABLE)
    if not live.authorization_lives(row.authorization, row.created):
        raise InvalidGrant(UNUSABLE)
    use = generations.use_of(row.authorization, token_digest, row.generation)
    if use is Use.CROWDED or live.expired(row.expires):
        raise InvalidGrant(UNUSABLE)
    return _opened(token_digest, row.authorization, generation=row.generation, use=use, expires=row.expires)


def issue(
    decided: TokenRequest,
    opened: Opened | None,
    *,
    access_token: str,
    lifetime: int,
    refresh_token: str = "",
    stored: bool = True,
) -> None:
    """Consume the code or advance the generation, and keep the new tokens: all of it or nothing.

    `lifetime` of the access token in seconds; `stored` False: it is a JWT and needs no row.
    """
    now = timezone.now()
    rows = []
    if stored:
        rows.append(_access_token(decided, opened, access_token, now, lifetime))
    if decided.target is not None and opened is not None:
        rows.append(events.cross_client_token(decided.client, decided.target, opened.person.sub, now))
    try:
        _write(decided, opened, rows, refresh_token, now)
    except IntegrityError as error:
        # The Authorization was deleted in this very moment: the person took everything back, or left for good.
        raise InvalidGrant(UNUSABLE) from error


def _access_token(decided: TokenRequest, opened: Opened | None, token: str, now: datetime, lifetime: int) -> Insert:
    return statements.new_access_token(
        digest=digest(token),
        application_id=decided.client.id,
        authorization_id=uuid.UUID(opened.authorization_id) if opened else None,
        created=now,
        expires=now + timedelta(seconds=lifetime),
        scope=" ".join(decided.scopes),
        resource=orjson.dumps(decided.audience).decode(),
    )


def _write(decided: TokenRequest, opened: Opened | None, rows: list[Insert], refresh_token: str, now: datetime) -> None:
    """These rows and the refresh token, if what was presented may still be used; uses it up."""
    if opened is None:
        write(rows)
        return
    again = opened.generation is not None and not decided.client.rotates and opened.use is Use.CURRENT
    if again:
        generations.use_again(opened.digest, decided.client, opened.authorized_at, opened.expires, rows, now)
        return
    generation = 0 if opened.generation is None else opened.generation + 1
    if refresh_token:
        whose = (opened.authorization_id, generation, decided.client, opened.authorized_at, now)
        rows.append(generations.row(refresh_token, *whose))
    if opened.generation is not None:
        generations.advance(opened.authorization_id, opened.digest, opened.generation, opened.use, rows, now)
    elif not write(rows, statements.use_code(opened.digest, now)):
        raise Reused(opened.authorization_id, "code")


def grant_refresh_token(client: ClientFacts, user: User, scopes: tuple[str, ...], token: str) -> Authorization:
    """An Authorization with a refresh token that no browser was needed for: an operator vouches for the person.

    For demonstrations and tests. What the person allowed their project hangs from their consent, as always.
    """
    with transaction.atomic():
        consent, _created = Consent.objects.get_or_create(user=user, project_id=client.project.id)
        authorization = Authorization.objects.create(
            client_id=client.id,
            user=user,
            consent=consent,
            scopes=list(scopes),
            asked_scopes=list(scopes),
            offline=True,
            auth_time=timezone.now(),
        )
        now = timezone.now()
        write([generations.row(token, str(authorization.pk), 0, client, now, now)])
    return authorization


def end(authorization_id: str, because: str) -> None:
    """End an Authorization and with it every code and token that points to it. Idempotent."""
    Authorization.objects.filter(pk=authorization_id, ended_at__isnull=True).update(
        ended_at=timezone.now(), ended_because=because
    )


def end_reused(reused: Reused, client: ClientFacts) -> None:
    """What a second use leads to: the Authorization ends, and it is on record."""
    end(reused.authorization_id, f"{reused.what} used twice")
    events.reuse(client, reused.what, reused.authorization_id)


def _opened(token_digest: str, authorization: AuthorizationRow, **more: object) -> Opened:
    return Opened(
        digest=token_digest,
        authorization_id=str(authorization.id),
        ceiling=ceiling_of(authorization),
        person=person_of(authorization),
        sign_in=sign_in_of(authorization),
        authorized_at=authorization.created_at,
        **more,  # type: ignore[arg-type]
    )


def revoke(token: str, client: ClientFacts) -> None:
    """End one of this client's tokens; a refresh token ends its Authorization (RFC 7009 section 2.1)."""
    refresh = RefreshToken.objects.filter(digest=digest(token), authorization__client=client.id).first()
    if refresh is not None:
        end(str(refresh.authorization_id), "revoked by the client")
        return
    if token.count(".") == 2:
        _deny(token, client)
        return
    own = AccessToken.objects.filter(digest=digest(token), application=client.id, revoked_at__isnull=True)
    own.update(revoked_at=timezone.now())


def _deny(token: str, client: ClientFacts) -> None:
    """A JWT is not stored: its `jti` goes on the deny-list until it would have expired."""
    claims = verify(token, ACCESS_TOKEN_TYPE)
    if claims is not None and claims["client_id"] == client.client_id:
        expires = datetime.fromtimestamp(claims["exp"], UTC)
        RevokedToken.objects.get_or_create(jti=claims["jti"], defaults={"expires": expires})
