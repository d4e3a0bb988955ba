"""Whom the load of a soak consists of, as an operator would write it."""

from __future__ import annotations

import base64
import hashlib

PEOPLE = 6
PASSWORD = "correct horse battery staple"
API = "https://api.soak.example"
CALLBACK = "https://app.soak.example/cb"
VERIFIER = "soak-verifier-" + "v" * 40
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "openid profile email offline_access read"
WEB, MACHINE, JWT, API_CLIENT, SWITCH, TV, DEPLOYER = (
    f"soak-{name}" for name in ("web", "machine", "jwt", "api", "switch", "tv", "deployer")
)
_PEOPLE = "\n".join(
    f"  - {{username: person-{number}, password: {PASSWORD}, email: person-{number}@soak.example}}"
    for number in range(PEOPLE)
)


def document(issuer: str) -> str:
    """The configuration file."""
    return f"""
version: 1
users:
{_PEOPLE}
projects:
  - id: soak
    name: Soak
    apis: [{{identifier: "{API}", name: Soak, scopes: {{read: Read}}}}]
    clients:
      - {{client_id: {WEB}, client_name: Web, redirect_uris: ["{CALLBACK}"], scope: {SCOPE},
         rotate_refresh_tokens: true, grant_types: [authorization_code, refresh_token, "{EXCHANGE}"]}}
      - {{client_id: {MACHINE}, client_name: Machine, grant_types: [client_credentials], scope: read}}
      - {{client_id: {JWT}, client_name: Jwt, grant_types: [client_credentials], scope: read, access_token_format: jwt,
         audience: ["{API}"]}}
      - {{client_id: {API_CLIENT}, client_name: Api, grant_types: [client_credentials], introspection: project}}
      - {{client_id: {SWITCH}, client_name: Switch, grant_types: [client_credentials], scope: read}}
      - {{client_id: {TV}, client_name: Television, grant_types: ["{DEVICE}", refresh_token], scope: {SCOPE}}}
  - id: deployment
    name: Deployment
    clients:
      - {{client_id: {DEPLOYER}, client_name: Deployer, grant_types: [client_credentials],
         scope: admin.read admin.write, audience: [{{value: "{issuer}/api/v1", default: true}}], administers: ["*"]}}
"""
