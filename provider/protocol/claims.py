"""What tokens and answers say, as plain dicts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from projects.claim_table import ACCESS_TOKEN, ID_TOKEN, USERINFO
from projects.facts import OUTSIDE, ProjectFacts
from projects.sectors import told_sid, told_sub
from provider.protocol import told
from provider.protocol.confirmation import NOT_BOUND, Confirmation
from provider.protocol.errors import InsufficientScope
from provider.protocol.facts import NO_CLAIMS, ClientFacts, Json, PersonFacts, RequestedClaims, SignInFacts, TokenFacts

Claims = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Claim:
    """A row of CLAIMS: the scope that stands for it, and what makes it of a person; else the fact of the same name."""

    scope: str
    value: Callable[[PersonFacts], Json] | None = None

    def of(self, name: str, person: PersonFacts) -> Json:
        return person.facts.get(name) if self.value is None else self.value(person)


def _name(person: PersonFacts) -> Json:
    """With all its parts (section 5.1)."""
    parts = [person.facts.get(name) for name in ("given_name", "middle_name", "family_name")]
    return " ".join([str(one) for one in parts if one])


def _email_verified(person: PersonFacts) -> Json:
    return person.facts.get("email_verified") if person.facts.get("email") else None


def _attribute(name: str) -> Callable[[PersonFacts], Json]:
    """One of the standard claims that stand in the column of attributes (`accounts.attributes`)."""
    return lambda person: person.facts.get(name)


# About a person (OpenID Connect Core 1.0 section 5.1), by scope (section 5.4). Everything else is derived from this:
# ID tokens, userinfo, single claims, what the consent page asks for, discovery.
CLAIMS: dict[str, Claim] = {
    "name": Claim("profile", _name),
    "given_name": Claim("profile"),
    "family_name": Claim("profile"),
    "middle_name": Claim("profile", _attribute("middle_name")),
    "nickname": Claim("profile", _attribute("nickname")),
    "preferred_username": Claim("profile", lambda person: person.username),
    "profile": Claim("profile", _attribute("profile")),
    "picture": Claim("profile", _attribute("picture")),
    "website": Claim("profile", _attribute("website")),
    "gender": Claim("profile", _attribute("gender")),
    "birthdate": Claim("profile", _attribute("birthdate")),
    "zoneinfo": Claim("profile", _attribute("zoneinfo")),
    "locale": Claim("profile", _attribute("locale")),
    "updated_at": Claim("profile"),
    "email": Claim("email"),
    "email_verified": Claim("email", _email_verified),
    "address": Claim("address", _attribute("address")),
    "phone_number": Claim("phone", _attribute("phone_number")),
    "phone_number_verified": Claim("phone", _attribute("phone_number_verified")),
}
MAX_ACTORS = 4  # how often an access token is passed on
# What else an ID token may say: about itself and the sign-in.
ABOUT_THE_TOKEN = (
    *("iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "acr", "amr", "nonce", "sid", "at_hash", "jti"),
)


@dataclass(frozen=True, slots=True)
class Issue:
    """What every token minted for one request shares. `now` in seconds since the epoch."""

    issuer: str
    now: int
    jti: str
    client: ClientFacts
    person: PersonFacts | None = None
    sign_in: SignInFacts | None = None
    scopes: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    lifetime: int = 3600
    nonce: str = ""
    target: ClientFacts | None = None
    claims: RequestedClaims = NO_CLAIMS
    bound: Confirmation = NOT_BOUND
    actors: tuple[str, ...] = ()  # of an exchanged token, the latest first
    at_most: int | None = None  # seconds that any token may live; None: as clients and APIs say
    abroad: bool = False  # the access token is for an API of another project

    def told(self, place: str) -> Claims:
        """What the project of the client tells, besides the standard claims. Its siblings hear it from the same one."""
        if self.person is None or self.actors or (self.abroad and place == ACCESS_TOKEN):
            return {}
        return told.told(self.client.project, self.person, place, self.scopes, self.requested(place))

    def left_out(self, place: str, said: Claims) -> tuple[str, ...]:
        """What of it was too large."""
        if self.person is None or self.actors or (self.abroad and place == ACCESS_TOKEN):
            return ()
        return told.left_out(said, self.client.project, self.person, place, self.scopes, self.requested(place))

    def requested(self, place: str) -> tuple[str, ...]:
        """Single claims, for the client itself: what a sibling hears is limited to the scopes (protocol section 2)."""
        if self.target is not None or place != ID_TOKEN:
            return ()
        return within(self.client.scopes, self.claims, self.client.project).id_token


@lru_cache(maxsize=1024)
def claims_of(*scopes: str) -> tuple[str, ...]:
    """The claims these scopes stand for."""
    return tuple(name for name, claim in CLAIMS.items() if claim.scope in scopes)


def within(scopes: Iterable[str], claims: RequestedClaims, project: ProjectFacts = OUTSIDE) -> RequestedClaims:
    """The requested claims these scopes stand for: no single claim gives more than its scope would."""
    if claims == NO_CLAIMS:
        return claims
    allowed = (*claims_of(*scopes), *told.names_of(project, scopes))
    return RequestedClaims(
        tuple(claim for claim in claims.userinfo if claim in allowed),
        tuple(claim for claim in claims.id_token if claim in allowed),
    )


def one_or_many(audience: tuple[str, ...]) -> str | list[str]:
    """`aud`: a string when one, an array when several (RFC 7519 section 4.1.3)."""
    return audience[0] if len(audience) == 1 else list(audience)


def about_person(person: PersonFacts, scopes: Iterable[str], requested: Iterable[str] = ()) -> Claims:
    """The claims these scopes stand for, and single ones that were requested (OpenID Connect Core 1.0 section 5).

    What is not known is left out (section 5.3.2); an empty list is known.
    """
    names = dict.fromkeys((*claims_of(*scopes), *(one for one in requested if one in CLAIMS)))
    found = {name: CLAIMS[name].of(name, person) for name in names}
    return {name: value for name, value in found.items() if value is not None and value != ""}


def about_sign_in(sign_in: SignInFacts | None) -> Claims:
    if sign_in is None:
        return {}
    claims: Claims = {"auth_time": sign_in.auth_time, "acr": sign_in.acr, "amr": list(sign_in.amr)}
    return {name: value for name, value in claims.items() if value}


def id_token(issue: Issue, access_token: str, code: str = "") -> Claims:
    """OpenID Connect Core 1.0 section 2; for a sibling: protocol section 2 (no nonce, no sid).

    It names the access token and the code that come with it, if they do (section 3.3.2.11).
    """
    if issue.person is None:
        raise ValueError("An ID token speaks of a person.")
    audience = issue.target or issue.client
    claims: Claims = {
        **issue.told(ID_TOKEN),
        "iss": issue.issuer,
        "sub": told_sub(issue.person.sub, audience.project),
        "aud": audience.client_id,
        "azp": issue.client.client_id,
        "iat": issue.now,
        "exp": issue.now + id_token_lifetime(issue),
        "jti": _id_token_jti(issue),
        **_beside(access_token, code, audience.id_token_algorithm),
        **about_sign_in(issue.sign_in),
        **about_person(issue.person, issue.scopes, issue.requested(ID_TOKEN)),
    }
    if issue.target is None:
        if issue.nonce:
            claims["nonce"] = issue.nonce
        if issue.sign_in is not None and issue.sign_in.sid:
            claims["sid"] = told_sid(issue.sign_in.sid, issue.client.project)
    return claims


def _id_token_jti(issue: Issue) -> str:
    """Another object than the access token, so another id.

    Nobody finds a person by a pairwise `sub`. So there it begins with the Authorization, as that of access tokens does.
    """
    own, authorization = half_hash(f"ID token of {issue.jti}"), issue.jti.partition(".")[0]
    return f"{authorization}.{own}" if issue.client.project.pairwise else own


def id_token_lifetime(issue: Issue) -> int:
    """In seconds: the shorter one of the client and of whom it is for, and no longer than what it is made of."""
    lifetimes = (issue.client, issue.target or issue.client)
    return min([one.id_token_lifetime for one in lifetimes] + ([] if issue.at_most is None else [issue.at_most]))


def _beside(access_token: str, code: str, algorithm: str) -> Claims:
    named = {"at_hash": access_token, "c_hash": code}
    return {name: half_hash(text, algorithm) for name, text in named.items() if text}


_SHA2 = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


def half_hash(token: str, algorithm: str = "RS256") -> str:
    """`at_hash`: the left half of the hash this algorithm signs (OpenID Connect Core 1.0 section 3.1.3.6).

    Its name ends with the bits of its SHA-2. EdDSA's does not: it is Ed25519, which hashes with SHA-512 (RFC 8032).
    """
    digest = _SHA2.get(algorithm[-3:], hashlib.sha512)(token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def access_token(issue: Issue) -> Claims:
    """A JWT access token (RFC 9068 section 2.2)."""
    return {
        **issue.told(ACCESS_TOKEN),
        "iss": issue.issuer,
        "sub": told_sub(issue.person.sub, issue.client.project) if issue.person else issue.client.client_id,
        "aud": one_or_many(issue.audience),
        "client_id": issue.client.client_id,
        "iat": issue.now,
        "nbf": issue.now,
        "exp": issue.now + issue.lifetime,
        "jti": issue.jti,
        "scope": " ".join(issue.scopes),
        **about_sign_in(issue.sign_in),
        **({"cnf": issue.bound.members} if issue.bound else {}),
        **({"act": act(issue.actors)} if issue.actors else {}),
    }


def act(actors: tuple[str, ...]) -> Json:
    """`act`: who acts now, and inside who acted before (RFC 8693 section 4.1). None: the client acts for itself."""
    nested: Json = None
    for client_id in reversed(actors):
        nested = {"sub": client_id} if nested is None else {"sub": client_id, "act": nested}
    return nested


def actors_of(said: Json) -> tuple[str, ...]:
    """The other way round; raises ValueError for what `act` never writes."""
    actors: list[str] = []
    while said is not None:
        sub = said.get("sub") if isinstance(said, Mapping) else None
        if not isinstance(said, Mapping) or not isinstance(sub, str) or len(actors) == MAX_ACTORS:
            raise ValueError("This is no chain of actors.")
        actors.append(sub)
        said = said.get("act")
    return tuple(actors)


def userinfo(token: TokenFacts) -> Claims:
    """OpenID Connect Core 1.0 section 5.3; a client's own token answers about the client (protocol section 10)."""
    if token.person is None:
        return {"sub": token.client.client_id, "client_id": token.client.client_id, "name": token.client.name}
    if "openid" not in token.scopes:
        raise InsufficientScope("The access token needs the scope openid.")
    if token.crosses:
        raise InsufficientScope("The access token is for an API of another project: use one that is not.")
    requested = _requested(token)
    by_table = told_of(token, USERINFO)
    sub = told_sub(token.person.sub, token.client.project)
    return {**by_table, "sub": sub, **about_person(token.person, token.scopes, requested)}


def _requested(token: TokenFacts) -> tuple[str, ...]:
    return within(token.client.scopes, token.claims, token.client.project).userinfo


def told_of(token: TokenFacts, place: str) -> Claims:
    """What the project of its client tells whoever has this token, unless somebody passed it on or it goes abroad."""
    if token.person is None or token.actors or token.abroad:
        return {}
    requested = _requested(token) if place == USERINFO else ()
    return told.told(token.client.project, token.person, place, token.scopes, requested)


def left_out_of(token: TokenFacts, place: str, said: Mapping[str, Json]) -> tuple[str, ...]:
    """What of it was too large for this answer."""
    if token.person is None or token.actors or token.abroad:
        return ()
    requested = _requested(token) if place == USERINFO else ()
    return told.left_out(said, token.client.project, token.person, place, token.scopes, requested)


def tokeninfo(token: TokenFacts, *, offline: bool, now: int) -> Claims:
    """What possession of an access token tells about it, in Google's words (protocol section 9)."""
    expires_at = token.expires_at or now
    info: Claims = {
        "issued_to": token.client.client_id,
        "azp": token.client.client_id,
        "audience": one_or_many(token.audience),
        "aud": one_or_many(token.audience),
        "scope": " ".join(token.scopes),
        "expires_in": max(0, expires_at - now),
        "exp": expires_at,
        "access_type": "offline" if offline else "online",
    }
    if token.person is None:
        info["sub"] = token.client.client_id
        return info
    if "openid" in token.scopes and not token.crosses:
        info["user_id"] = info["sub"] = told_sub(token.person.sub, token.client.project)
    if "email" in token.scopes:
        info |= about_person(token.person, (), ("email", "email_verified"))
    return info
