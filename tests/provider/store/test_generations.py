"""Generations of refresh tokens in the database: asking again, and at the same time.

What each generation means is in tests/provider/protocol/test_refresh.py; the whole story at the endpoint, for one
caller after the other, in tests/provider/endpoints/test_refresh.py.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from clients.models import Authorization, Client, RefreshToken
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
DESK = App("desk")  # confidential, rotates


def first(client_id: str = "desk") -> str:
    return str(Browser("owner").tokens(client_id, scope="openid offline_access")["refresh_token"])


def renew(token: str) -> str:
    response = DESK.refresh(token)
    assert response.status_code == 200, response.content
    return str(response.json()["refresh_token"])


def ended() -> bool:
    return Authorization.objects.get().ended_at is not None


# --- One after the other ---------------------------------------------------------------------------------------------


def test_the_successor_may_ask_again_itself() -> None:
    token = first()
    successor = renew(token)
    assert renew(token) == successor
    newest = renew(successor)
    assert renew(successor) == newest
    assert not ended()


def test_introspecting_an_old_token_uses_nothing_up_and_ends_nothing() -> None:
    token = first()
    newest = renew(renew(token))
    assert DESK.introspect(token).json() == {"active": False}
    assert DESK.introspect(newest).json()["active"]
    assert not ended()


def test_without_limits_it_lives_until_it_is_revoked() -> None:
    Client.objects.filter(client_id="web").update(refresh_token_lifetime=None, refresh_token_idle_lifetime=None)
    token = first("web")
    assert RefreshToken.objects.get().expires is None
    with time_machine.travel(timezone.now() + timedelta(days=3650)):
        assert App("web").refresh(token).status_code == 200


# --- At the same time ----------------------------------------------------------------------------------------------


def at_once(times: int, call: Callable[[], Any]) -> Counter[tuple[int, str]]:
    """What so many callers hear who all start at the same moment, each on its own connection."""
    heard: Counter[tuple[int, str]] = Counter()
    start = threading.Barrier(times)

    def one() -> None:
        try:
            start.wait(10)
            response = call()
            heard[response.status_code, response.json().get("error", "")] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return heard


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("client_id", ["desk", "spa"])
def test_of_parallel_refreshes_one_is_first_and_the_others_are_replays(client_id: str) -> None:
    token = first(client_id)
    for _ in range(5):
        heard = at_once(8, partial(App(client_id).refresh, token))
        assert heard == {(200, ""): 8}
        row = Authorization.objects.get()
        assert (row.ended_at, row.generation) == (None, 1)
        assert RefreshToken.objects.filter(generation=row.generation).count() == 1
        token = first(client_id)
        Authorization.objects.exclude(generation=0).delete()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_parallel_refreshes_of_a_token_that_does_not_rotate_all_succeed() -> None:
    token = first("web")
    assert at_once(8, partial(App("web").refresh, token)) == {(200, ""): 8}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_parallel_exchanges_of_one_code_one_succeeds_and_the_others_end_nothing() -> None:
    for _ in range(5):
        code = Browser("owner").code("web", scope="openid offline_access")
        heard = at_once(6, partial(App("web").exchange, code))
        assert heard == {(200, ""): 1, (400, "invalid_grant"): 5}
        assert not ended()
        assert RefreshToken.objects.count() == 1
        Authorization.objects.all().delete()
