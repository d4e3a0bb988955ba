"""mod_auth_openidc in front of an API: it takes access tokens, and asks the provider about each (RFC 7662)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.foreign import apache
from tests.world import ORDERS, SECRETS

pytestmark = [pytest.mark.foreign, pytest.mark.apache, pytest.mark.django_db(transaction=True)]
SITE = """
Listen 127.0.0.1:{port}
OIDCOAuthServerMetadataURL "{issuer}/.well-known/oauth-authorization-server"
OIDCOAuthClientID web
OIDCOAuthClientSecret "{secret}"
# Ask about each request, however often the same token comes.
OIDCOAuthTokenIntrospectionInterval -1
OIDCOAuthRemoteUserClaim sub
<Location "/">
    AuthType oauth20
    Require claim aud:{audience}
    RequestHeader set X-Person "expr=%{{REMOTE_USER}}"
    ProxyPass http://127.0.0.1:{behind}/
</Location>
"""


@pytest.fixture
def api(metadata: dict[str, Any], tmp_path: Path) -> Iterator[str]:
    port = apache.free_port()
    with apache.application() as behind:
        site = SITE.format(port=port, behind=behind, secret=SECRETS["web"], audience=ORDERS, **metadata)
        with apache.serving(tmp_path, site, port, {"PATH": os.environ["PATH"]}):
            yield f"http://127.0.0.1:{port}/"


def test_an_api_behind_apache_takes_the_tokens_made_for_it(metadata: dict[str, Any], api: str) -> None:
    web = ("web", SECRETS["web"])

    def token(resource: str) -> str:
        form = {"grant_type": "client_credentials", "resource": resource}
        answer = requests.post(metadata["token_endpoint"], form, auth=web, timeout=30)
        return str(answer.json()["access_token"])

    def call(token: str) -> requests.Response:
        return requests.get(api, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    good = token(ORDERS)
    answer = call(good)
    assert answer.status_code == 200
    assert (answer.json()["x-person"], answer.json()["oidc_claim_client_id"]) == ("web", "web")
    assert requests.get(api, timeout=30).status_code == 401
    assert call("x").status_code == 401
    assert call(token("https://api.acme.example/billing")).status_code == 401
    requests.post(metadata["revocation_endpoint"], {"token": good}, auth=web, timeout=30)
    assert call(good).status_code == 401
