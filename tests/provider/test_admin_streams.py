"""Event streams in the console: whoever manages a project sees them, pauses and deletes them, and makes none."""

from __future__ import annotations

import pytest

from clients import registration
from clients.metadata import ClientMetadata
from clients.models import Client, Delivery, SecurityEvent, Stream
from clients.models.stream import DeliveryMethod
from projects.actors import Actor
from projects.models import Project
from tests.console import browser, page, problems, send

pytestmark = [pytest.mark.usefixtures("console"), pytest.mark.any_database]
LIST, ADD, CHANGE, DELETE = (f"clients_stream_{name}" for name in ("changelist", "add", "change", "delete"))


@pytest.fixture
def stream() -> Stream:
    said = {
        "method": DeliveryMethod.PUSH,
        "endpoint_url": "https://receiver.acme.example/secret-place",
        "events_requested": ["one"],
    }
    return Stream.objects.create(client=Client.objects.get(client_id="web"), **said)


def test_what_is_told_is_seen_and_where_to_by_its_host_alone(stream: Stream) -> None:
    Delivery.objects.create(stream=stream, kind="ssf.verification", happened_at=stream.created_at, problem="x")
    for username in ("viewer", "editor"):
        http = browser(username)
        for address in (page(LIST), page(CHANGE, stream.pk)):
            shown = http.get(address)
            assert shown.status_code == 200
            assert "secret-place" not in shown.content.decode()
        assert "receiver.acme.example" in shown.content.decode()
        assert http.get(page(ADD)).status_code == 403


def test_an_editor_pauses_it_and_the_receiver_is_told(stream: Stream) -> None:
    http = browser("editor")
    said = {"status": "paused", "reason": "Maintenance"}
    assert send(http, page(CHANGE, stream.pk), said).status_code == 302
    stream.refresh_from_db()
    assert (stream.status, stream.reason) == ("paused", "Maintenance")
    told = Delivery.objects.get()
    assert (told.kind, told.data) == ("ssf.stream-updated", {"status": "paused", "reason": "Maintenance"})
    assert SecurityEvent.objects.get(kind="stream.status_changed").detail["project"] == "acme"
    assert send(http, page(CHANGE, stream.pk), {**said, "reason": "Longer"}).status_code == 302
    assert Delivery.objects.count() == 1, "its status stayed as it is"
    assert list(problems(send(http, page(CHANGE, stream.pk), {**said, "status": "asleep"}))) == ["status"]


def test_an_editor_deletes_it(stream: Stream) -> None:
    assert browser("editor").post(page(DELETE, stream.pk), {"post": "yes"}).status_code == 302
    assert not Stream.objects.exists()
    assert SecurityEvent.objects.filter(kind="stream.deleted").exists()


def test_viewers_look_and_others_know_nothing_of_it(stream: Stream) -> None:
    http = browser("viewer")
    assert http.post(page(CHANGE, stream.pk), {"status": "paused"}).status_code == 403
    assert http.post(page(DELETE, stream.pk), {"post": "yes"}).status_code == 403
    wanted = ClientMetadata(client_id="stranger", client_name="Stranger", redirect_uris=("https://x.example/cb",))
    other = registration.register(wanted, Project.objects.get(key="other"), Actor.operator("a test"))
    of_another = Stream.objects.create(client=other, method=DeliveryMethod.POLL)
    for username in ("viewer", "editor"):
        assert str(of_another.pk) not in browser(username).get(page(LIST)).content.decode()
        assert browser(username).post(page(CHANGE, of_another.pk), {"status": "paused"}).status_code in (302, 403)
    of_another.refresh_from_db()
    assert of_another.status == "enabled"
