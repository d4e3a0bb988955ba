"""Addresses that wait, of very many people: looked through some at a time, in as many statements as of few."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from clients.models import Authorization, Client, Delivery, Stream
from clients.models.stream import DeliveryMethod
from projects.models import Consent, Project
from provider.telling import addresses, sets, stream_outbox
from provider.telling.spreading import spread

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream(world: None) -> Stream:
    return another("web")


def another(app: str) -> Stream:
    client = Client.objects.select_related("project").get(client_id=app)
    Client.objects.filter(pk=client.pk).update(scope="openid email ssf.manage ssf.read")
    return Stream.objects.create(client=client, method=DeliveryMethod.POLL, events_requested=list(sets.SUPPORTED))


def waiting(stream: Stream, number: int, *, named: bool = True) -> None:
    """An address of each of so many people, half of whom it knows by their consent alone."""
    people = [User(username=f"p-{one}", email=f"p-{one}@people.example") for one in range(number)]
    users, client = User.objects.bulk_create(people), stream.client
    Consent.objects.bulk_create([Consent(user=one, project=client.home, scopes=["email"]) for one in users[::2]])
    Authorization.objects.bulk_create(
        [Authorization(client=client, user=one, scopes=["email"], auth_time=timezone.now()) for one in users[1::2]]
    )
    Delivery.objects.bulk_create(
        Delivery(
            stream=stream,
            sub=one.sub,
            kind="person.email_changed",
            data={"before": one.email, **({"person": one.sub} if named else {})},
            happened_at=timezone.now(),
        )
        for one in users
    )


def nobody_is_let_in(*, nobody: bool = True) -> None:
    Project.objects.filter(key="acme").update(sign_in="groups" if nobody else "anyone", sign_in_ids=[])


def kept() -> int:
    return sum("before" in one for one in Delivery.objects.values_list("data", flat=True))


def by_a_run(_stream: Stream) -> None:
    addresses.Round().go_on()


def by_a_receiver_that_fetches(stream: Stream) -> None:
    stream_outbox.fetch(stream, 500)


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("look", [by_a_run, by_a_receiver_that_fetches])
def test_many_take_no_statement_each(
    stream: Stream, look: Callable[[Stream], None], ended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_outbox, "token", lambda row, _stream: row.message_id.hex)
    counts: list[int] = []
    for number in (4, 200):
        User.objects.filter(username__startswith="p-").delete()
        Delivery.objects.all().delete()
        waiting(stream, number)
        nobody_is_let_in(nobody=ended)
        with CaptureQueriesContext(connection) as statements:
            look(stream)
        counts.append(len(statements))
        assert kept() == (0 if ended else number)
    assert counts[1] <= counts[0] < 40


def test_a_run_looks_at_some_and_the_next_one_goes_on(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is behind a receiver that is down; and after the last one from the beginning."""
    monkeypatch.setattr(addresses, "PORTION", 4)
    waiting(stream, 10)
    some = Delivery.objects.order_by("pk").values_list("pk", flat=True)[:5]
    Delivery.objects.filter(pk__in=list(some)).update(stream=another("spa"))
    nobody_is_let_in()
    around, left = addresses.Round(), list[int]()
    for _run in range(3):
        around.go_on()
        left.append(kept())
    assert left == [6, 2, 0]
    User.objects.filter(username__startswith="p-").delete()
    Delivery.objects.all().delete()
    waiting(stream, 4)
    around.go_on()
    assert kept() == 0


def test_a_worker_that_stops_looks_at_none(stream: Stream) -> None:
    waiting(stream, 1)
    nobody_is_let_in()
    spread(lambda: True)
    assert kept() == 1
    spread(lambda: False)
    assert kept() == 0


@pytest.mark.parametrize("ended", [True, False])
def test_whose_it_is_may_be_said_by_the_row_alone(stream: Stream, ended: bool) -> None:
    waiting(stream, 2, named=False)
    nobody_is_let_in(nobody=ended)
    addresses.Round().go_on()
    assert kept() == (0 if ended else 2)
