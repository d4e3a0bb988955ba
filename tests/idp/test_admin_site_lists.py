"""Whatever list of the console somebody reads: what happened stands there in words, and a time says its zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from uuid import uuid4

import pytest
from django.contrib.admin import site
from django.urls import reverse

from accounts.models import AccountEvent, AccountEventKind
from clients.models import Delivery, LogoutNotice, RefusedRequest, SecurityEvent
from clients.models.telling import ToldKind
from clients.webhooks import WebhookMetadata, register
from projects.actors import Actor
from tests.console import browser, client, page, project

pytestmark = pytest.mark.usefixtures("console")

TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(?! UTC)|[0-9] [ap]\.m\.|>(?:noon|midnight)<")
KIND = re.compile(r"[a-z_]+(?:\.[a-z_]+)+(?<!\.example)")  # and no host
LISTS = sorted(f"{model._meta.app_label}_{model._meta.model_name}_changelist" for model in site._registry)


def _furnish() -> None:
    now = datetime.now(UTC)
    AccountEvent.objects.create(kind=AccountEventKind.SIGN_IN_FAILED)
    SecurityEvent.objects.create(kind="client.secret_generated", client_id="web")
    RefusedRequest.objects.create(
        client_id="web", endpoint="token", error="invalid_grant", step="grant", hour=now, first_at=now, last_at=now
    )
    LogoutNotice.objects.create(client=client(), sub="somebody", sid=uuid4())
    hook = register(WebhookMetadata(url="https://hooks.acme.example/x"), project(), Actor.operator("test"))[0]
    Delivery.objects.create(webhook=hook, kind=ToldKind.ACCESS, sub="somebody", happened_at=now)


def test_every_list_speaks_in_words_and_says_the_zone() -> None:
    _furnish()
    http = browser("root")
    found: list[str] = []
    for address in (*(reverse(f"admin:{name}") for name in LISTS), page("activity"), page("index")):
        html = http.get(address).content.decode().partition('id="content-main"')[2]
        texts = [unescape(one).strip() for one in re.findall(r">([^<>]+)<", html)]
        found += [f"{address}: {one}" for one in texts if TIME.search(one) or KIND.fullmatch(one)]
    assert found == []
