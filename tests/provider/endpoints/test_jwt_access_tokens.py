"""JWT access tokens (RFC 9068): for whom they say so, never stored, and dead when told so."""

from __future__ import annotations

from typing import Any

import pytest
from jwcrypto import jwk, jws

from accounts.models import User
from clients.models import AccessToken, Authorization, Client, RevokedToken
from projects.models import Api
from provider.protocol.claims import half_hash
from tests.world import BILLING, ISSUER, ORDERS, App, Browser, claims_of, header_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@pytest.fixture
def jwt_client() -> None:
    Client.objects.filter(client_id__in=["web", "service"]).update(access_token_format="jwt")


def tokens(**params: Any) -> dict[str, Any]:
    return Browser("owner").tokens("web", **params)


def format_of(token: str) -> str:
    return "jwt" if token.count(".") == 2 else "opaque"


def test_it_says_what_rfc_9068_wants(jwt_client: None) -> None:
    answer = tokens(scope="openid email orders.read", audience=ORDERS)
    claims = claims_of(answer["access_token"])
    authorization = Authorization.objects.get()
    assert header_of(answer["access_token"])["typ"] == "at+jwt"
    assert claims == {
        "iss": ISSUER,
        "sub": str(User.objects.get(username="owner").sub),
        "aud": ORDERS,
        "client_id": "web",
        "iat": claims["iat"],
        "nbf": claims["iat"],
        "exp": claims["iat"] + 3600,
        "jti": claims["jti"],
        "scope": "openid email orders.read",
        "auth_time": int(authorization.auth_time.timestamp()),
    }
    assert claims["jti"].startswith(f"{authorization.pk}.")
    assert not AccessToken.objects.exists(), "it is not stored"


def test_anybody_verifies_it_with_the_published_keys(jwt_client: None) -> None:
    token = tokens()["access_token"]
    keys = jwk.JWKSet.from_json(App("web").http.get("/.well-known/jwks.json").content.decode())
    verified = jws.JWS()
    verified.deserialize(token)
    verified.verify(keys.get_key(header_of(token)["kid"]))
    assert verified.is_valid


def test_introspection_agrees_with_it(jwt_client: None) -> None:
    token = tokens(audience=[ORDERS, BILLING])["access_token"]
    claims, described = claims_of(token), App("web").introspect(token).json()
    for name in ("iss", "sub", "aud", "client_id", "iat", "nbf", "exp", "jti", "scope", "auth_time"):
        assert described[name] == claims[name], name


def test_a_clients_own_token_is_about_the_client(jwt_client: None) -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    claims = claims_of(token)
    assert (claims["sub"], claims["aud"], claims["client_id"]) == ("service", "service", "service")
    assert "auth_time" not in claims
    assert "." not in claims["jti"]
    assert App("service").userinfo(token).json()["sub"] == "service"


@pytest.mark.parametrize(
    ("client", "orders", "billing", "expected"),
    [
        ("opaque", "inherit", "inherit", "opaque"),
        ("jwt", "inherit", "inherit", "jwt"),
        ("opaque", "jwt", "inherit", "jwt"),
        ("opaque", "jwt", "jwt", "jwt"),
        ("jwt", "opaque", "inherit", "opaque"),
        ("jwt", "opaque", "jwt", "opaque"),
    ],
)
def test_the_apis_decide_the_format(client: str, orders: str, billing: str, expected: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=client)
    Api.objects.filter(identifier=ORDERS).update(token_format=orders)
    Api.objects.filter(identifier=BILLING).update(token_format=billing)
    assert format_of(tokens(audience=[ORDERS, BILLING])["access_token"]) == expected
    assert format_of(tokens()["access_token"]) == client, "without an API the client decides"


def test_an_api_may_want_shorter_lives() -> None:
    Api.objects.filter(identifier=ORDERS).update(token_lifetime=60)
    assert tokens(audience=[ORDERS, BILLING])["expires_in"] == 60
    assert tokens(audience=BILLING)["expires_in"] == 3600


def test_revoking_one_ends_that_one(jwt_client: None) -> None:
    one, other = tokens()["access_token"], tokens()["access_token"]
    assert App("sibling").post("/oauth2/revoke", {"token": one}).status_code == 200
    assert App("web").userinfo(one).status_code == 200, "not the sibling's to revoke"
    App("web").post("/oauth2/revoke", {"token": one})
    assert App("web").userinfo(one).status_code == 401
    assert App("web").introspect(one).json() == {"active": False}
    assert App("web").userinfo(other).status_code == 200
    assert App("web").post("/oauth2/revoke", {"token": one}).status_code == 200, "twice is fine"
    assert [row.jti for row in RevokedToken.objects.all()] == [claims_of(one)["jti"]]


def test_ending_the_authorization_ends_a_token_nobody_stored(jwt_client: None) -> None:
    browser = Browser("owner")
    answer = browser.tokens("web", scope="openid offline_access")
    second = App("web").refresh(answer["refresh_token"]).json()["access_token"]
    App("web").post("/oauth2/revoke", {"token": answer["refresh_token"]})
    for token in (answer["access_token"], second):
        assert App("web").userinfo(token).status_code == 401
    assert not RevokedToken.objects.exists()


def test_the_id_token_is_bound_to_it(jwt_client: None) -> None:
    answer = tokens()
    assert claims_of(answer["id_token"])["at_hash"] == half_hash(answer["access_token"])
    assert claims_of(answer["id_token"])["jti"] != claims_of(answer["access_token"])["jti"]
