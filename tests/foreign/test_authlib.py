"""Authlib as a relying party that knows nothing but the issuer: discovery, PKCE, refresh, userinfo."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.world import REDIRECTS, SECRETS

pytestmark = [pytest.mark.foreign, pytest.mark.django_db(transaction=True)]
SCOPE = "openid email profile offline_access"
VERIFIER = "a-verifier-of-the-relying-party-itself-0123456789"


@pytest.fixture
def issuer(live_server: Any, world: None, settings: Any) -> str:
    settings.IDP_ISSUER = live_server.url
    return str(live_server.url)


@pytest.fixture
def metadata(issuer: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=30).json()
    assert found["issuer"] == issuer
    return found


def relying_party(client_id: str = "web", **more: Any) -> OAuth2Session:
    return OAuth2Session(
        client_id,
        SECRETS.get(client_id),
        scope=SCOPE,
        redirect_uri=REDIRECTS[client_id],
        code_challenge_method="S256",
        **more,
    )


class Person:
    """Somebody at a browser without scripts: follows links, fills the forms they see."""

    def __init__(self) -> None:
        self.http = requests.Session()

    def visit(self, address: str) -> str:
        """Follow redirects inside the provider; answer where the person ends."""
        while True:
            response = self.http.get(address, allow_redirects=False, timeout=30)
            if response.status_code not in (302, 303):
                self.page, self.address = response.text, address
                return address
            address = urljoin(address, response.headers["Location"])
            if "code=" in address or "error=" in address:
                return address

    def send(self, **fields: Any) -> str:
        """Send the form of this page with what is filled in, and follow where it leads."""
        form = re.search(r'<form [^>]*method="post"[^>]*action="([^"]*)"(.*?)</form>', self.page, re.DOTALL)
        assert form, self.page
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[2]))
        ticked: dict[str, list[str]] = {}
        for name, value in re.findall(r'<input type="checkbox" name="([^"]+)" value="([^"]*)" checked', form[2]):
            ticked.setdefault(name, []).append(html.unescape(value))
        data = {**{name: html.unescape(value) for name, value in hidden.items()}, **ticked, **fields}
        target = urljoin(self.address, html.unescape(form[1]))
        response = self.http.post(target, data, allow_redirects=False, headers={"Referer": self.address}, timeout=30)
        assert response.status_code in (302, 303), response.text
        address = urljoin(target, response.headers["Location"])
        return address if "code=" in address or "error=" in address else self.visit(address)


def sign_in_and_allow(authorize: str) -> str:
    person = Person()
    person.visit(authorize)
    person.send(login="owner", password="owner-pw")
    return person.send(decision="allow")


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
