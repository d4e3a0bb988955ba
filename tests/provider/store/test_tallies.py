"""Tokens that were given are counted by day, client and grant, without a statement on the way to a token."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from clients.models import ProjectTally, Tally
from projects.models import Project
from provider.store import tallies
from tests.world import App, Browser

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def kept() -> dict[tuple[str, str], int]:
    tallies.settle()
    return {(one.client_id, one.grant_type): one.count for one in Tally.objects.all()}


@pytest.mark.usefixtures("world")
def test_each_answer_with_tokens_counts_and_a_refusal_does_not() -> None:
    App("web").token(grant_type="client_credentials")
    App("web").token(grant_type="client_credentials")
    App("web").token(grant_type="client_credentials", scope="nothing.like.this")
    Browser("owner").tokens("web", scope="openid email")
    assert kept() == {("web", "client_credentials"): 2, ("web", "authorization_code"): 1}


@pytest.mark.usefixtures("world")
def test_counting_asks_no_statement() -> None:
    with CaptureQueriesContext(connection) as statements:
        App("web").token(grant_type="client_credentials")
    assert not [one for one in statements if Tally._meta.db_table in one["sql"]]


def test_guests_share_a_row() -> None:
    waiting = tallies.Waiting()
    with mock.patch.object(tallies, "_waiting", waiting):
        for client_id, guest in (("https://a.example", True), ("https://b.example", True), ("web", False)):
            facts: Any = SimpleNamespace(client_id=client_id, guest=guest)
            tallies.count(facts, "authorization_code")
    today = datetime.now(UTC).date()
    assert waiting.take() == [((today, "", "authorization_code"), 2), ((today, "web", "authorization_code"), 1)]


@pytest.mark.django_db
def test_more_of_the_same_day_is_added_to_its_row() -> None:
    for number in (2, 3):
        tallies._waiting.add((MONDAY, "web", "refresh_token"), number)
        tallies._waiting.add((TUESDAY, "web", "refresh_token"))
        tallies.write()
    assert sorted(Tally.objects.values_list("day", "count")) == [(MONDAY, 5), (TUESDAY, 2)]


@pytest.mark.django_db
def test_what_cannot_be_written_while_the_database_is_away_waits() -> None:
    tallies._waiting.add((MONDAY, "web", "refresh_token"), 2)
    away = OperationalError("server closed the connection")
    with mock.patch.multiple(tallies, _upsert=mock.Mock(side_effect=away), is_outage=lambda _error: True):
        tallies.write()
    tallies.write()
    assert Tally.objects.get().count == 2


def test_what_waits_is_bounded() -> None:
    waiting = tallies.Waiting()
    with mock.patch.object(tallies, "MOST_WAITING", 3):
        for number in range(5):
            waiting.add((MONDAY, f"c{number}", "refresh_token"))
        waiting.add((MONDAY, "c0", "refresh_token"))
    assert [number for _key, number in waiting.take()] == [2, 1, 1]


@pytest.mark.usefixtures("world")
def test_the_clients_of_a_project_are_counted_together_and_those_of_none_apart() -> None:
    for client_id, number in (("web", 2), ("service", 3), ("stranger", 5), ("", 7), ("gone", 11)):
        tallies.add(MONDAY, client_id, "client_credentials", number)
    tallies.write()
    homes = {project.pk: project.key for project in Project.objects.all()}
    found = {homes.get(one.project, ""): one.count for one in ProjectTally.objects.all()}
    assert found == {"acme": 5, "other": 5, "": 18}
    assert sum(found.values()) == sum(Tally.objects.values_list("count", flat=True))
