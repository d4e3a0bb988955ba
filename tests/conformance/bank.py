"""An app that meets FAPI 2.0: it signs assertions and DPoP proofs, pushes its requests, and has no secret."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.test import Client as Http
from jwcrypto import jwk

from tests.foreign_keys import KEYS, OTHERS, public, signed
from tests.provider.proving import Holder
from tests.snapshot import Snapshot, applied
from tests.world import CHALLENGE, ISSUER, ORDERS, VERIFIER, Browser, Response, pairs, redirected

CALLBACK = "https://bank.acme.example/cb"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PAR, TOKEN, INTROSPECT = (f"/oauth2/{name}" for name in ("par", "token", "introspect"))
USERINFO = "/oauth2/userinfo"


def client(client_id: str, key: jwk.JWK, **more: Any) -> dict[str, Any]:
    """As its operator writes it into the configuration file."""
    return {
        "client_id": client_id,
        "client_name": "Acme bank",
        "profile": "fapi2",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [public(key, kid=f"{client_id}-1")]},
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "redirect_uris": [CALLBACK],
        "scope": "openid profile email offline_access orders.read",
        "audience": [ORDERS],
        "id_token_signed_response_alg": "ES256",
        "authorization_signed_response_alg": "ES256",
        "require_pushed_authorization_requests": True,
        "dpop_bound_access_tokens": True,
        **more,
    }


def configuration(*clients: dict[str, Any]) -> str:
    return json.dumps({"version": 1, "projects": [{"id": "acme", "clients": list(clients)}]})


BANKS = (client("bank", KEYS["ES256"]), client("other-bank", OTHERS["ES256"]))
make_banks = Snapshot(partial(applied, configuration(*BANKS), "banks.yaml"))


@dataclass
class Bank:
    """One of those apps. None as a parameter or a claim leaves it out."""

    client_id: str = "bank"
    key: jwk.JWK = field(default_factory=lambda: KEYS["ES256"], repr=False)
    algorithm: str = "ES256"
    holder: Holder = field(default_factory=Holder)
    http: Http = field(default_factory=Http)

    def assertion(self, algorithm: str = "", **claims: Any) -> str:
        now = int(time.time())
        said = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + 60,
            **claims,
        }
        present = {name: value for name, value in said.items() if value is not None}
        return signed(self.key, algorithm or self.algorithm, present)

    def post(
        self, path: str, params: dict[str, Any], *, assertion: str | None = None, proof: str | None = "", **extra: Any
    ) -> Response:
        """With an assertion and a proof; `proof=None` sends none, another text replaces it."""
        credentials = {
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion() if assertion is None else assertion,
        }
        sent = pairs({**credentials, **params})
        headers: dict[str, Any] = {} if proof is None else {"HTTP_DPOP": proof or self.holder.proof(f"{ISSUER}{path}")}
        return self.http.post(
            path, urlencode(sent), content_type="application/x-www-form-urlencoded", **headers, **extra
        )

    def push(self, *, assertion: str | None = None, proof: str | None = None, **params: Any) -> Response:
        request = {
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid profile",
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **params,
        }
        return self.post(PAR, request, assertion=assertion, proof=proof)

    def request_object(self, algorithm: str = "", **claims: Any) -> str:
        """The same request, signed (RFC 9101)."""
        now = int(time.time())
        said = {
            "iss": self.client_id,
            "aud": ISSUER,
            "iat": now,
            "nbf": now,
            "exp": now + 60,
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid profile",
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **claims,
        }
        present = {name: value for name, value in said.items() if value is not None}
        return signed(self.key, algorithm or self.algorithm, present, typ="oauth-authz-req+jwt")

    def push_signed(self, request: str = "", **claims: Any) -> Response:
        return self.post(PAR, {"request": request or self.request_object(**claims)}, proof=None)

    def pushed(self, **params: Any) -> str:
        answer = self.push(**params)
        assert answer.status_code == 201, answer.content
        return str(answer.json()["request_uri"])

    def begin(self, request_uri: str, browser: Browser | None = None, **beside: Any) -> Response:
        """The browser comes with the reference, and whatever stands beside it."""
        person = browser or Browser("owner")
        sent = {"client_id": self.client_id, "request_uri": request_uri, **beside}
        return person.http.get("/oauth2/authorize?" + urlencode(pairs(sent)))

    def answered(self, request_uri: str, **beside: Any) -> dict[str, str]:
        """What the app hears when the person allows everything."""
        browser = Browser("owner")
        page = self.begin(request_uri, browser, **beside)
        return redirected(browser.answer(page) if page.status_code == 200 else page)

    def code(self, **params: Any) -> str:
        return self.answered(self.pushed(**params))["code"]

    def redeem(self, code: str, *, assertion: str | None = None, proof: str | None = "", **params: Any) -> Response:
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **params,
        }
        return self.post(TOKEN, sent, assertion=assertion, proof=proof)

    def tokens(self, **params: Any) -> dict[str, Any]:
        answer = self.redeem(self.code(**params))
        assert answer.status_code == 200, answer.content
        body: dict[str, Any] = answer.json()
        return body

    def refresh(self, refresh_token: str, **more: Any) -> Response:
        return self.post(TOKEN, {"grant_type": "refresh_token", "refresh_token": refresh_token}, **more)

    def userinfo(self, token: str, scheme: str = "DPoP", **other: Any) -> Response:
        proof = self.holder.proof(f"{ISSUER}{USERINFO}", "GET", token, **other)
        return self.http.get(USERINFO, HTTP_AUTHORIZATION=f"{scheme} {token}", HTTP_DPOP=proof)

    def own_token(self, **more: Any) -> Response:
        return self.post(TOKEN, {"grant_type": "client_credentials"}, **more)
