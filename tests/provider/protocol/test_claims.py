"""What tokens and answers say."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from provider.protocol.claims import (
    Issue,
    about_person,
    about_sign_in,
    access_token,
    claims_of,
    half_hash,
    id_token,
    one_or_many,
    tokeninfo,
    userinfo,
)
from provider.protocol.errors import InsufficientScope
from provider.protocol.facts import PersonFacts, RequestedClaims, SignInFacts, TokenFacts
from tests.provider.protocol.building import BILLING, ORDERS, OWNER, client

SIGN_IN = SignInFacts(sid="the-session", auth_time=900, acr="urn:acr:one", amr=("pwd", "otp"))
ISSUE = Issue(
    issuer="https://id.example",
    now=1000,
    jti="authorization.unique",
    client=client("web", id_token_lifetime=300),
    person=OWNER,
    sign_in=SIGN_IN,
    scopes=("openid", "email"),
    audience=(ORDERS,),
    lifetime=60,
    nonce="the-nonce",
)
SIBLING = client("sibling", id_token_lifetime=600)


def test_an_id_token_says_exactly_this() -> None:
    claims = id_token(ISSUE, "the-access-token")
    jti = str(claims.pop("jti"))
    assert claims == {
        "iss": "https://id.example",
        "sub": OWNER.sub,
        "aud": "web",
        "azp": "web",
        "iat": 1000,
        "exp": 1300,
        "at_hash": half_hash("the-access-token"),
        "auth_time": 900,
        "acr": "urn:acr:one",
        "amr": ["pwd", "otp"],
        "email": "owner@people.example",
        "email_verified": True,
        "nonce": "the-nonce",
        "sid": "the-session",
    }
    assert jti != access_token(ISSUE)["jti"], "two objects, two ids (RFC 7519 section 4.1.7)"
    assert "authorization" not in jti


def test_an_id_token_for_a_sibling_has_no_nonce_no_sid_and_the_callers_azp() -> None:
    claims = id_token(replace(ISSUE, target=SIBLING), "the-access-token")
    assert (claims["aud"], claims["azp"]) == ("sibling", "web")
    assert not {"nonce", "sid", "c_hash"} & set(claims)
    assert (claims["auth_time"], claims["acr"], claims["amr"]) == (900, "urn:acr:one", ["pwd", "otp"])
    assert claims["at_hash"] == half_hash("the-access-token")
    assert claims["sub"] == OWNER.sub


@pytest.mark.parametrize(("own", "targets", "lifetime"), [(300, 600, 300), (600, 300, 300), (300, 300, 300)])
def test_an_id_token_for_a_sibling_lives_as_long_as_the_shorter_of_both(own: int, targets: int, lifetime: int) -> None:
    caller, target = client("web", id_token_lifetime=own), client("sibling", id_token_lifetime=targets)
    claims: dict[str, Any] = id_token(replace(ISSUE, client=caller, target=target), "t")
    assert claims["exp"] - claims["iat"] == lifetime


def test_claims_of_an_id_token_are_limited_to_the_scopes() -> None:
    assert "email" not in id_token(replace(ISSUE, scopes=("openid",), target=SIBLING), "t")
    assert "name" in id_token(replace(ISSUE, scopes=("openid", "profile"), target=SIBLING), "t")


def test_a_single_claim_is_told_to_the_client_that_asked_and_to_no_sibling() -> None:
    asked = replace(ISSUE, scopes=("openid",), claims=RequestedClaims(userinfo=("email",), id_token=("given_name",)))
    own = id_token(asked, "t")
    assert own["given_name"] == "Olive"
    assert not {"name", "email"} & set(own)
    assert "given_name" not in id_token(replace(asked, target=SIBLING), "t")
    assert "given_name" not in id_token(replace(asked, client=client("web", scopes=("openid", "email"))), "t")


def test_without_a_nonce_or_a_sign_in_they_are_left_out() -> None:
    claims = id_token(replace(ISSUE, nonce="", sign_in=None), "t")
    assert not {"nonce", "sid", "auth_time", "acr", "amr"} & set(claims)


def test_an_id_token_about_nobody_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="person"):
        id_token(replace(ISSUE, person=None), "t")


def test_at_hash_is_that_of_the_example() -> None:
    """OpenID Connect Core 1.0, appendix A.4."""
    assert half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y") == "77QmUPtjPfzWtF2AnpK9RQ"


@pytest.mark.parametrize(
    ("algorithm", "hash_of"),
    [
        *(("RS256", hashlib.sha256), ("ES256", hashlib.sha256), ("PS256", hashlib.sha256)),
        *(("ES384", hashlib.sha384), ("PS512", hashlib.sha512), ("EdDSA", hashlib.sha512)),
    ],
)
def test_at_hash_is_made_with_the_hash_of_the_signature(algorithm: str, hash_of: Callable[[bytes], Any]) -> None:
    """Of the client the ID token is for, which checks it."""
    digest = hash_of(b"t").digest()
    expected = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    assert id_token(replace(ISSUE, client=client("web", id_token_algorithm=algorithm)), "t")["at_hash"] == expected
    target = client("sibling", id_token_algorithm=algorithm)
    assert id_token(replace(ISSUE, target=target), "t")["at_hash"] == expected


# --- Access tokens -------------------------------------------------------------------------------------------------


def test_an_access_token_says_exactly_this() -> None:
    assert access_token(ISSUE) == {
        "iss": "https://id.example",
        "sub": OWNER.sub,
        "aud": ORDERS,
        "client_id": "web",
        "iat": 1000,
        "nbf": 1000,
        "exp": 1060,
        "jti": "authorization.unique",
        "scope": "openid email",
        "auth_time": 900,
        "acr": "urn:acr:one",
        "amr": ["pwd", "otp"],
    }


def test_a_clients_own_access_token_speaks_of_the_client() -> None:
    claims = access_token(replace(ISSUE, person=None, sign_in=None, audience=("web",), scopes=()))
    assert (claims["sub"], claims["aud"], claims["client_id"], claims["scope"]) == ("web", "web", "web", "")
    assert not {"auth_time", "acr", "amr"} & set(claims)


@pytest.mark.parametrize(("audience", "aud"), [((ORDERS,), ORDERS), ((ORDERS, BILLING), [ORDERS, BILLING])])
def test_aud_is_a_text_when_one_and_a_list_when_several(audience: tuple[str, ...], aud: str | list[str]) -> None:
    assert one_or_many(audience) == aud
    assert access_token(replace(ISSUE, audience=audience))["aud"] == aud


def test_an_access_token_for_a_sibling_request_stays_the_callers() -> None:
    assert access_token(replace(ISSUE, target=SIBLING)) == access_token(ISSUE)


# --- Claims about a person -----------------------------------------------------------------------------------------

EVERYTHING: dict[str, dict[str, Any]] = {
    "profile": {
        "name": "Olive Oriel Owner",
        "given_name": "Olive",
        "family_name": "Owner",
        "middle_name": "Oriel",
        "nickname": "Ollie",
        "preferred_username": "owner",
        "profile": "https://people.example/olive",
        "picture": "https://people.example/olive.png",
        "website": "https://olive.example/",
        "gender": "female",
        "birthdate": "0000-12-31",
        "zoneinfo": "Europe/Paris",
        "locale": "fr-CA",
        "updated_at": 1_700_000_000,
    },
    "email": {"email": "owner@people.example", "email_verified": True},
    "address": {"address": {"formatted": "1 Main St", "country": "US"}},
    "phone": {"phone_number": "+1 555 0100", "phone_number_verified": False},
}
WHOLE = replace(OWNER, facts={name: value for claims in EVERYTHING.values() for name, value in claims.items()})


@pytest.mark.parametrize(("scope", "claims"), EVERYTHING.items())
def test_each_scope_stands_for_its_claims_and_no_other(scope: str, claims: dict[str, Any]) -> None:
    assert about_person(WHOLE, [scope]) == claims
    assert set(claims) == set(claims_of(scope)), "what discovery lists"


def test_openid_and_the_scopes_of_apis_stand_for_no_claims() -> None:
    assert about_person(OWNER, ["openid", "offline_access", "orders.read"]) == {}


def test_what_is_not_known_is_left_out() -> None:
    assert about_person(PersonFacts(id=1, sub="x"), EVERYTHING) == {}


def test_an_address_nobody_verified_says_so() -> None:
    unverified = replace(OWNER, facts={**OWNER.facts, "email_verified": False})
    assert about_person(unverified, ["email"]) == {"email": "owner@people.example", "email_verified": False}


def test_what_is_not_known_of_a_sign_in_is_left_out() -> None:
    assert about_sign_in(None) == {}
    assert about_sign_in(SignInFacts(sid="s", auth_time=5)) == {"auth_time": 5}


# --- tokeninfo and userinfo ----------------------------------------------------------------------------------------


def token(**changes: Any) -> TokenFacts:
    usual = TokenFacts(
        kind="access",
        client=client("web"),
        person=OWNER,
        scopes=("openid", "email"),
        audience=(ORDERS,),
        issued_at=1000,
        expires_at=1060,
    )
    return usual._replace(**changes)


def test_userinfo_answers_by_scope() -> None:
    assert userinfo(token()) == {"sub": OWNER.sub, **EVERYTHING["email"]}
    assert userinfo(token(scopes=("openid",))) == {"sub": OWNER.sub}


def test_userinfo_tells_the_single_claims_asked_of_it() -> None:
    asked = token(scopes=("openid",), claims=RequestedClaims(userinfo=("given_name",), id_token=("email",)))
    assert userinfo(asked) == {"sub": OWNER.sub, "given_name": "Olive"}
    assert userinfo(asked._replace(client=client("web", scopes=("openid",)))) == {"sub": OWNER.sub}


def test_userinfo_needs_openid() -> None:
    with pytest.raises(InsufficientScope):
        userinfo(token(scopes=("email", "profile")))


@pytest.mark.parametrize("scopes", [(), ("openid", "email")])
def test_userinfo_of_a_clients_own_token_is_about_the_client(scopes: tuple[str, ...]) -> None:
    answer = userinfo(token(person=None, scopes=scopes))
    assert answer == {"sub": "web", "client_id": "web", "name": "Acme web"}


def test_tokeninfo_says_exactly_this() -> None:
    assert tokeninfo(token(), offline=True, now=1050) == {
        "issued_to": "web",
        "azp": "web",
        "audience": ORDERS,
        "aud": ORDERS,
        "scope": "openid email",
        "expires_in": 10,
        "exp": 1060,
        "access_type": "offline",
        "user_id": OWNER.sub,
        "sub": OWNER.sub,
        "email": "owner@people.example",
        "email_verified": True,
    }


@pytest.mark.parametrize(
    ("scopes", "present"), [((), set()), (("openid",), {"user_id", "sub"}), (("email",), {"email", "email_verified"})]
)
def test_tokeninfo_says_of_the_person_what_the_scopes_allow(scopes: tuple[str, ...], present: set[str]) -> None:
    answer = tokeninfo(token(scopes=scopes), offline=False, now=1050)
    assert {"user_id", "sub", "email", "email_verified"} & set(answer) == present
    assert answer["access_type"] == "online"


def test_tokeninfo_leaves_out_an_email_nobody_knows() -> None:
    nameless = replace(OWNER, facts={**OWNER.facts, "email": "", "email_verified": False})
    assert not {"email", "email_verified"} & set(tokeninfo(token(person=nameless), offline=False, now=1050))


def test_tokeninfo_of_a_clients_own_token_names_no_user() -> None:
    answer = tokeninfo(token(person=None, audience=("web", ORDERS)), offline=False, now=2000)
    assert (answer["sub"], answer["aud"], answer["expires_in"]) == ("web", ["web", ORDERS], 0)
    assert not {"user_id", "email"} & set(answer)
