"""`webhooks` in the configuration file: named by their address, with secrets that stand elsewhere."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from clients import webhooks
from clients.models import SecurityEvent, Webhook
from clients.webhooks import WebhookMetadata
from idp.configuration import ConfigurationError, apply
from idp.configuration.export import What, export
from idp.configuration.prune import Prune
from projects.actors import Actor

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
URL = "https://hooks.acme.example/vestibule"
FIRST, SECOND = (f"whsec_{base64.b64encode(letter * 32).decode()}" for letter in (b"a", b"b"))
ENVIRONMENT = {"FIRST": FIRST, "SECOND": SECOND, "SHORT": "whsec_AAAA"}


def applied(*hooks: dict[str, Any], prune: Prune = Prune.NOTHING) -> Any:
    file = {"version": 1, "projects": [{"id": "acme", "name": "Acme", "webhooks": list(hooks)}]}
    return apply(file, environ=ENVIRONMENT, prune=prune)


def test_one_is_made_and_then_is_as_the_file_says() -> None:
    report = applied({"url": URL, "kinds": ["person.deleted"], "secrets_from": ["env:FIRST"]})
    assert [str(one) for one in report.drift] == ["created project acme", f"created webhook acme {URL}"]
    assert webhooks.secrets_of(Webhook.objects.get()) == [FIRST]
    assert not applied({"url": URL, "kinds": ["person.deleted"], "secrets_from": ["env:FIRST"]}).changed
    report = applied({"url": URL, "enabled": False, "secrets_from": ["env:SECOND", "env:FIRST"]})
    assert [str(one) for one in report.drift] == [f"updated webhook acme {URL}: enabled, secrets_from"]
    row = Webhook.objects.get()
    assert (webhooks.secrets_of(row), row.kinds, row.enabled) == ([SECOND, FIRST], ["person.deleted"], False)
    assert "whsec_" not in str(list(SecurityEvent.objects.values()))


def test_without_a_secret_one_is_made_and_told_once() -> None:
    report = applied({"url": URL})
    assert report.generated_secrets == {f"webhook acme {URL}": webhooks.secrets_of(Webhook.objects.get())[0]}
    again = applied({"url": URL})
    assert not again.changed
    assert again.generated_secrets == {}


@pytest.mark.parametrize(
    ("hook", "place"),
    [
        ({"url": "http://hooks.acme.example/"}, "url"),
        ({"url": URL, "kinds": ["person.born"]}, "kinds[0]"),
        ({"url": URL, "secrets_from": ["env:SHORT"]}, "secrets_from[0]"),
        ({"url": URL, "secrets_from": ["env:NOWHERE"]}, "secrets_from[0]"),
        ({"url": URL, "secrets_from": ["whsec_in_clear"]}, "secrets_from[0]"),
        ({"url": URL, "secrets_from": ["env:FIRST"] * 3}, "secrets_from"),
        ({"url": URL, "secret": FIRST}, "secret"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(hook: dict[str, Any], place: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        applied(hook)
    [problem] = refused.value.problems
    assert problem.place.path.endswith(f"webhooks[0].{place}")
    assert "whsec_in_clear" not in problem.message
    assert not Webhook.objects.exists()


def test_what_the_file_no_longer_lists_is_pruned() -> None:
    applied({"url": URL}, {"url": f"{URL}/2"})
    assert not applied({"url": URL}).changed, "left alone"
    report = applied({"url": URL}, prune=Prune.LISTED)
    assert [str(one) for one in report.drift] == [f"deleted webhook acme {URL}/2"]


def test_an_export_is_silent_when_it_is_applied_and_holds_no_secret() -> None:
    applied({"url": URL, "kinds": ["person.deleted"], "description": "ours", "secrets_from": ["env:FIRST"]})
    made = export(What())
    assert FIRST not in str(made.document)
    assert "Project acme: secrets of its webhooks are not in the file." in made.left_out
    assert not apply(made.document).changed


def test_each_of_two_projects_with_one_address_gets_its_secret_told() -> None:
    projects = [{"id": name, "name": name, "webhooks": [{"url": URL}]} for name in ("acme", "other")]
    report = apply({"version": 1, "projects": projects})
    assert set(report.generated_secrets) == {f"webhook acme {URL}", f"webhook other {URL}"}


def test_of_several_with_one_address_the_oldest_is_in_the_file() -> None:
    """A file names one by its address, and would be refused if it named two."""
    applied({"url": URL, "description": "the first"})
    first = Webhook.objects.get()
    webhooks.register(WebhookMetadata(url=URL, description="another"), first.project, Actor.operator("a test"))
    found = export(What())
    assert f"Project acme: another webhook of the address {URL} is not in the file." in found.left_out
    assert not apply(found.document, prune=Prune.LISTED).changed
    applied({"url": URL, "description": "changed"})
    assert sorted(Webhook.objects.values_list("description", flat=True)) == ["another", "changed"]
    first.refresh_from_db()
    assert first.description == "changed"
