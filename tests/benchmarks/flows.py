"""What is measured: one request per flow, the same one for every peer."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import quote

REDIRECT_URI = "https://app.bench.example/cb"
API = "https://api.bench.example"
VERIFIER = "bench-verifier-" + "v" * 40
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ITEM = "{item}"


class Items(StrEnum):
    """What a request needs besides what is constant."""

    NONE = "none"
    CYCLE = "cycle"  # tokens that stay good: one after the other, again and again
    CHAIN = "chain"  # refresh tokens that rotate: each answer's token is the next to be sent
    ONCE = "once"  # codes: each is good for one request


@dataclass(frozen=True)
class Flow:
    """`client` is a role that each peer fills; None: no client authenticates. `wanted` stands in a good answer."""

    key: str
    title: str
    path: str  # which endpoint
    wanted: str
    body: str = ""
    client: str | None = None
    items: Items = Items.NONE
    token: str = "access_token"
    proof: bool = False  # the item is a DPoP proof, in its header
    assertion: bool = False  # the item is a JWT that the client of the role `key` signed

    @property
    def method(self) -> str:
        return "POST" if self.body else "GET"


_CODE = (
    f"grant_type=authorization_code&code={ITEM}&redirect_uri={quote(REDIRECT_URI, safe='')}&code_verifier={VERIFIER}"
)
_REFRESH = f"grant_type=refresh_token&refresh_token={ITEM}"
_REFRESH_TOKEN = "refresh_token"
_EXCHANGE = (
    "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&scope=read"
    f"&subject_token={ITEM}&subject_token_type=urn:ietf:params:oauth:token-type:access_token"
)
_DEVICE = f"grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code={ITEM}"
_OWN = "grant_type=client_credentials&scope=read"
_ASSERTED = (
    f"{_OWN}&client_assertion={ITEM}&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

FLOWS = {
    flow.key: flow
    for flow in (
        Flow("client_credentials", "client credentials, opaque", "token", '"access_token"', _OWN, "machine"),
        Flow("dpop", "client credentials, DPoP", "token", '"DPoP"', _OWN, "machine", Items.ONCE, proof=True),
        Flow(
            "private_key_jwt",
            "client credentials, private_key_jwt",
            "token",
            '"access_token"',
            _ASSERTED,
            items=Items.ONCE,
            assertion=True,
        ),
        Flow("jwt", "client credentials, JWT (ES256)", "token", '"access_token"', _OWN, "jwt"),
        Flow("introspect", "introspection", "introspect", '"active"', f"token={ITEM}", "api", Items.CYCLE),
        Flow(
            "refresh",
            "refresh + ID token (RS256), rotating",
            "token",
            '"id_token"',
            _REFRESH,
            "web",
            Items.CHAIN,
            _REFRESH_TOKEN,
        ),
        Flow(
            "kept",
            "refresh + ID token (RS256), kept",
            "token",
            '"id_token"',
            _REFRESH,
            "kept",
            Items.CYCLE,
            _REFRESH_TOKEN,
        ),
        Flow("code", "code + PKCE + ID token (RS256)", "token", '"id_token"', _CODE, "web", Items.ONCE),
        Flow("device", "device code + ID token (RS256)", "token", '"id_token"', _DEVICE, "device", Items.ONCE),
        Flow("exchange", "token exchange, opaque", "token", '"issued_token_type"', _EXCHANGE, "web", Items.CYCLE),
        Flow("userinfo", "userinfo", "userinfo", '"sub"', items=Items.CYCLE),
        Flow("jwks", "JWKS", "jwks", '"keys"'),
    )
}
# What a full installation is asked for concerns many clients, people and tokens, else caches would hide the cost.
AT_SCALE = {
    "client_credentials": replace(FLOWS["client_credentials"], items=Items.CYCLE),
    **{key: FLOWS[key] for key in ("introspect", "refresh", "code", "userinfo")},
}
