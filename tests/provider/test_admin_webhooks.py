"""Webhooks in the console: editors make them, see whether they arrive, test them and change their secrets."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.management import call_command

from clients import webhooks
from clients.models import Delivery, Webhook
from clients.webhooks import WebhookMetadata
from projects.actors import Actor
from projects.models import Project
from tests.console import browser, page, problems, project, send
from tests.world import Response

pytestmark = [pytest.mark.usefixtures("console"), pytest.mark.any_database]
LIST, ADD, CHANGE = (f"clients_webhook_{name}" for name in ("changelist", "add", "change"))
URL = "https://hooks.acme.example/vestibule"


def make(username: str = "editor", **said: Any) -> Response:
    return send(browser(username), page(ADD), {"project": project().pk, "url": URL, "enabled": "on", **said})


def of_another() -> Webhook:
    wanted = WebhookMetadata(url="https://hooks.other.example/secret-place")
    return webhooks.register(wanted, Project.objects.get(key="other"), Actor.operator("a test"))[0]


def secret_on(response: Response) -> str:
    found = re.search(r'id="shown-secret"[^>]*value="([^"]+)"', response.content.decode())
    assert found
    return found[1]


def test_a_webhook_is_made_and_its_secret_is_shown_once() -> None:
    secret = secret_on(make(kinds=["person.deleted"]))
    row = Webhook.objects.get()
    assert (row.url, row.kinds, webhooks.secrets_of(row)) == (URL, ["person.deleted"], [secret])
    http = browser("editor")
    for address in (page(LIST), page(CHANGE, row.pk), page("clients_webhook_secrets", row.pk)):
        shown = http.get(address)
        assert shown.status_code == 200
        assert secret not in shown.content.decode()
    assert "whsec_" not in http.get(page("clients_webhook_history", row.pk)).content.decode()


def test_a_secret_is_rotated_and_the_older_one_ended() -> None:
    first = secret_on(make())
    row, http = Webhook.objects.get(), browser("editor")
    address = page("clients_webhook_secrets", row.pk)
    second = secret_on(http.post(address, {"do": "rotate"}))
    assert webhooks.secrets_of(Webhook.objects.get()) == [second, first]
    http.post(address, {"do": "end"})
    assert webhooks.secrets_of(Webhook.objects.get()) == [second]
    assert http.post(address, {"do": "something"}).status_code == 302


def test_a_test_is_sent_and_what_became_of_it_is_shown() -> None:
    make(url="http://127.0.0.1:1/hook")
    row, http = Webhook.objects.get(), browser("editor")
    http.post(page("clients_webhook_secrets", row.pk), {"do": "test"})
    call_command("deliverevents")
    listed = http.get(page("clients_delivery_changelist"), {"webhook": str(row.pk)}).content.decode()
    assert "webhook.test" in listed
    assert "127.0.0.1 does not answer as it should" in listed
    assert "127.0.0.1 does not answer as it should" in http.get(page(LIST)).content.decode()
    assert http.get(page("clients_delivery_change", Delivery.objects.get().pk)).status_code == 200


@pytest.mark.parametrize(
    ("said", "field"), [({"url": "http://hooks.acme.example/"}, "url"), ({"kinds": ["person.born"]}, "kinds")]
)
def test_what_no_webhook_can_be_stands_at_its_field(said: dict[str, Any], field: str) -> None:
    assert list(problems(make(**said))) == [field]
    assert not Webhook.objects.exists()


def test_viewers_look_and_change_nothing() -> None:
    make()
    row, http = Webhook.objects.get(), browser("viewer")
    assert http.get(page(CHANGE, row.pk)).status_code == 200
    assert http.get(page("clients_webhook_secrets", row.pk)).status_code == 403
    assert http.post(page("clients_webhook_secrets", row.pk), {"do": "rotate"}).status_code == 403
    assert not row.secret_before
    assert http.get(page(ADD)).status_code in (302, 403)
    assert Webhook.objects.count() == 1


def test_nobody_sees_webhooks_of_another_project() -> None:
    theirs, http = of_another(), browser("editor")
    Delivery.objects.create(webhook=theirs, kind="webhook.test", happened_at=theirs.created_at)
    for address in (page(LIST), page("clients_delivery_changelist"), page("projects_project_changelist")):
        assert "secret-place" not in http.get(address).content.decode()
    listed = http.get(page("clients_delivery_changelist"), {"webhook": str(theirs.pk)}).content.decode()
    assert "webhook.test" not in listed
    assert http.get(page("clients_delivery_changelist"), {"webhook": "nothing"}).status_code in (200, 302)
    assert http.get(page("clients_webhook_secrets", theirs.pk)).status_code in (302, 404)
    assert http.get(page("clients_webhook_secrets", "nothing")).status_code in (302, 404)


def test_one_is_deleted_with_what_waits_for_it() -> None:
    make()
    row, http = Webhook.objects.get(), browser("editor")
    assert http.post(page("clients_webhook_delete", row.pk), {"post": "yes"}).status_code == 302
    assert not Webhook.objects.exists()
