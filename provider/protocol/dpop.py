"""A DPoP proof: what its header and its claims have to say (RFC 9449 section 4.3). Signatures are checked elsewhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from provider.protocol.errors import InvalidDpopProof, InvalidRequest, UnauthorizedClient
from provider.protocol.facts import Json
from provider.protocol.foreign_jwt import Unacceptable, check_age, text
from provider.protocol.request import AuthorizationRequest

TYPE = "dpop+jwt"
MAX_AGE = 300  # seconds for which a proof may be shown
MAX_URL = 2048
_URL = re.compile(r"[!-~]+")  # a parser would take out line ends
_PORTS = {"http": 80, "https": 443}
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256, base64url


@dataclass(frozen=True, slots=True)
class Expected:
    """The request that the proof came with. `urls`: of its endpoint, `normalized`. `now` in seconds since 1970."""

    method: str
    urls: Collection[str]
    now: int
    access_token: str = ""  # empty: none goes with it


class Use(NamedTuple):
    """What is remembered of a proof, and for how many seconds: nobody may show it again while it is fresh."""

    jti: str
    seconds: int


def key_of(header: Mapping[str, Json], algorithms: Collection[str]) -> tuple[str, Mapping[str, Json]]:
    """The algorithm and the JWK, from a header that is one of a proof."""
    if header.get("typ") != TYPE:
        raise InvalidDpopProof(f"typ in the header of the DPoP proof must be {TYPE}.")
    algorithm, jwk = header.get("alg"), header.get("jwk")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidDpopProof(f"alg of the DPoP proof must be one of {', '.join(algorithms)}.")
    if not isinstance(jwk, Mapping):
        raise InvalidDpopProof("jwk is missing in the header of the DPoP proof.")
    return algorithm, jwk


def check(claims: Mapping[str, Json], expected: Expected) -> Use:
    """How it is used up, when its claims are of this request and this moment."""
    if claims.get("htm") != expected.method:
        raise InvalidDpopProof(f"htm of the DPoP proof must be {expected.method}.")
    url = claims.get("htu")
    if not isinstance(url, str) or (url not in expected.urls and normalized(url) not in expected.urls):
        raise InvalidDpopProof("htu of the DPoP proof must be the URL of this endpoint.")
    if expected.access_token:
        _check_hash(claims.get("ath"), expected.access_token)
    try:
        return Use(text(claims, "jti"), check_age(claims, expected.now, MAX_AGE))
    except Unacceptable as error:
        raise InvalidDpopProof(f"The DPoP proof does not hold: {error}") from None


def nonce_of(claims: Mapping[str, Json]) -> str:
    """The nonce of ours that it says it knows; empty: none."""
    nonce = claims.get("nonce", "")
    if not isinstance(nonce, str):
        raise InvalidDpopProof("nonce of the DPoP proof must be a text.")
    return nonce


def _check_hash(ath: Json, access_token: str) -> None:
    if not isinstance(ath, str) or not hmac.compare_digest(ath.encode(errors="replace"), hash_of(access_token)):
        raise InvalidDpopProof("ath of the DPoP proof must be the hash of the access token.")


def hash_of(access_token: str) -> bytes:
    """`ath` (RFC 9449 section 4.2)."""
    digest = hashlib.sha256(access_token.encode(errors="replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=")


def normalized(url: str) -> str:
    """Without query and fragment, as two spellings of one URL compare (RFC 9449 section 4.3); empty: it is none."""
    if len(url) > MAX_URL or not _URL.fullmatch(url):
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    own_port = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{own_port}{parts.path.removesuffix('/')}"


def at_authorization(request: AuthorizationRequest) -> None:
    """`dpop_jkt`: the code will be worth something to the holder of this key only (RFC 9449 section 10).

    What comes through a browser is bound to nobody, so a client whose tokens are bound gets none there (rule G4).
    """
    client = request.client
    if (client.dpop_bound or client.certificate_bound) and "token" in request.channel.response_type.split():
        raise UnauthorizedClient("Access tokens of this client are bound to it: ask with response_type=code.")
    jkt = request.params.one("dpop_jkt")
    if jkt and not _THUMBPRINT.fullmatch(jkt):
        raise InvalidRequest("dpop_jkt must be the SHA-256 thumbprint of a key, in base64url.")
