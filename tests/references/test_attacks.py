"""Attacks that once worked: each test is one of them, from outside."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from jwcrypto import jwk, jws

from clients import keyring
from clients.models import AudienceEntry, Authorization, Client, SecurityEvent, SigningKey
from clients.models.keys import KeyState
from idp.accounts.models import User
from idp.configuration import apply
from projects.models import Project
from tests.console import OPEN, api, browser, page, problems, project, send
from tests.world import FOREIGN, ISSUER, ORDERS, REDIRECTS, SECRETS, App, Browser, redirected

pytestmark = pytest.mark.django_db


# --- A client named like an audience: its own tokens would be tokens for that audience -----------------------------


@pytest.mark.parametrize(
    "client_id", ["urn:acme:queue", "https://api.acme.example", f"{ORDERS}/7", ISSUER, "HTTPS://x", "x-y.z+1:"]
)
def test_an_editor_cannot_name_a_client_like_an_address(console: None, client_id: str) -> None:
    fields = {"project": project("other").pk, "name": "Impostor", "client_id": client_id}
    answer = send(browser("both"), page("clients_client_add"), {**fields, "grant_types": ["client_credentials"]})
    assert "must not begin like an address" in problems(answer)["client_id"][0]
    assert not Client.objects.filter(client_id=client_id).exists()


def test_a_client_cannot_take_the_name_of_an_audience(world: None) -> None:
    web = Client.objects.get(client_id="web")
    AudienceEntry.objects.create(client=web, value="queue")
    impostor = Client(client_id="queue", project=Project.objects.get(key="other"), client_type="confidential")
    with pytest.raises(ValidationError, match="name this as an audience already"):
        impostor.full_clean()


def test_an_audience_cannot_take_the_name_of_a_client(world: None) -> None:
    web = Client.objects.get(client_id="web")
    with pytest.raises(ValidationError, match="the ID of a client"):
        AudienceEntry(client=web, value="stranger").full_clean(exclude=["canonical"])
