"""A canary: no secret, password, code, token or verifier in any log line or any row, whatever the log level."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import Client as Http

from clients import secrets
from clients.models import Client, SecurityEvent
from tests.world import SECRETS, VERIFIER, App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


class Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(logging.Formatter().format(record))


@pytest.fixture
def logs() -> Iterator[list[str]]:
    """Every logger at DEBUG, those that keep to themselves included; the database's own lines apart.

    `django.db.backends` prints statements with their parameters when somebody asks for that very logger: what it
    could show is what the rows hold, and they are looked at here too.
    """
    listener = Listener()
    root = logging.getLogger()
    named = [logging.getLogger(name) for name in list(root.manager.loggerDict)]
    loggers = [root, *(one for one in named if not one.name.startswith("django.db.backends"))]
    before = [(one, one.level, one.disabled) for one in loggers]
    for one in loggers:
        if not one.name.startswith("oauthlib"):  # silenced by the settings, for whatever level others have
            one.setLevel(logging.DEBUG)
        if one is root or not one.propagate:
            one.addHandler(listener)
    yield listener.heard
    for one, level, disabled in before:
        one.setLevel(level)
        one.disabled = disabled
        one.removeHandler(listener)


def rows() -> Iterator[str]:
    """Every value of every table as text."""
    for model in apps.get_models():
        for values in model._base_manager.values_list():
            yield from (str(value) for value in values)


def _everything_that_must_stay_secret() -> dict[str, str]:
    """Run the flows, those that fail included, and collect what passed through the provider."""
    made = secrets.generate(Client.objects.get(client_id="stranger"))
    http = Http()
    http.get("/accounts/login/")
    http.post("/accounts/login/", {"login": "owner", "password": "owner-pw"})
    http.post("/accounts/login/", {"login": "owner", "password": "a-wrong-password-of-somebody"})
    browser = Browser(http=http)
    code = browser.code("web", scope="openid email offline_access")
    web = App("web")
    wrong = web.post(
        "/oauth2/token",
        {"grant_type": "client_credentials", "client_id": "web", "client_secret": "a-wrong-client-secret"},
        auth=None,
    )
    assert wrong.status_code == 401
    tokens = web.exchange(code).json()
    Client.objects.filter(client_id="web").update(access_token_format="jwt", rotate_refresh_tokens=True)
    fresh = web.refresh(tokens["refresh_token"], audience="sibling").json()
    assert web.refresh(tokens["refresh_token"], audience="stranger").status_code == 400
    own = App("service").token(grant_type="client_credentials").json()
    web.introspect(fresh["access_token"])
    web.userinfo(fresh["access_token"])
    web.post("/oauth2/tokeninfo", {"id_token": fresh["id_token"]}, auth=None)
    web.post("/oauth2/revoke", {"token": fresh["access_token"]})
    assert web.exchange(code).status_code == 400, "a second use"
    return {
        "code": code,
        "verifier": VERIFIER,
        "password": "owner-pw",
        "wrong password": "a-wrong-password-of-somebody",
        "wrong secret": "a-wrong-client-secret",
        "generated secret": made,
        "access token": tokens["access_token"],
        "refresh token": tokens["refresh_token"],
        "ID token": tokens["id_token"],
        "rotated refresh token": fresh["refresh_token"],
        "JWT access token": fresh["access_token"],
        "sibling's ID token": fresh["id_token"],
        "client's token": own["access_token"],
        **{f"secret of {name}": secret for name, secret in SECRETS.items()},
    }


def test_no_log_line_and_no_row_holds_a_secret(logs: list[str]) -> None:
    hidden = _everything_that_must_stay_secret()
    kept = list(rows())
    assert logs, "nothing was listened to"
    assert SecurityEvent.objects.exists()
    told = {name for name, secret in hidden.items() if any(secret in line for line in logs)}
    stored = {name for name, secret in hidden.items() if any(secret in value for value in kept)}
    assert (told, stored) == (set(), set())


def test_the_canary_would_sing(logs: list[str]) -> None:
    """What is looked for can be found: a careless line and a careless row are told."""
    logging.getLogger("clients.oauth").debug("token %s", "tweet-tweet")
    SecurityEvent.objects.create(kind="careless", detail=json.loads('{"token": "tweet-tweet"}'))
    assert any("tweet-tweet" in line for line in logs)
    assert any("tweet-tweet" in value for value in rows())


def test_oauthlib_never_speaks() -> None:
    """At DEBUG it writes codes and tokens in clear."""
    logger: Any = logging.getLogger("oauthlib")
    assert not logger.propagate
    assert logger.getEffectiveLevel() >= logging.CRITICAL
