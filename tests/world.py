"""The world tests live in, written as an operator would write it, and small drivers for its apps and browsers."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

from django.test import Client as Http

from accounts.models import User
from common.json_type import Json

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

# What a client of the tests gets: Django's response with json(), context, and the request it answers.
Response: TypeAlias = "_MonkeyPatchedWSGIResponse"

ISSUER = "http://localhost:8000"
ORDERS = "https://api.acme.example/orders"
BILLING = "https://api.acme.example/billing"
FOREIGN = "https://api.other.example/reports"
WEB_CB = "https://web.acme.example/cb"
SPA_CB = "https://spa.acme.example/cb"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ALL_SCOPES = "openid profile email address phone offline_access orders.read orders.write"
# What only attributes say of somebody (OpenID Connect Core 1.0 section 5.1).
EVERY_CLAIM: dict[str, Json] = {
    "middle_name": "Oriel",
    "nickname": "Ollie",
    "profile": "https://people.example/olive",
    "picture": "https://people.example/olive.png",
    "website": "https://olive.example/",
    "gender": "female",
    "birthdate": "0000-12-31",
    "zoneinfo": "Europe/Paris",
    "locale": "fr-CA",
    "phone_number": "+33 1 23",
    "phone_number_verified": True,
    "address": {"formatted": "1 Main St\nLyon", "locality": "Lyon", "country": "FR"},
}

WORLD = f"""
version: 1
users:
  - {{username: owner, password: owner-pw, email: owner@people.example, email_verified: true, given_name: Olive,
     family_name: Owner, attributes: {{phone_number: "+1 555 0100", address: "1 Main St"}}}}
  - {{username: member, password: member-pw, email: member@people.example}}
  - {{username: outsider, password: outsider-pw, email: outsider@people.example}}
projects:
  - id: acme
    name: Acme
    members: {{owners: [owner], editors: [member]}}
    consent_screen: {{app_name: Acme, support_email: help@acme.example, policy_uri: "https://acme.example/privacy"}}
    apis:
      - identifier: {ORDERS}
        name: Orders
        description: What you bought
        scopes: {{orders.read: See your orders, orders.write: Change your orders}}
      - {{identifier: {BILLING}, name: Billing}}
    clients:
      - client_id: web
        client_name: Acme web
        client_secret: web-secret
        require_pkce: false
        grant_types: [authorization_code, refresh_token, client_credentials]
        redirect_uris: [{WEB_CB}]
        scope: {ALL_SCOPES}
        audience: [{ORDERS}, {{value: {BILLING}, mode: exact}}, "urn:acme:queue"]
      - client_id: sibling
        client_name: Acme sibling
        client_secret: sibling-secret
        grant_types: [authorization_code, refresh_token]
        redirect_uris: ["https://sibling.acme.example/cb"]
        scope: openid email offline_access
        id_token_signed_response_alg: ES256
        id_token_lifetime: 600
      - client_id: spa
        client_name: Acme single page
        token_endpoint_auth_method: none
        grant_types: [authorization_code, refresh_token]
        redirect_uris: [{SPA_CB}]
        scope: {ALL_SCOPES}
      - client_id: native
        client_name: Acme native
        token_endpoint_auth_method: none
        grant_types: [authorization_code, refresh_token]
        redirect_uris: ["http://127.0.0.1/cb", "com.acme.app:/cb"]
        scope: openid offline_access
      - client_id: service
        client_name: Acme service
        client_secret: service-secret
        grant_types: [client_credentials]
        scope: orders.read
      - client_id: blind
        client_name: Acme blind
        client_secret: blind-secret
        grant_types: [client_credentials]
        introspection: none
      - {{client_id: retired, client_name: Acme retired, client_secret: retired-secret, enabled: false,
         grant_types: [authorization_code], redirect_uris: ["https://retired.acme.example/cb"], scope: openid}}
      - {{client_id: picky, client_name: Acme picky, client_secret: picky-secret, allowed_callers: [sibling],
         grant_types: [authorization_code], redirect_uris: ["https://picky.acme.example/cb"], scope: openid}}
  - id: other
    name: Other
    apis: [{{identifier: {FOREIGN}, name: Reports}}]
    clients:
      - client_id: stranger
        client_name: Stranger
        client_secret: stranger-secret
        grant_types: [authorization_code, refresh_token, client_credentials]
        redirect_uris: ["https://stranger.example/cb"]
        scope: openid offline_access
  - id: house
    name: House
    consent_mode: implicit
    clients:
      - client_id: desk
        client_name: Desk
        client_secret: desk-secret
        grant_types: [authorization_code, refresh_token]
        redirect_uris: ["https://desk.house.example/cb"]
        scope: openid email offline_access
        rotate_refresh_tokens: true
"""

SECRETS = {
    name: f"{name}-secret" for name in ("web", "sibling", "service", "blind", "retired", "picky", "stranger", "desk")
}
REDIRECTS = {
    "web": WEB_CB,
    "sibling": "https://sibling.acme.example/cb",
    "spa": SPA_CB,
    "native": "com.acme.app:/cb",
    "stranger": "https://stranger.example/cb",
    "retired": "https://retired.acme.example/cb",
    "desk": "https://desk.house.example/cb",
}


def basic(client_id: str, secret: str) -> str:
    """An Authorization header, both parts form-encoded first (RFC 6749 section 2.3.1)."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def claims_of(jwt: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    payload: dict[str, Any] = json.loads(_part(jwt, 1))
    return payload


def header_of(jwt: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(_part(jwt, 0))
    return header


def _part(jwt: str, index: int) -> bytes:
    text = jwt.split(".")[index]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


Pairs = list[tuple[str, str]]


def pairs(params: dict[str, Any]) -> Pairs:
    """Parameters with lists for those that repeat; None leaves one out."""
    return [
        (name, str(one))
        for name, value in params.items()
        if value is not None
        for one in (value if isinstance(value, list) else [value])
    ]


@dataclass
class App:
    """A client application at the protocol endpoints."""

    client_id: str
    http: Http = field(default_factory=Http)

    @property
    def secret(self) -> str:
        return SECRETS.get(self.client_id, "")

    def post(self, path: str, params: dict[str, Any] | Pairs, **extra: Any) -> Response:
        """A form, authenticated by Basic (or by client_id alone for public clients) unless `auth` says otherwise."""
        sent = pairs(params) if isinstance(params, dict) else list(params)
        auth = extra.pop("auth", "default")
        if auth == "default":
            if self.secret:
                extra["HTTP_AUTHORIZATION"] = basic(self.client_id, self.secret)
            else:
                sent.append(("client_id", self.client_id))
        elif auth:
            extra["HTTP_AUTHORIZATION"] = auth
        return self.http.post(path, urlencode(sent), content_type="application/x-www-form-urlencoded", **extra)

    def token(self, **params: Any) -> Response:
        return self.post("/oauth2/token", params)

    def refresh(self, refresh_token: str, **params: Any) -> Response:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **params)

    def exchange(self, code: str, **params: Any) -> Response:
        sent = {"redirect_uri": REDIRECTS[self.client_id], "code_verifier": VERIFIER, **params}
        return self.token(grant_type="authorization_code", code=code, **sent)

    def exchange_with(self, code: str, **extra: Any) -> Response:
        """The same with headers."""
        sent = {"redirect_uri": REDIRECTS[self.client_id], "code_verifier": VERIFIER, "code": code}
        return self.post("/oauth2/token", {"grant_type": "authorization_code", **sent}, **extra)

    def introspect(self, token: str, **params: Any) -> Response:
        return self.post("/oauth2/introspect", {"token": token, **params})

    def userinfo(self, token: str) -> Response:
        return self.http.get("/oauth2/userinfo", HTTP_AUTHORIZATION=f"Bearer {token}")


@dataclass
class Browser:
    """A person at a browser. Signed in when a user name is given."""

    username: str = ""
    http: Http = field(default_factory=Http)

    def __post_init__(self) -> None:
        if self.username:
            self.http.force_login(User.objects.get(username=self.username))

    def authorize(self, client_id: str, /, **params: Any) -> Response:
        """An authorization request with PKCE; parameters override, None leaves one out."""
        request = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": REDIRECTS.get(client_id),
            "scope": "openid",
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **params,
        }
        return self.http.get("/oauth2/authorize?" + urlencode(pairs(request)))

    def answer(self, page: Response, decision: str = "allow", **ticked: list[str]) -> Response:
        """Send the consent form; everything stays ticked unless `scope` or `audience` lists say otherwise."""
        html = page.content.decode()
        form = {
            "decision": decision,
            "seen": _attribute(html, r'name="seen" value="([^"]*)"'),
            "scope": ticked.get("scope", re.findall(r'type="checkbox" name="scope" value="([^"]*)"', html)),
            "audience": ticked.get("audience", re.findall(r'type="checkbox" name="audience" value="([^"]*)"', html)),
        }
        return self.http.post(_attribute(html, r'<form class="card consent" method="post" action="([^"]*)"'), form)

    def code(self, client_id: str, **params: Any) -> str:
        """Authorize, allow everything when asked, and take the code from the redirect."""
        response = self.authorize(client_id, **params)
        if response.status_code == 200:
            response = self.answer(response)
        return redirected(response)["code"]

    def tokens(self, client_id: str, **params: Any) -> dict[str, Any]:
        """The whole code flow; the token endpoint's answer."""
        response = App(client_id).exchange(self.code(client_id, **params))
        assert response.status_code == 200, response.content
        answer: dict[str, Any] = response.json()
        return answer


def _attribute(html: str, pattern: str) -> str:
    found = re.search(pattern, html)
    assert found, f"no {pattern} in the page"
    return found[1].replace("&amp;", "&").replace("&#x27;", "'")


def redirected(response: Response) -> dict[str, str]:
    """The parameters the client gets. A person goes to a guest that no project lists by a link, when it is refused."""
    if response.status_code == 400 and (link := re.search(r'id="elsewhere" href="([^"]*)"', response.content.decode())):
        return dict(parse_qsl(urlsplit(link[1].replace("&amp;", "&")).query))
    assert response.status_code in (302, 303), (response.status_code, response.content[:500])
    return dict(parse_qsl(urlsplit(response["Location"]).query))


def location_parameters(response: Response) -> dict[str, list[str]]:
    return parse_qs(urlsplit(response["Location"]).query)
