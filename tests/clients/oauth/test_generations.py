"""Refresh tokens that rotate: who is first, who asks again in time, and who must have stolen one."""

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

from clients.models import Authorization, Client, RefreshToken, SecurityEvent
from clients.protocol.refresh import MAX_SIBLINGS
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
DESK = App("desk")  # confidential, rotates


def first(client_id: str = "desk") -> str:
    return str(Browser("owner").tokens(client_id, scope="openid offline_access")["refresh_token"])


def renew(token: str, app: App = DESK, **params: Any) -> str:
    response = app.refresh(token, **params)
    assert response.status_code == 200, response.content
    return str(response.json()["refresh_token"])


def refused(token: str, app: App = DESK) -> bool:
    response = app.refresh(token)
    if response.status_code == 200:
        return False
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    return True


def ended() -> bool:
    return Authorization.objects.get().ended_at is not None


@pytest.mark.parametrize("client_id", ["spa", "desk"])
def test_public_clients_always_rotate_and_confidential_ones_when_set(client_id: str) -> None:
    app, token = App(client_id), first(client_id)
    second = renew(token, app)
    third = renew(second, app)
    assert len({token, second, third}) == 3
    assert Authorization.objects.get().generation == 2


def test_a_server_side_app_keeps_the_token_it_stored() -> None:
    token = first("web")
    for _ in range(3):
        answer = App("web").refresh(token)
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()
    assert (Authorization.objects.get().generation, RefreshToken.objects.count()) == (0, 1)


# --- Asking again in time ------------------------------------------------------------------------------------------


def test_the_predecessor_in_time_gets_a_fresh_pair_for_what_is_asked_now() -> None:
    token = first()
    second = renew(token)
    answer = DESK.refresh(token, scope="openid").json()
    assert answer["scope"] == "openid"
    assert answer["refresh_token"] not in (token, second)
    assert not ended()


def test_five_siblings_are_enough_and_the_sixth_is_refused_without_harm() -> None:
    token = first()
    pairs = [renew(token) for _ in range(1 + MAX_SIBLINGS)]
    assert len(set(pairs)) == 1 + MAX_SIBLINGS
    assert refused(token)
    assert not ended()
    assert renew(pairs[0])


@pytest.mark.parametrize("winner", [0, 1, 2])
def test_the_first_sibling_used_wins_and_another_one_is_reuse(winner: int) -> None:
    token = first()
    siblings = [renew(token) for _ in range(3)]
    newest = renew(siblings[winner])
    assert refused(siblings[(winner + 1) % 3])
    assert ended()
    assert refused(newest), "the thief's and the owner's tokens alike"
    event = SecurityEvent.objects.get(kind="token.reuse")
    assert (event.client_id, event.detail["what"]) == ("desk", "refresh token")


def test_the_sibling_used_may_ask_again_itself() -> None:
    token = first()
    sibling = renew(token)
    renew(token)
    newest = renew(sibling)
    assert renew(sibling) != newest
    assert not ended()


def test_the_predecessor_of_the_predecessor_is_reuse_though_in_time() -> None:
    token = first()
    renew(renew(token))
    assert refused(token)
    assert ended()


@pytest.mark.parametrize(("after", "harm"), [(28, False), (31, True)])
def test_the_predecessor_after_the_window_is_reuse(settings: Any, after: int, harm: bool) -> None:
    token = first()
    newest = renew(token)
    with time_machine.travel(timezone.now() + timedelta(seconds=after)):
        assert refused(token) is harm
        assert ended() is harm
        assert refused(newest) is harm


def test_the_window_is_the_deployments(settings: Any) -> None:
    settings.IDP_REFRESH_GRACE_SECONDS = 0
    token = first()
    renew(token)
    with time_machine.travel(timezone.now() + timedelta(seconds=1)):
        assert refused(token)
    assert ended()


def test_nobody_else_can_end_it_with_an_old_token() -> None:
    token = first()
    newest = renew(renew(token))
    assert refused(token, App("web"))
    assert (
        DESK.post(
            "/oauth2/token", {"grant_type": "refresh_token", "refresh_token": token}, auth="Basic eDp5"
        ).status_code
        == 401
    )
    assert not ended()
    assert renew(newest)


def test_none_after_revocation_not_even_in_time() -> None:
    token = first()
    newest = renew(token)
    DESK.post("/oauth2/revoke", {"token": newest})
    assert refused(token)
    assert refused(newest)
    assert RefreshToken.objects.count() == 2


def test_introspecting_an_old_token_uses_nothing_up_and_ends_nothing() -> None:
    token = first()
    newest = renew(renew(token))
    assert DESK.introspect(token).json() == {"active": False}
    assert DESK.introspect(newest).json()["active"]
    assert not ended()


def test_a_client_that_stops_rotating_still_answers_the_predecessor() -> None:
    token = first()
    newest = renew(token)
    Client.objects.filter(client_id="desk").update(rotate_refresh_tokens=False)
    assert renew(token) != newest
    assert "refresh_token" not in DESK.refresh(newest).json()
    assert not ended()


# --- Lifetimes -----------------------------------------------------------------------------------------------------


def lifetimes(absolute: int | None, idle: int | None) -> None:
    Client.objects.filter(client_id="web").update(refresh_token_lifetime=absolute, refresh_token_idle_lifetime=idle)


def test_each_use_starts_the_idle_lifetime_anew() -> None:
    lifetimes(None, 100)
    token, start = first("web"), timezone.now()
    for second in (80, 160, 240):
        with time_machine.travel(start + timedelta(seconds=second)):
            assert not refused(token, App("web"))
    with time_machine.travel(start + timedelta(seconds=345)):
        assert refused(token, App("web"))


def test_nothing_prolongs_the_absolute_lifetime() -> None:
    lifetimes(100, 80)
    token, start = first("web"), timezone.now()
    with time_machine.travel(start + timedelta(seconds=70)):
        assert not refused(token, App("web"))
    with time_machine.travel(start + timedelta(seconds=105)):
        assert refused(token, App("web"))


def test_without_limits_it_lives_until_it_is_revoked() -> None:
    lifetimes(None, None)
    token = first("web")
    assert RefreshToken.objects.get().expires is None
    with time_machine.travel(timezone.now() + timedelta(days=3650)):
        assert not refused(token, App("web"))


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
        assert heard == {(200, ""): 1 + MAX_SIBLINGS, (400, "invalid_grant"): 8 - 1 - MAX_SIBLINGS}
        row = Authorization.objects.get()
        assert (row.ended_at, row.siblings) == (None, MAX_SIBLINGS)
        assert RefreshToken.objects.filter(generation=row.generation).count() == 1 + MAX_SIBLINGS
        token = str(Browser("owner").tokens(client_id, scope="openid offline_access")["refresh_token"])
        Authorization.objects.exclude(generation=0).delete()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_parallel_refreshes_of_a_token_that_does_not_rotate_all_succeed() -> None:
    token = first("web")
    assert at_once(8, partial(App("web").refresh, token)) == {(200, ""): 8}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_parallel_exchanges_of_one_code_one_succeeds_and_its_authorization_ends() -> None:
    for _ in range(5):
        code = Browser("owner").code("web", scope="openid offline_access")
        heard = at_once(6, partial(App("web").exchange, code))
        assert heard == {(200, ""): 1, (400, "invalid_grant"): 5}
        assert ended()
        assert RefreshToken.objects.count() == 1
        Authorization.objects.all().delete()
