"""JWTs: access tokens and ID tokens that we signed, and those of somebody else, of whom only the issuer is told."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import orjson
from django.conf import settings

from clients.models import SigningKey
from clients.models.keys import KeyState
from common import jws
from common.command_output import told
from common.json_type import Json
from provider import facts
from provider.inspection.held import Held, No, Why
from provider.inspection.opaque import Looked
from provider.inspection.why import ACCESS, ID, not_let_in, of_client, of_person
from provider.inspection.why import of as why
from provider.keys import mint, rotation
from provider.protocol.access_tokens import lives_too_long
from provider.protocol.claims import actors_of
from provider.protocol.confirmation import Confirmation
from provider.store import find, statements, whose

Claims = dict[str, Json]


def access_token(text: str) -> Looked | None:
    claims = mint.verify(text, mint.ACCESS_TOKEN_TYPE)
    if claims is None or claims.get("iss") != settings.IDP_ISSUER:
        return None
    jti = str(claims["jti"])
    prefix, of_a_person, _rest = jti.partition(".")
    held = Held(
        kind=ACCESS,
        form="JWT",
        client=facts.find_client(str(claims["client_id"])),
        issued_at=_moment(claims["iat"]),
        expires=_moment(claims["exp"]),
        behind=statements.authorization(uuid.UUID(prefix)) if of_a_person else None,
        scopes=tuple(str(claims["scope"]).split()),
        audience=_audience(claims["aud"]),
        bound=Confirmation.of(claims.get("cnf")),
        actors=actors_of(claims.get("act")),
    )
    return held, find.access_token(text) is not None, _of_access_token(jti, claims, held)


def _of_access_token(jti: str, claims: Claims, held: Held) -> Why:
    if statements.denied(jti):
        yield No("statements.denied", "It was revoked.")
    if held.behind is None and "." in jti:
        yield No("statements.behind_jwt", "What the person allowed is not there any more.")
    lifetime = held.client.access_token_lifetime if held.client else 0
    if held.client is not None and lives_too_long(lifetime, _seconds(claims["iat"]), _seconds(claims["exp"])):
        yield No("access_tokens.lives_too_long", "It claims to live longer than its client's tokens ever did.")
    yield from why(held)


def id_token(text: str) -> Looked | None:
    """An ID token stands for itself; it hangs from no authorization."""
    claims = mint.verify_id_token(text)
    if claims is None or claims.get("iss") != settings.IDP_ISSUER:
        return None
    held = Held(
        kind=ID,
        form="JWT",
        client=facts.find_client(str(claims["azp"])),
        issued_at=_moment(claims["iat"]),
        expires=_moment(claims["exp"]),
        audience=_audience(claims["aud"]),
    )
    return held, find.id_token(text) is not None, _of_id_token(claims, held)


def _of_id_token(claims: Claims, held: Held) -> Why:
    yield from why(held)
    for client_id in held.audience:
        found = facts.find_client(client_id)
        if found is None:
            yield No("find.id_token", f"The client it is for, {client_id}, was deleted.")
            continue
        yield from of_client(found, held.issued_at)
        if lives_too_long(found.id_token_lifetime, _seconds(claims["iat"]), _seconds(claims["exp"])):
            yield No("access_tokens.lives_too_long", "It claims to live longer than its client's ID tokens ever did.")
    if held.client is not None and held.client.guest:
        yield No("find.id_token", "It is of a guest app, and does not say which project let that in.")
    person = whose.person_of(claims)
    if person is None:
        yield No("find.id_token", "The person's account is gone.")
        return
    yield from of_person(person.is_active, person.tokens_not_before, held.issued_at)
    for one in facts.find_clients({*held.audience, str(claims["azp"])}).values():
        yield from not_let_in(one, person.pk)


def sub_of(text: str) -> str:
    """Whom an ID token that we signed speaks of; a pairwise one whose person is not found, by what it says."""
    claims = mint.verify_id_token(text)
    return str(whose.ours(claims)["sub"] or claims.get("sub", "")) if claims else ""


def not_ours(text: str) -> tuple[No, Claims]:
    """Why nobody takes this for a token of ours; and who it says made it, which nothing proves."""
    header, claims = (_unverified(part) for part in text.split(".")[:2])
    said: Claims = {f"claimed_{name}": str(claims[name])[:200] for name in ("iss",) if name in claims}
    if len(text) > mint.MAX_JWT:
        return No("mint.verify", "It is longer than any of ours."), {}
    kid = header.get("kid")
    key = SigningKey.objects.filter(pk=kid).first() if isinstance(kid, str) and "\0" not in kid else None
    if key is None:
        return No("mint.verify", "No key of this provider has its kid: somebody else made it, or long ago."), said
    if key.state == KeyState.REVOKED:
        return No("rotation.believed", f"The key it names was revoked on {told(key.believed_until)}."), said
    if not rotation.believed(key, timedelta()):
        return No("rotation.believed", f"The key it names is not believed since {told(key.believed_until)}."), said
    return No("mint.verify", "Its signature, its header or its time of issue is not of ours: it was changed."), said


def _unverified(part: str) -> Claims:
    try:
        found = orjson.loads(jws.decode(part) or b"")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _moment(seconds: Json) -> datetime:
    return datetime.fromtimestamp(_seconds(seconds), UTC)


def _seconds(value: Json) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _audience(said: Json) -> tuple[str, ...]:
    return tuple(map(str, said)) if isinstance(said, list) else (str(said),)
