"""Authlib as a relying party that knows nothing but the issuer: discovery, PKCE, refresh, userinfo."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.foreign.person import Person, connect, sign_in_and_allow
from tests.foreign_keys import KEYS, public
from tests.provider.assertions import registered
from tests.provider.devices import GRANT, TV, add_devices
from tests.world import ORDERS, REDIRECTS, SECRETS

pytestmark = [pytest.mark.foreign, pytest.mark.django_db(transaction=True)]
SCOPE = "openid email profile offline_access"
VERIFIER = "a-verifier-of-the-relying-party-itself-0123456789"


def relying_party(client_id: str = "web", **more: Any) -> OAuth2Session:
    return OAuth2Session(
        client_id,
        SECRETS.get(client_id),
        scope=SCOPE,
        redirect_uri=REDIRECTS[client_id],
        code_challenge_method="S256",
        **more,
    )


@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_a_relying_party_signs_somebody_in(metadata: dict[str, Any], client_id: str) -> None:
    app = relying_party(client_id, token_endpoint_auth_method="none" if client_id == "spa" else "client_secret_basic")
    address, state = app.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=VERIFIER, nonce="its-nonce"
    )
    back = sign_in_and_allow(address)
    assert back.startswith(REDIRECTS[client_id])
    answer = parse_qs(urlsplit(back).query)
    assert (answer["state"], answer["iss"]) == ([state], [metadata["issuer"]])

    token = app.fetch_token(metadata["token_endpoint"], authorization_response=back, code_verifier=VERIFIER)
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=30).json())
    id_token = jwt.decode(token["id_token"], keys, algorithms=metadata["id_token_signing_alg_values_supported"])
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": metadata["issuer"]},
        aud={"essential": True, "value": client_id},
        nonce={"essential": True, "value": "its-nonce"},
        exp={"essential": True},
    ).validate(id_token.claims)

    userinfo = app.get(metadata["userinfo_endpoint"], timeout=30).json()
    assert userinfo["sub"] == id_token.claims["sub"]
    assert (userinfo["email"], userinfo["given_name"]) == ("owner@people.example", "Olive")

    fresh = app.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
    assert fresh["access_token"] != token["access_token"]
    assert app.get(metadata["userinfo_endpoint"], timeout=30).status_code == 200


def test_a_service_gets_a_token_and_looks_at_it(metadata: dict[str, Any]) -> None:
    service = OAuth2Session("service", SECRETS["service"], token_endpoint_auth_method="client_secret_post")
    token = service.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    looked = service.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
    assert (looked["active"], looked["sub"]) == (True, "service")
    assert service.revoke_token(metadata["revocation_endpoint"], token=token["access_token"]).status_code == 200
    looked = service.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
    assert looked == {"active": False}


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "RS256"])  # its library warns of the name EdDSA
def test_a_service_with_a_key_in_place_of_the_secret(metadata: dict[str, Any], algorithm: str) -> None:
    registered("service", public(KEYS[algorithm], kid="one"))
    key = {**KEYS[algorithm].export_private(as_dict=True), "kid": "one"}
    service = OAuth2Session("service", key, token_endpoint_auth_method="private_key_jwt")

    class Signed(PrivateKeyJWT):
        """For the issuer, and for a minute."""

        def sign(self, auth: Any, _token_endpoint: str) -> Any:
            more = {"header": {"kid": "one"}, "alg": algorithm, "expires_in": 60}
            return private_key_jwt_sign(auth.client_secret, auth.client_id, metadata["issuer"], **more)

    service.register_client_auth_method(Signed())  # type: ignore[no-untyped-call]
    token = service.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    looked = service.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
    assert (looked["active"], looked["sub"]) == (True, "service")


def test_a_relying_party_hears_that_the_person_denied(metadata: dict[str, Any]) -> None:
    address, state = relying_party().create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=VERIFIER
    )
    person = Person()
    person.visit(address)
    person.send(login="owner", password="owner-pw")
    answer = parse_qs(urlsplit(person.send(decision="deny")).query)
    assert (answer["error"], answer["state"]) == (["access_denied"], [state])


def test_both_discovery_documents_tell_the_same(metadata: dict[str, Any], issuer: str) -> None:
    assert requests.get(f"{issuer}/.well-known/oauth-authorization-server", timeout=30).json() == metadata


def test_a_device_without_a_browser_is_connected(metadata: dict[str, Any]) -> None:
    """Authlib has the grant for its token request; asking for the codes and waiting is the app's."""
    add_devices()
    asked = {"client_id": TV, "scope": f"{SCOPE} orders.read", "audience": ORDERS}
    device = requests.post(metadata["device_authorization_endpoint"], asked, timeout=30).json()
    app = OAuth2Session(TV, token_endpoint_auth_method="none")
    grant = {"grant_type": GRANT, "device_code": device["device_code"]}
    with pytest.raises(OAuthError, match="authorization_pending"):
        app.fetch_token(metadata["token_endpoint"], **grant)
    connect(device["verification_uri_complete"])
    token = app.fetch_token(metadata["token_endpoint"], **grant)
    assert token["scope"] == f"{SCOPE} orders.read"
    assert app.get(metadata["userinfo_endpoint"], timeout=30).json()["email"] == "owner@people.example"
    with pytest.raises(OAuthError, match="invalid_grant"):
        app.fetch_token(metadata["token_endpoint"], **grant)
