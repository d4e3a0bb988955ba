"""An app of our own at the endpoints that discovery names: what it sends, and how it checks what comes."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

from common import jws
from common.json_type import Json
from idp.conformance import CannotRun, Wrong
from idp.conformance.browser import Browser, asks, parameters
from idp.conformance.http import FORM, Answer, Object, Request, Transport

SKEW = 60  # seconds by which our clock may be behind
Params = Mapping[str, "str | list[str] | None"]


def pairs(params: Params) -> list[tuple[str, str]]:
    """Lists for what repeats; None leaves one out."""
    return [
        (name, one)
        for name, value in params.items()
        if value is not None
        for one in ([value] if isinstance(value, str) else value)
    ]


@dataclass
class Provider:
    """The installation, as its discovery document describes it."""

    issuer: str
    transport: Transport
    metadata: Object = field(default_factory=dict)
    keys: list[Object] = field(default_factory=list)

    @property
    def origin(self) -> str:
        there = urlsplit(self.issuer)
        return f"{there.scheme}://{there.netloc}"

    def discover(self) -> None:
        """Raises CannotRun."""
        url = f"{self.issuer}/.well-known/openid-configuration"
        answer = self.get(url)
        self.metadata = answer.json
        if self.metadata.get("issuer") != self.issuer:
            raise CannotRun(f"{url} answers {answer.status}, not the discovery document of {self.issuer}.")
        found = self.get(str(self.metadata.get("jwks_uri", ""))).json.get("keys")
        self.keys = [dict(one) for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []

    def url(self, endpoint: str) -> str:
        return str(self.metadata.get(endpoint, ""))

    def supports(self, name: str, value: str) -> bool:
        found = self.metadata.get(name)
        return isinstance(found, list) and value in found

    def get(self, url: str, **headers: str) -> Answer:
        return self.send("GET", url, headers)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        there = urlsplit(url)
        if f"{there.scheme}://{there.netloc}" != self.origin:
            raise Wrong("an address in the discovery document that is not of this issuer")
        target = (there.path or "/") + (f"?{there.query}" if there.query else "")
        return self.transport.send(Request(method, target, headers, body))

    def browser(self) -> Browser:
        return Browser(self.origin, self.transport)

    def signed(self, token: str, typ: str = "") -> Object:
        """The claims of a JWT that a published key signed. Raises Wrong."""
        parts = jws.parts(token)
        if parts is None:
            raise Wrong("something that is no signed JWT")
        key = next((one for one in self.keys if one.get("kid") == parts.header.get("kid")), None)
        if key is None or parts.algorithm == "none":
            raise Wrong("a JWT whose key is not published")
        if not parts.verified_by(jws.public_key(key), parts.algorithm):
            raise Wrong("a JWT whose signature does not fit the published key")
        if typ and str(parts.header.get("typ", "")).lower() != typ:
            raise Wrong("a JWT of another type")
        return parts.claims


@dataclass
class App:
    provider: Provider
    client_id: str
    redirect_uri: str = ""
    secret: str = field(default="", repr=False)
    by_form: bool = False  # client_secret_post
    state: str = "the-state"
    nonce: str = "the-nonce"
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    # --- What programs ask -------------------------------------------------------------------------------------------

    @property
    def basic(self) -> str:
        pair = f"{quote(self.client_id, safe='')}:{quote(self.secret, safe='')}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def ask(self, endpoint: str, params: Params, **headers: str) -> Answer:
        """A form, authenticated as this app does unless the headers or parameters say otherwise."""
        sent = pairs(params)
        if self.secret and not self.by_form:
            headers = {"Authorization": self.basic, **headers}
        elif "client_id" not in params:
            sent.append(("client_id", self.client_id))
        if self.by_form:
            sent.append(("client_secret", self.secret))
        named = {name.replace("_", "-"): value for name, value in headers.items() if value}
        body = urlencode(sent).encode()
        return self.provider.send("POST", self.provider.url(endpoint), {"Content-Type": FORM, **named}, body)

    def token(self, **params: str | list[str] | None) -> Answer:
        return self.ask("token_endpoint", params)

    def exchange(self, code: str, **params: str | list[str] | None) -> Answer:
        known = {"redirect_uri": self.redirect_uri, "code_verifier": self.verifier, **params}
        return self.token(grant_type="authorization_code", code=code, **known)

    def refresh(self, refresh_token: str, **params: str | list[str] | None) -> Answer:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **params)

    def machine(self, **params: str | list[str] | None) -> Answer:
        return self.token(grant_type="client_credentials", **params)

    def introspect(self, token: str) -> Answer:
        return self.ask("introspection_endpoint", {"token": token})

    def userinfo(self, token: str, scheme: str = "Bearer", **headers: str) -> Answer:
        return self.provider.get(self.provider.url("userinfo_endpoint"), Authorization=f"{scheme} {token}", **headers)

    # --- What browsers ask -------------------------------------------------------------------------------------------

    def request(self, **params: str | list[str] | None) -> list[tuple[str, str]]:
        """An authorization request with PKCE; parameters override, None leaves one out."""
        return pairs(
            {
                "response_type": "code",
                "client_id": self.client_id,
                "redirect_uri": self.redirect_uri,
                "scope": "openid",
                "state": self.state,
                "nonce": self.nonce,
                "code_challenge": self.challenge,
                "code_challenge_method": "S256",
                **params,
            }
        )

    def begin(self, browser: Browser, **params: str | list[str] | None) -> Answer:
        """Where the request leads, before anybody answers anything. Pushed first where the installation demands it."""
        asked = self.request(**params)
        if self.provider.metadata.get("require_pushed_authorization_requests") is True:
            pushed = self.push(asked)
            if pushed.status != 201:
                return pushed
            asked = [("client_id", self.client_id), ("request_uri", str(pushed.json.get("request_uri")))]
        url = f"{self.provider.url('authorization_endpoint')}?{urlencode(asked)}"
        return browser.led_on(browser.get(url))

    def push(self, asked: list[tuple[str, str]]) -> Answer:
        several: dict[str, str | list[str] | None] = {}
        for name, _value in asked:
            several[name] = [value for key, value in asked if key == name]
        return self.ask("pushed_authorization_request_endpoint", several)

    def back(self, browser: Browser, answer: Answer) -> dict[str, str]:
        """What comes back to the app, once everything is allowed. Raises Wrong: a page, or another address."""
        if asks(answer, "decision"):
            answer = browser.submit(answer, "decision", decision="allow")
        if not answer.location:
            raise Wrong(f"a page ({answer.status}) in place of an answer to the app")
        if answer.location.partition("?")[0].partition("#")[0] != self.redirect_uri:
            raise Wrong("an answer that does not go to the registered redirect URI")
        return parameters(answer.location)

    def code(self, browser: Browser, **params: str | list[str] | None) -> str:
        found = self.back(browser, self.begin(browser, **params))
        if found.get("state") != self.state:
            raise Wrong("an answer without the state that was sent")
        if found.get("iss") != self.provider.issuer:
            raise Wrong("an answer without the issuer that gave it (RFC 9207)")
        if "code" not in found:
            raise Wrong(f"no code ({told(found.get('error', ''))})")
        return found["code"]

    def tokens(self, browser: Browser, **params: str | list[str] | None) -> Object:
        """The whole flow, everything checked."""
        sent = self.exchange(self.code(browser, **params), **({"code_verifier": None} if _plain(params) else {}))
        if sent.status != 200:
            raise Wrong(f"no tokens ({seen(sent)})")
        self.id_token(sent.json, nonce=_one(params, "nonce", self.nonce))
        return sent.json

    def id_token(self, tokens: Object, nonce: str | None) -> Object:
        """The checks of OpenID Connect Core 1.0 section 3.1.3.7; the claims. Raises Wrong."""
        claims, now = self.provider.signed(str(tokens.get("id_token", ""))), time.time()
        aud = claims.get("aud")
        half = hashlib.sha256(str(tokens.get("access_token")).encode()).digest()[:16]
        issued, expires = claims.get("iat"), claims.get("exp")
        judged = {
            "iss": claims.get("iss") == self.provider.issuer,
            "aud": aud == self.client_id or aud == [self.client_id],
            "azp": claims.get("azp", self.client_id) == self.client_id,
            "sub": 0 < len(str(claims.get("sub", ""))) <= 255,
            "iat": isinstance(issued, int) and issued - SKEW < now,
            "exp": isinstance(expires, int) and now - SKEW < expires,
            "nonce": claims.get("nonce") == nonce,
            "at_hash": claims.get("at_hash", jws.encode(half)) == jws.encode(half),
        }
        if wrong := [name for name, right in judged.items() if not right]:
            raise Wrong(f"an ID token with a wrong {', '.join(wrong)}")
        if str(tokens.get("token_type", "")).lower() != "bearer":
            raise Wrong("a token_type that is not Bearer")
        return claims


def _one(params: Mapping[str, object], name: str, default: str) -> str | None:
    value = params.get(name, default)
    return value if isinstance(value, str) else None


def _plain(params: Mapping[str, object]) -> bool:
    return "code_challenge" in params and params["code_challenge"] is None


def told(code: Json) -> str:
    """An error code as it may stand in a report: what looks like anything else is not repeated."""
    text = str(code or "")
    return text if text.isascii() and text.replace("_", "").isalpha() and len(text) < 60 else "no error code"


def seen(answer: Answer) -> str:
    """What came, without a word that somebody could use."""
    if answer.location:
        return (
            f"{answer.status}, {told(parameters(answer.location).get('error', '')) if '?' in answer.location else ''}"
        )
    return f"{answer.status}, {told(answer.json.get('error'))}" if answer.json else str(answer.status)
