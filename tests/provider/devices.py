"""Devices without a browser, and people who connect them: for tests of RFC 8628."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db.models import F

from clients import registration
from clients.metadata import Audience, ClientMetadata
from clients.models import DeviceGrant
from projects.actors import Actor
from projects.models import Project
from provider.keys.mint import digest
from tests.world import ALL_SCOPES, BILLING, ORDERS, SECRETS, App, Browser, Response

OPERATOR = Actor.operator("test")
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
TV, BOX, LAMP = "tv", "box", "lamp"  # public; confidential; confidential, of the project where nobody is asked


def add_devices() -> None:
    """A client for each kind of device."""
    acme, house = Project.objects.get(key="acme"), Project.objects.get(key="house")
    allowlist = (Audience(ORDERS), Audience(BILLING, "exact"))
    for client_id, project in ((TV, acme), (BOX, acme), (LAMP, house)):
        public = client_id == TV
        wanted = ClientMetadata(
            client_id=client_id,
            client_name=f"The {client_id}",
            token_endpoint_auth_method="none" if public else "client_secret_basic",
            grant_types=(GRANT, "refresh_token"),
            scope=ALL_SCOPES if project is acme else "openid email offline_access",
            audience=allowlist if project is acme else (),
        )
        client = registration.register(wanted, project, OPERATOR)
        if not public:
            SECRETS[client_id] = registration.generate_secret(client, OPERATOR)


@dataclass
class Device:
    """It asks for codes, shows one of them, and asks for its tokens."""

    client_id: str = TV
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def app(self) -> App:
        return App(self.client_id)

    def request(self, **params: Any) -> Response:
        return self.app.post("/oauth2/device_authorization", {"scope": "openid", **params})

    def begin(self, **params: Any) -> Device:
        response = self.request(**params)
        assert response.status_code == 200, response.content
        self.said = response.json()
        return self

    @property
    def code(self) -> str:
        return str(self.said["user_code"])

    @property
    def row(self) -> DeviceGrant:
        return DeviceGrant.objects.get(digest=digest(self.said["device_code"]))

    def poll(self, **params: Any) -> Response:
        return self.app.token(grant_type=GRANT, device_code=self.said["device_code"], **params)

    def error(self, **params: Any) -> str:
        response = self.poll(**params)
        assert response.status_code == 400, response.content
        return str(response.json()["error"])

    def tokens(self, **params: Any) -> dict[str, Any]:
        response = self.poll(**params)
        assert response.status_code == 200, response.content
        answer: dict[str, Any] = response.json()
        return answer

    def wait(self, seconds: float) -> None:
        """So long is it since the device asked: only the database's clock counts there, and it goes on by itself."""
        DeviceGrant.objects.filter(digest=self.row.digest).update(polled_at=F("polled_at") - timedelta(seconds=seconds))

    def expire(self) -> None:
        DeviceGrant.objects.filter(digest=self.row.digest).update(expires=F("expires") - timedelta(seconds=601))


def page(browser: Browser, code: str) -> Response:
    """What the person sees who typed this code: the consent page, a sign-in page, or the form once more."""
    response = browser.http.post("/device", {"user_code": code})
    return browser.http.get(response["Location"]) if response.status_code == 303 else response


def answer(browser: Browser, shown: Response, decision: str = "allow", **ticked: list[str]) -> Response:
    assert shown.status_code == 200, (shown.status_code, shown.get("Location"))
    return browser.answer(shown, decision, **ticked)


def connect(device: Device, username: str = "owner", decision: str = "allow", **ticked: list[str]) -> Browser:
    """A person types its code and answers."""
    browser = Browser(username)
    response = answer(browser, page(browser, device.code), decision, **ticked)
    assert response.status_code == 303, response.content
    assert urlsplit(response["Location"]).path == "/device/done"
    return browser


def alert(response: Response) -> str:
    found = re.search(r'role="alert"[^>]*>([^<]*)<', response.content.decode())
    return found[1] if found else ""
