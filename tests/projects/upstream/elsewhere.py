"""A second party: this product as the provider elsewhere, and a browser that goes there and comes back."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.test import Client as Http

from idp.configuration import apply
from projects.actors import Actor
from projects.upstream import fetched, registration
from projects.upstream.metadata import ConnectorMetadata
from projects.upstream.models import Connector
from tests.world import Browser, Response

BY = Actor.operator("tests")
SECRET = "federation-secret"
KEY = "corp"


def connector(issuer: str, **more: Any) -> Connector:
    """One that knows the client `federation` of the provider elsewhere."""
    said = {"id": KEY, "name": "Corp", "kind": "oidc", "issuer": issuer, "client_id": "federation", **more}
    return registration.register(ConnectorMetadata(**said), BY, SECRET)


def known_there(issuer: str, *keys: str) -> None:
    """We as a client of the provider elsewhere, with a redirect URI for each connector."""
    fetched.forget()
    uris = [f"{issuer}/accounts/from/{key}/callback" for key in keys or (KEY,)]
    apply(
        f"""
version: 1
projects:
  - id: house
    clients:
      - client_id: federation
        client_name: Federation
        client_secret: {SECRET}
        grant_types: [authorization_code]
        redirect_uris: {uris}
        scope: openid profile email
"""
    )


def location_in(page: Response) -> str:
    """Where the page leads by itself."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', page.content.decode())
    assert found, page.content.decode()
    return html.unescape(found[1])


@dataclass
class Visitor:
    """One person with one browser, which keeps the cookies of both sides apart. There they are `username`."""

    username: str
    here: Http = field(default_factory=lambda: Http(SERVER_NAME="localhost"))

    def begin(self, key: str = KEY, next_url: str = "", **form: str) -> str:
        """Press the button; where that leads."""
        sent = {**({"next": next_url} if next_url else {}), **form}
        return location_in(self.here.post(f"/accounts/from/{key}/", sent))

    def there(self, location: str) -> str:
        """Sign in at the provider elsewhere; where it sends the browser back."""
        browser = Browser(self.username, Http(SERVER_NAME="localhost"))
        answer = browser.http.get(location)
        assert answer.status_code in (302, 303), answer.content
        return str(answer["Location"])

    def back(self, location: str) -> Response:
        url = urlsplit(location)
        return self.here.get(f"{url.path}?{url.query}")

    def sign_in(self, key: str = KEY, next_url: str = "") -> Response:
        return self.back(self.there(self.begin(key, next_url)))


def asked(location: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(location).query))
