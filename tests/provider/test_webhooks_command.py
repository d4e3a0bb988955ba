"""`manage.py webhooks`: who is told, made, switched and tested from the terminal."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from clients import webhooks as registration
from clients.models import Delivery, SecurityEvent, Webhook
from clients.webhooks import WebhookMetadata
from projects.actors import Actor
from projects.models import Project
from tests.provider.telling.inbox import inbox

pytestmark = [pytest.mark.usefixtures("world"), pytest.mark.any_database]
URL = "https://hooks.acme.example/vestibule"


def webhooks(*args: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("webhooks", *args, "--format", "json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def words(*args: str) -> str:
    out = io.StringIO()
    call_command("webhooks", *args, stdout=out)
    return out.getvalue()


def refused(*args: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        words(*args)
    return caught.value.returncode, str(caught.value)


def test_a_webhook_is_made_listed_and_switched() -> None:
    assert words() == "There are no webhooks.\n"
    made = webhooks("acme", URL, "--make")
    assert registration.secrets_of(Webhook.objects.get()) == [made["secret"]]
    [listed] = webhooks()["webhooks"]
    assert (listed["project"], listed["url"], listed["enabled"], listed["due"]) == ("acme", URL, True, 0)
    assert "whsec_" not in str(listed)
    assert words("acme").split() == ["acme", URL, "enabled", "0", "due", "nothing", "was", "sent", "yet"]
    assert webhooks("acme", made["id"], "--disable")["changed"] is True
    assert "It is so already" in words("acme", URL, "--disable")
    assert "disabled" in words("acme", URL)
    assert webhooks("acme", URL, "--enable") == {"dry_run": False, "changed": True, "id": made["id"], "enabled": True}
    event = SecurityEvent.objects.filter(kind="webhook.changed").latest("pk")
    assert (event.detail["by"], bool(event.detail["run_by"])) == ("webhooks", True)


def test_a_test_is_sent_at_once_and_what_became_of_it_is_answered() -> None:
    with inbox() as box:
        webhook = Webhook.objects.get()
        assert webhooks("acme", webhook.url, "--test")["state"] == "delivered"
        assert box.verify(0)["type"] == "webhook.test"
        box.answer = lambda _number: 500
        code, said = refused("acme", str(webhook.pk), "--test")
        assert (code, "status 500" in said) == (1, True)
        assert "failed 1 time" in words("acme")
        assert Delivery.objects.filter(state="due").count() == 1


def test_a_dry_run_changes_nothing() -> None:
    webhooks("acme", URL, "--make", "--dry-run")
    assert not Webhook.objects.exists()
    with inbox() as box:
        for does in ("--disable", "--test"):
            webhooks("acme", Webhook.objects.get().url, does, "--dry-run")
        assert (Webhook.objects.get().enabled, Delivery.objects.exists(), box.bodies) == (True, False, [])


def test_what_cannot_be_is_said() -> None:
    assert refused("nothing") == (2, "There is no project 'nothing'.")
    assert refused("acme", URL, "--test") == (2, f"There is no such webhook: {URL}")
    assert refused("acme", "--test")[0] == 2
    assert refused("acme", "http://hooks.acme.example/", "--make")[0] == 2
    for _ in range(2):
        registration.register(WebhookMetadata(url=URL), Project.objects.get(key="acme"), Actor.operator("a test"))
    assert refused("acme", URL, "--enable") == (2, f"There are several; say the id of one: {URL}")
    Webhook.objects.update(enabled=False)
    assert refused("acme", str(Webhook.objects.earliest("pk").pk), "--test")[0] == 2
