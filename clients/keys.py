"""The public keys of a client, as `jwks` registers them: a JWK Set (RFC 7517). Pure: no rows are read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import jws
from common.json_type import Json
from projects.problems import Problem

MAX_KEYS = 10
MAX_KID = 255  # characters
WORDS = {
    jws.PRIVATE: gettext_lazy("It has a private part, or is a shared secret. Register the public key only."),
    jws.UNKNOWN: gettext_lazy("It is of a kind not known here. Keys are RSA, EC on P-256, or OKP on Ed25519."),
    jws.WEAK: gettext_lazy("RSA keys have 2048 bits at least, and 8192 at most."),
    jws.EXPONENT: gettext_lazy("The exponent of an RSA key is an odd number of at most 32 bits."),
    jws.OFF_CURVE: gettext_lazy("Its point is not on the curve."),
    jws.NOBODYS: gettext_lazy("Its point has a small order: anybody can sign with it. Make another key."),
    jws.MALFORMED: gettext_lazy("A member is missing, or is not base64url of its right length."),
}


def problems(jwks: Json) -> list[Problem]:
    """What is wrong with a key set, each problem at its key."""
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list):
        return [Problem("jwks", _("Write a JWK Set (RFC 7517): an object with a list of keys."))]
    if len(keys) > MAX_KEYS:
        return [Problem("jwks.keys", _("There are at most %(most)s keys.") % {"most": MAX_KEYS})]
    found = [one for index, key in enumerate(keys) for one in _key_problems(key, index)]
    return found or list(_repeated(keys))


def _key_problems(key: Json, index: int) -> Iterator[Problem]:
    place = f"jwks.keys[{index}]"

    def told(member: str, problem: str) -> Problem:
        message = _("Key %(number)s: %(problem)s") % {"number": index + 1, "problem": problem}
        return Problem(f"{place}.{member}" if member else place, message)

    if not isinstance(key, Mapping):
        yield told("", _("A key is a JSON object."))
        return
    try:
        public = jws.public_key(key)
    except jws.BadKey as error:
        yield told(error.member, str(WORDS[error.sentence]))
        return
    kid, use, operations, alg = key.get("kid", ""), key.get("use", "sig"), key.get("key_ops"), key.get("alg", "")
    if not isinstance(kid, str) or len(kid) > MAX_KID or not kid.isprintable():
        yield told("kid", _("Its ID is a text of at most %(most)s characters.") % {"most": MAX_KID})
    if use != "sig" or (operations is not None and (not isinstance(operations, list) or "verify" not in operations)):
        yield told("use" if use != "sig" else "key_ops", _("It is not for signatures, and nothing else is done here."))
    if alg and (not isinstance(alg, str) or not jws.fits(alg, public)):
        message = _("Its algorithm is not one of %(names)s, or is for other keys.")
        yield told("alg", message % {"names": ", ".join(jws.ALGORITHMS)})


def _repeated(keys: list[Mapping[str, Json]]) -> Iterator[Problem]:
    """Tokens name a key by its ID."""
    kids = [_kid(key) for key in keys]
    for index, kid in enumerate(kids):
        if kid in kids[:index]:
            message = _("Key %(number)s has the ID of another one.") % {"number": index + 1}
            yield Problem(f"jwks.keys[{index}].kid", message)


def settled(jwks: Json) -> Json:
    """What is kept of it: of each key what makes it one, its ID and its algorithm. None where there is no key.

    One without an ID has its thumbprint. What is not a good set stays as it is: it is refused.
    """
    if jwks is None or problems(jwks) or not isinstance(jwks, Mapping):
        return jwks
    return {"keys": [_settled(key) for key in keys_of(jwks)]} if keys_of(jwks) else None


def keys_of(jwks: Json) -> list[Mapping[str, Json]]:
    """The keys of a good set."""
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    return [key for key in keys if isinstance(key, Mapping)] if isinstance(keys, list) else []


def _settled(key: Mapping[str, Json]) -> dict[str, Json]:
    kept = {name: key[name] for name in jws.MEMBERS[str(key["kty"])]}
    return {**kept, "kid": _kid(key), **({"alg": key["alg"]} if key.get("alg") else {})}


def _kid(key: Mapping[str, Json]) -> str:
    return str(key.get("kid") or jws.thumbprint(key))


def described(jwks: Json) -> Json:
    """As an event tells it: each key with its thumbprint, so that another key of the same ID is another."""
    if jwks is None or problems(jwks):
        return None if jwks is None else "not a JWK Set"
    return [f"{_kid(key)} ({key.get('alg') or key['kty']}, {jws.thumbprint(key)})" for key in keys_of(jwks)]


def thumbprints(jwks: Json) -> set[str]:
    return set() if problems(jwks) else {jws.thumbprint(key) for key in keys_of(jwks)}


def text_of(jwks: Json) -> str:
    """A settled set as one text, always the same."""
    return json.dumps(jwks, sort_keys=True, separators=(",", ":")) if jwks else ""
