"""Several people allow an app something at the same moment, whose id is an address and which has no row yet (C15)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from clients.models import Client
from provider import fetched_documents
from provider.client_documents import arrive, find_client, row_of
from provider.protocol.facts import ClientFacts
from tests.provider.document_server import publish, taking_documents
from tests.provider.key_server import KeyServer
from tests.races.racing import THREADS, race

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def agent(settings: Any) -> Iterator[KeyServer]:
    with taking_documents(settings) as server:
        yield server


def seen(agent: KeyServer) -> ClientFacts:
    arrive(agent.url, "192.0.2.7")
    found = find_client(agent.url)
    assert found is not None
    return found


def take_in(client: ClientFacts, _number: int) -> int:
    with transaction.atomic():
        return row_of(client).id


def follow(agent: KeyServer, _number: int) -> str:
    return seen(agent).name


def test_it_gets_one_row_and_each_of_them_that_one(agent: KeyServer) -> None:
    rows = race(partial(take_in, seen(agent)))
    assert rows == [Client.objects.get(client_id=agent.url).pk] * THREADS


def test_it_follows_its_document_once(agent: KeyServer) -> None:
    take_in(seen(agent), 0)
    publish(agent, client_name="Another")
    fetched_documents.shared.clear()  # no process remembers what stood there before
    assert set(race(partial(follow, agent), fetched_documents.MAX_WAITING)) == {"Another"}
    assert Client.objects.get(client_id=agent.url).name == "Another"
