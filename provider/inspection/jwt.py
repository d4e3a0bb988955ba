"""JWTs: access tokens and ID tokens that we signed, and those of somebody else, of whom only the issuer is told."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import orjson
from django.conf import settings
from django.utils.translation import gettext as _

from clients.models import SigningKey
from clients.models.keys import KeyState
from common import clock, jws
from common.command_output import told as said_moment
from common.json_type import Json
from provider import facts
from provider.endpoints.introspect import SIGNED_TYPE
from provider.inspection.held import Held, No, Why
from provider.inspection.opaque import Looked
from provider.inspection.why import ACCESS, ID, expired, not_let_in, of_client, of_person
from provider.inspection.why import of as why
from provider.keys import mint, rotation
from provider.logout_notices import LOGOUT_TOKEN_TYPE
from provider.protocol.access_tokens import lives_too_long
from provider.protocol.claims import actors_of
from provider.protocol.confirmation import Confirmation
from provider.store import find, live, statements, whose
from provider.telling import sets

Claims = dict[str, Json]
# What else we sign, by the `typ` in its header.
TOLD = {
    LOGOUT_TOKEN_TYPE: "logout token",
    sets.TYPE: "security event token",
    SIGNED_TYPE: "signed introspection",
    mint.ID_TOKEN_TYPE: "signed answer",
}


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
        yield No("statements.denied", _("It was revoked."))
    if held.behind is None and "." in jti:
        yield No("statements.behind_jwt", _("What the person allowed is not there any more."))
    lifetime = held.client.access_token_lifetime if held.client else 0
    if held.client is not None and lives_too_long(lifetime, _seconds(claims["iat"]), _seconds(claims["exp"])):
        said = _("It claims to live longer than its client's tokens ever did.")
        yield No("access_tokens.lives_too_long", said)
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
            yield No("find.id_token", _("The client it is for, %(client)s, was deleted.") % {"client": client_id})
            continue
        yield from of_client(found, held.issued_at)
        if lives_too_long(found.id_token_lifetime, _seconds(claims["iat"]), _seconds(claims["exp"])):
            said = _("It claims to live longer than its client's ID tokens ever did.")
            yield No("access_tokens.lives_too_long", said)
    if held.client is not None and held.client.guest:
        said = _("It is of a guest app, and does not say which project let that in.")
        yield No("find.id_token", said)
    person = whose.person_of(claims)
    if person is None:
        yield No("find.id_token", _("The person's account is gone."))
        return
    yield from of_person(person.is_active, person.tokens_not_before, held.issued_at)
    for one in facts.find_clients({*held.audience, str(claims["azp"])}).values():
        yield from not_let_in(one, person.pk)


def told(text: str) -> Looked | None:
    """What we signed to tell an app something. It stands for nothing here: whoever shows it gets nothing for it."""
    found = ((kind, mint.verify(text, typ)) for typ, kind in TOLD.items())
    kind, claims = next(((kind, claims) for kind, claims in found if claims is not None), ("", None))
    if claims is None or claims.get("iss") != settings.IDP_ISSUER:
        return None
    audience = _audience(claims.get("aud", ""))
    held = Held(
        kind=kind,
        form="JWT",
        client=facts.find_client(audience[0]) if audience else None,
        issued_at=_moment(claims.get("iat", claims.get("exp", clock.seconds()))),
        expires=_moment(claims["exp"]) if "exp" in claims else None,
        audience=audience,
    )
    return held, not live.expired(held.expires), expired(held)


def sub_of(text: str) -> str:
    """Whom an ID token that we signed speaks of; a pairwise one whose person is not found, by what it says."""
    claims = mint.verify_id_token(text)
    return str(whose.ours(claims)["sub"] or claims.get("sub", "")) if claims else ""


def not_ours(text: str) -> tuple[No, Claims]:
    """Why nobody takes this for a token of ours; and who it says made it, which nothing proves."""
    header, claims = (unverified(part) for part in text.split(".")[:2])
    said: Claims = {f"claimed_{name}": str(claims[name])[:200] for name in ("iss",) if name in claims}
    if len(text) > mint.MAX_JWT:
        return No("mint.verify", _("It is longer than any of ours.")), {}
    kid = header.get("kid")
    key = SigningKey.objects.filter(pk=kid).first() if isinstance(kid, str) and "\0" not in kid else None
    if key is None:
        reason = _("No key of this provider has its kid: somebody else made it, or long ago.")
        return No("mint.verify", reason), said
    if key.state == KeyState.REVOKED:
        reason = _("The key it names was revoked on %(moment)s.")
        return No("rotation.believed", reason % {"moment": said_moment(key.believed_until)}), said
    if not rotation.believed(key, timedelta()):
        reason = _("The key it names is not believed since %(moment)s.")
        return No("rotation.believed", reason % {"moment": said_moment(key.believed_until)}), said
    return No("mint.verify", _("Its signature, its header or its time of issue is not of ours: it was changed.")), said


def unverified(part: str) -> Claims:
    """What a part of a JWT says, whoever made it."""
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
