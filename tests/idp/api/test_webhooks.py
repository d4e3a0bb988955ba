"""Webhooks by the API: their secrets are shown once, and what was delivered is listed."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from clients.models import Webhook
from tests.idp.api.caller import path, person
from tests.provider.telling.inbox import inbox, the_webhook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff"), pytest.mark.any_database]
OF_ACME = path("projects", "acme", "webhooks")
URL = "https://hooks.acme.example/vestibule"


def test_a_webhook_is_made_changed_rotated_and_deleted() -> None:
    owner = person("owner")
    made = owner.post(OF_ACME, {"url": URL, "kinds": ["person.deleted"]})
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert secret.startswith("whsec_")
    mine = made["Location"].removeprefix("http://localhost:8000")
    shown = owner.get(mine)
    assert (shown.json()["url"], shown.json()["kinds"], shown.json()["secrets"]) == (URL, ["person.deleted"], 1)
    changed = owner.patch(mine, {"kinds": None, "enabled": False}, If_Match=shown["ETag"])
    assert (changed.status_code, changed.json()["kinds"], changed.json()["enabled"]) == (200, [], False)
    assert owner.patch(mine, {"enabled": True}, If_Match=shown["ETag"]).status_code == 412
    rotated = owner.post(f"{mine}/secret")
    assert (rotated.status_code, rotated.json()["secrets"]) == (201, 2)
    assert rotated.json()["secret"] not in (secret, "")
    assert owner.delete(f"{mine}/secret").status_code == 204
    assert owner.delete(f"{mine}/secret").status_code == 404
    for answer in (owner.get(mine), owner.get(OF_ACME)):
        assert "whsec_" not in answer.content.decode()
    assert owner.delete(mine).status_code == 204
    assert not Webhook.objects.exists()


def test_a_test_is_sent_like_any_other_and_listed() -> None:
    owner = person("owner")
    with inbox() as box:
        mine = f"{OF_ACME}/{the_webhook().pk}"
        assert owner.post(f"{mine}/test").status_code == 201
        call_command("deliverevents")
        [told] = [one for one in owner.get(f"{mine}/deliveries").json()["items"] if one["kind"] == "webhook.test"]
        assert (told["id"], told["state"], told["status"], told["problem"]) == (box.ids[-1], "delivered", 204, "")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/url"),
        ({"url": "http://hooks.acme.example/"}, "/url"),
        ({"url": URL, "kinds": ["person.born"]}, "/kinds/0"),
        ({"url": URL, "secret": "whsec_mine"}, "/secret"),
        ({"url": URL, "enabled": "yes"}, "/enabled"),
    ],
)
def test_what_no_webhook_can_be_is_refused_at_its_place(body: dict[str, object], pointer: str) -> None:
    answer = person("owner").post(OF_ACME, body)
    assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (422, [pointer])


def test_nobody_reaches_webhooks_of_a_project_that_is_not_theirs() -> None:
    outsider, member = person("outsider"), person("member")
    with inbox():
        mine = f"{OF_ACME}/{the_webhook().pk}"
        for method, address in (("GET", mine), ("POST", f"{mine}/test"), ("GET", f"{mine}/deliveries")):
            assert outsider.ask(method, address).status_code == 404
        elsewhere = path("projects", "other", "webhooks", str(the_webhook().pk))
        assert member.get(elsewhere).status_code == 404
        assert member.get(f"{OF_ACME}/not-an-id").status_code == 404
