"""The real provider on a port of this machine: the Orders API of project acme, its own client, and two apps."""

from __future__ import annotations

from typing import Any

import requests
from django.test import Client as Http
from vestibule_verifier import IDTokenVerifier, IntrospectionVerifier, LocalVerifier, Provider

from accounts.models import User
from clients.models import Client
from idp.configuration import apply
from projects.models import Consent
from tests.world import ORDERS, REDIRECTS, SECRETS, VERIFIER, Browser

API = f"""
version: 1
projects:
  - id: acme
    apis: [{{identifier: {ORDERS}, token_format: jwt}}]
    clients:
      - client_id: orders-api
        client_name: Orders API
        client_secret: orders-api-secret
        grant_types: [client_credentials]
        acts_for: [{ORDERS}]
      - {{client_id: sibling, audience: [{ORDERS}]}}
"""
SCOPE = "openid email offline_access orders.read"


class Acme:
    """What the people of Acme run against the provider; everything but the browser goes over HTTP."""

    def __init__(self, issuer: str) -> None:
        apply(API)
        self.issuer = issuer
        provider = Provider(issuer)
        self.local = LocalVerifier(provider, ORDERS)
        self.asking = IntrospectionVerifier(
            provider, ORDERS, client_id="orders-api", client_secret="orders-api-secret", keep=0, keep_refusals=0
        )
        self.people = IDTokenVerifier(provider, "orders-api", ["web"])

    def token(self, client_id: str, **form: Any) -> dict[str, Any]:
        """The token endpoint's answer, errors included."""
        auth = (client_id, SECRETS[client_id])
        answer: dict[str, Any] = requests.post(f"{self.issuer}/oauth2/token", form, auth=auth, timeout=30).json()
        return answer

    def sign_in(self, client_id: str = "web", **params: Any) -> dict[str, Any]:
        """The owner signs in to an app with the code flow and allows everything."""
        code = Browser("owner", Http(SERVER_NAME="localhost")).code(client_id, **{"scope": SCOPE, **params})
        form = {"redirect_uri": REDIRECTS[client_id], "code_verifier": VERIFIER}
        return self.token(client_id, grant_type="authorization_code", code=code, **form)

    def refresh(self, tokens: dict[str, Any], client_id: str = "web", **form: Any) -> dict[str, Any]:
        return self.token(client_id, grant_type="refresh_token", refresh_token=tokens["refresh_token"], **form)

    def get(self, path: str, token: str) -> requests.Response:
        return requests.get(self.issuer + path, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def post(self, path: str, **form: str) -> requests.Response:
        return requests.post(self.issuer + path, form, auth=("orders-api", "orders-api-secret"), timeout=30)


def deactivate_the_person() -> None:
    User.objects.filter(username="owner").update(is_active=False)


def disable_the_client() -> None:
    Client.objects.filter(client_id="web").update(enabled=False)


def delete_the_consent() -> None:
    Consent.objects.get(user__username="owner", project__key="acme").delete()


ENDS = [deactivate_the_person, disable_the_client, delete_the_consent]
