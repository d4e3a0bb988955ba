"""ID tokens at a first-party API: mine alone, from an app on my list, and never an access token."""

from __future__ import annotations

import time
from typing import Any

import pytest
from vestibule_verifier import AccessToken, IDToken, IDTokenVerifier, Invalid, LocalVerifier, Provider

from tests.provider import ORDERS, TestProvider, compact, key, signature, signed


@pytest.fixture
def mine(provider: TestProvider) -> IDTokenVerifier:
    """The API `orders-api`, which takes ID tokens from two apps."""
    return IDTokenVerifier(Provider(provider.issuer), "orders-api", ["web", "phone"])


def id_token(provider: TestProvider, name: str = "rsa-1", **changes: Any) -> str:
    return signed(provider.id_claims(**changes), name, typ="JWT")


@pytest.mark.parametrize("name", ["rsa-1", "ec-1"])
def test_a_good_one_says_who_the_person_is_and_which_app_asks(
    provider: TestProvider, mine: IDTokenVerifier, name: str
) -> None:
    claims = provider.id_claims(email="owner@people.example", azp="phone")
    found = mine.verify(signed(claims, name, typ="JWT"))
    assert found == IDToken("9b2f2f9a-person", "orders-api", "phone", claims["exp"], claims)
    assert "owner@" not in repr(found)
    assert not isinstance(found, AccessToken)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"aud": "web"}, "another client"),
        ({"aud": ORDERS}, "another client"),
        ({"aud": "orders-api/below"}, "another client"),
        ({"aud": "ORDERS-API"}, "another client"),
        ({"aud": ["orders-api", "web"]}, "another client"),
        ({"aud": ["web", "orders-api"]}, "another client"),
        ({"aud": []}, "for whom"),
        ({"aud": None}, "for whom"),
        ({"azp": "stranger"}, "may not use it here"),
        ({"azp": "orders-api"}, "may not use it here"),
        ({"azp": "WEB"}, "may not use it here"),
        ({"azp": None}, "lacks a claim"),
        ({"azp": ["web"]}, "lacks a claim"),
        ({"sub": None}, "lacks a claim"),
        ({"sub": ""}, "lacks a claim"),
        ({"iss": "https://other.example"}, "another issuer"),
        ({"exp": time.time() - 86_400}, "expired"),
        ({"exp": None}, "lacks a time"),
        ({"iat": time.time() + 86_400}, "not valid yet"),
        ({"iat": None}, "lacks a time"),
        ({"nbf": time.time() + 86_400}, "not valid yet"),
        ({"cnf": {"jkt": "thumbprint"}}, "bound to a key"),
    ],
)
def test_refusals(provider: TestProvider, mine: IDTokenVerifier, changes: dict[str, Any], match: str) -> None:
    assert mine.verify(id_token(provider))
    with pytest.raises(Invalid, match=match):
        mine.verify(id_token(provider, **changes))


def test_one_audience_in_a_list_is_one_audience(provider: TestProvider, mine: IDTokenVerifier) -> None:
    assert mine.verify(id_token(provider, aud=["orders-api"]))


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", None, "jwt", "logout+jwt"])
def test_an_access_token_is_no_id_token_whatever_its_claims(
    provider: TestProvider, mine: IDTokenVerifier, typ: str | None
) -> None:
    with pytest.raises(Invalid, match="An access token is not accepted"):
        mine.verify(signed(provider.id_claims(), typ=typ))


def test_an_id_token_is_refused_as_access_token_though_audience_and_key_are_right(provider: TestProvider) -> None:
    api = LocalVerifier(Provider(provider.issuer), "orders-api")
    with pytest.raises(Invalid, match="An ID token is not accepted"):
        api.verify(id_token(provider, client_id="web", scope="orders.read"))


def test_a_forgers_signature(provider: TestProvider, mine: IDTokenVerifier) -> None:
    header = {"alg": "ES256", "kid": "ec-1", "typ": "JWT", "jwk": key("ec-forger").export_public(as_dict=True)}
    with pytest.raises(Invalid, match="did not sign it"):
        mine.verify(compact(header, provider.id_claims(), signature("ES256", key("ec-forger"))))
    with pytest.raises(Invalid, match="did not sign it"):
        mine.verify(compact({**header, "alg": "none"}, provider.id_claims(), lambda _data: b"x"))


@pytest.mark.parametrize(("client_id", "parties"), [("", ["web"]), ("orders-api", []), ("orders-api", ["web", ""])])
def test_the_list_of_apps_cannot_be_forgotten(provider: TestProvider, client_id: str, parties: list[str]) -> None:
    with pytest.raises(ValueError, match="client id"):
        IDTokenVerifier(Provider(provider.issuer), client_id, parties)


def test_one_app_may_be_named_without_a_list(provider: TestProvider) -> None:
    api = IDTokenVerifier(Provider(provider.issuer), "orders-api", "web")
    assert api.verify(id_token(provider))
    with pytest.raises(Invalid, match="may not use it here"):
        api.verify(id_token(provider, azp="w"))
