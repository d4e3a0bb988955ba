"""Logout tokens at an app: mine, fresh, and nothing else that the provider signs."""

from __future__ import annotations

import time
from typing import Any

import pytest
from vestibule_verifier import Invalid, LogoutToken, LogoutTokenVerifier, Provider
from vestibule_verifier.logout_tokens import EVENT

from tests.provider import TestProvider, compact, key, signature, signed


@pytest.fixture
def mine(provider: TestProvider) -> LogoutTokenVerifier:
    return LogoutTokenVerifier(Provider(provider.issuer), "web")


def logout_claims(provider: TestProvider, **changes: Any) -> dict[str, Any]:
    said = {"aud": "web", "sid": "the-session", "jti": "one", "events": {EVENT: {}}}
    none = dict.fromkeys(("client_id", "scope", "nbf"))
    return provider.access_claims(**{**none, **said, **changes})


def logout_token(provider: TestProvider, name: str = "rsa-1", **changes: Any) -> str:
    return signed(logout_claims(provider, **changes), name, typ="logout+jwt")


@pytest.mark.parametrize("name", ["rsa-1", "ec-1"])
def test_a_good_one_says_whose_session_ended(provider: TestProvider, mine: LogoutTokenVerifier, name: str) -> None:
    claims = logout_claims(provider)
    found = mine.verify(signed(claims, name, typ="logout+jwt"))
    assert found == LogoutToken("9b2f2f9a-person", "the-session", "one", claims)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"aud": "sibling"}, "another client"),
        ({"aud": None}, "for whom"),
        ({"iss": "https://other.example"}, "another issuer"),
        ({"exp": time.time() - 86_400}, "expired"),
        ({"exp": None}, "lacks a time"),
        ({"iat": time.time() + 86_400}, "not valid yet"),
        ({"sub": None}, "lacks a claim"),
        ({"sid": None}, "lacks a claim"),
        ({"jti": ""}, "lacks a claim"),
        ({"events": None}, "that a session ended"),
        ({"events": {}}, "that a session ended"),
        ({"events": [EVENT]}, "that a session ended"),
        ({"events": {EVENT: None}}, "that a session ended"),
        ({"nonce": "x"}, "no nonce"),
    ],
)
def test_refusals(provider: TestProvider, mine: LogoutTokenVerifier, changes: dict[str, Any], match: str) -> None:
    assert mine.verify(logout_token(provider))
    with pytest.raises(Invalid, match=match):
        mine.verify(logout_token(provider, **changes))


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", None, "LOGOUT+JWT"])
def test_other_tokens_are_none(provider: TestProvider, mine: LogoutTokenVerifier, typ: str | None) -> None:
    with pytest.raises(Invalid, match="not a logout token"):
        mine.verify(signed(logout_claims(provider), typ=typ))


def test_a_forgers_signature(provider: TestProvider, mine: LogoutTokenVerifier) -> None:
    header = {"alg": "ES256", "kid": "ec-1", "typ": "logout+jwt"}
    with pytest.raises(Invalid, match="did not sign it"):
        mine.verify(compact(header, logout_claims(provider), signature("ES256", key("ec-forger"))))


def test_the_app_cannot_be_forgotten(provider: TestProvider) -> None:
    with pytest.raises(ValueError, match="client id"):
        LogoutTokenVerifier(Provider(provider.issuer), "")
