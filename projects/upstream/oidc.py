"""OpenID Connect from the side of a client: begin at a provider elsewhere, and read what it answers.

PKCE, state and nonce are always there. They are made from one random value, `state`, so that the session has to keep
nothing that would have to be kept secret.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote, urlencode

from common import clock, exchange, outbound, sealing
from common.json_type import Json
from projects.upstream import fetched
from projects.upstream.id_tokens import Expected, told_by, verified
from projects.upstream.told import Refused, Told, text_of

PURPOSE = "sign-in elsewhere"
SCOPES = "openid profile email"
GOOGLE = "https://accounts.google.com"
ENTRA = "https://login.microsoftonline.com"
WELL_KNOWN = "/.well-known/openid-configuration"
MAX_BYTES = 131_072
SECONDS = 8.0  # of one request


@dataclass(frozen=True, slots=True)
class Wish:
    """What the sign-in should be like: what an app asked us for, asked there as well."""

    fresh: bool = False  # prompt=login
    max_age: int | None = None
    login_hint: str = ""
    domain: str = ""  # that the person typed

    def proved_since(self, begun: int) -> int | None:
        """How lately they have to have proved it there, by when they went; None: no matter."""
        if self.fresh:
            return begun
        return None if self.max_age is None else begun - self.max_age


NO_WISH = Wish()


@dataclass(frozen=True, slots=True)
class Party:
    """We, as the provider there knows us."""

    issuer: str
    client_id: str
    secret: str
    redirect_uri: str
    scope: str = ""
    kind: str = "oidc"


def issuer_of(kind: str, issuer: str, tenant: str) -> str:
    """Who answers for a connector: each has one issuer, and what another says is not for it."""
    if kind == "google":
        return GOOGLE
    return f"{ENTRA}/{tenant}/v2.0" if kind == "entra" else issuer


def discovered(issuer: str) -> Mapping[str, Json]:
    """What the issuer says of itself (Discovery 1.0 section 4). Raises Refused."""
    found = fetched.document(issuer.rstrip("/") + WELL_KNOWN)
    if found.get("issuer") != issuer:
        raise Refused("another_issuer", "The metadata is of another issuer.")
    return found


def _endpoint(metadata: Mapping[str, Json], name: str) -> str:
    if address := text_of(metadata.get(name)):
        return address
    raise Refused("malformed", f"The metadata has no {name}.")


# --- There ---------------------------------------------------------------------------------------------------------


def begin(us: Party, state: str, wish: Wish) -> str:
    """Where the browser goes. Raises Refused."""
    return beginning(us, discovered(us.issuer), state, wish)


def beginning(us: Party, metadata: Mapping[str, Json], state: str, wish: Wish) -> str:
    asked = {
        "response_type": "code",
        "client_id": us.client_id,
        "redirect_uri": us.redirect_uri,
        "scope": " ".join(dict.fromkeys(f"{SCOPES} {us.scope}".split())),
        "state": state,
        "nonce": made_of(state, "nonce"),
        "code_challenge": challenge_of(made_of(state, "verifier")),
        "code_challenge_method": "S256",
    }
    if wish.fresh:  # Google knows no `prompt=login`
        asked |= {"prompt": "select_account" if us.kind == "google" else "login", "max_age": "0"}
    elif wish.max_age is not None:
        asked["max_age"] = str(wish.max_age)
    if wish.login_hint:
        asked["login_hint"] = wish.login_hint
    if wish.domain and us.kind in ("google", "entra"):
        asked["hd" if us.kind == "google" else "domain_hint"] = wish.domain
    address = _endpoint(metadata, "authorization_endpoint")
    if not address.startswith(("https://", "http://")):  # nobody is led to a script
        raise Refused("malformed", "The authorization endpoint is no address of the web.")
    return with_query(address, asked)


def with_query(address: str, asked: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked, quote_via=quote)}"


def made_of(state: str, what: str) -> str:
    """64 characters that only we can make of this state."""
    return sealing.fingerprint(f"{PURPOSE}: {what}", state)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


# --- And back ------------------------------------------------------------------------------------------------------


def finish(us: Party, state: str, code: str, iss: str, proved_since: int | None) -> Told:
    """Who came, by the code they brought. Raises Refused."""
    metadata = discovered(us.issuer)
    check_sender(us.issuer, iss, metadata)
    answer = redeemed(us, metadata, state, code)
    claims = verified(
        text_of_token(answer.get("id_token")),
        Expected(us.issuer, us.client_id, made_of(state, "nonce"), clock.seconds(), proved_since),
        partial(fetched.key, _endpoint(metadata, "jwks_uri")),
    )
    if metadata.get("userinfo_endpoint") and us.kind != "entra":
        claims = {**_userinfo(_endpoint(metadata, "userinfo_endpoint"), answer, claims), **claims}
    told = told_by(claims, _uid(us, claims))
    return replace(told, email_verified=_is_proved(claims)) if us.kind == "entra" else told


def _is_proved(claims: Mapping[str, Json]) -> bool:
    """Of Entra: administrators of a tenant write any address into `email`. Only `xms_edov` says that the owner of its
    domain was verified."""
    return claims.get("xms_edov") in (True, 1)


def check_sender(issuer: str, iss: str, metadata: Mapping[str, Json]) -> None:
    """RFC 9207 section 2.4: another provider cannot answer in this one's place."""
    if iss and iss != issuer:
        raise Refused("another_issuer", "The answer is of another issuer.")
    if not iss and metadata.get("authorization_response_iss_parameter_supported") is True:
        raise Refused("another_issuer", "The answer does not say who it is of.")


def text_of_token(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _uid(us: Party, claims: Mapping[str, Json]) -> str:
    """Entra's `sub` is another one for each client; the object ID stays, and is of one tenant."""
    if us.kind != "entra":
        return ""
    if claims.get("tid") != us.issuer.rsplit("/", 2)[1]:
        raise Refused("another_issuer", "The ID token is of another tenant.")
    if uid := text_of(claims.get("oid")):
        return uid
    raise Refused("malformed", "The ID token has no object ID.")


def redeemed(us: Party, metadata: Mapping[str, Json], state: str, code: str) -> Mapping[str, Json]:
    """The token endpoint's answer. Nothing of it is kept."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": us.redirect_uri,
        "code_verifier": made_of(state, "verifier"),
    }
    headers: dict[str, str] = {}
    methods = metadata.get("token_endpoint_auth_methods_supported")
    if us.secret and (not isinstance(methods, list) or "client_secret_basic" in methods):
        headers["Authorization"] = basic(us.client_id, us.secret)
    else:
        form |= {"client_id": us.client_id, **({"client_secret": us.secret} if us.secret else {})}
    answer = post(_endpoint(metadata, "token_endpoint"), form, headers)
    if answer.status != 200:
        raise Refused("not_redeemed", f"The token endpoint answers with the status {answer.status}.")
    return fetched.read(answer.body)


def post(address: str, form: Mapping[str, str], headers: Mapping[str, str]) -> exchange.Answer:
    try:
        return exchange.post_form(address, form, headers, most=MAX_BYTES, seconds=SECONDS)
    except outbound.Unreachable as error:
        raise Refused("unreachable", str(error)) from None


def basic(client_id: str, secret: str) -> str:
    """RFC 6749 section 2.3.1: both parts are form-encoded first."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _userinfo(address: str, answer: Mapping[str, Json], claims: Mapping[str, Json]) -> dict[str, Json]:
    """What the ID token leaves out; it has to speak of the same person (Core 1.0 section 5.3.2)."""
    found = dict(fetched.read(get(address, text_of_token(answer.get("access_token")))))
    if found.get("sub") != claims.get("sub"):
        raise Refused("not_proved", "Userinfo speaks of another person.")
    return {name: value for name, value in found.items() if name not in ("iss", "aud", "exp", "iat", "nonce")}


def get(address: str, token: str) -> bytes:
    """What an API of theirs says to the bearer of a token."""
    if not token.isascii() or not token.isprintable() or not token:
        raise Refused("malformed", "The answer has no access token.")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    try:
        answer = exchange.ask("GET", address, headers, most=MAX_BYTES, seconds=SECONDS)
    except outbound.Unreachable as error:
        raise Refused("unreachable", str(error)) from None
    if answer.status != 200:
        raise Refused("not_redeemed", f"Userinfo answers with the status {answer.status}.")
    return answer.body
