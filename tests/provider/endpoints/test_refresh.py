"""Refresh tokens: kept or rotated, replayed in time, narrowed for one answer, and dead when somebody else has one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from clients.models import AccessToken, Authorization, Client, RefreshToken, SecurityEvent
from tests.world import BILLING, ORDERS, App, Browser, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
SCOPE = "openid email offline_access orders.read"


@pytest.fixture
def kept() -> str:
    """Of a confidential client: it does not rotate."""
    return str(Browser("owner").tokens("web", scope=SCOPE, audience=[ORDERS, BILLING])["refresh_token"])


@pytest.fixture
def rotating() -> str:
    """Of a public client: it always does."""
    return str(Browser("owner").tokens("spa", scope="openid email offline_access")["refresh_token"])


def later(**delta: float) -> Any:
    return time_machine.travel(timezone.now() + timedelta(**delta))


def pass_seconds(seconds: float) -> None:
    """So long ago was every rotation. The database's clock tells, and it does not travel."""
    Authorization.objects.update(rotated_at=F("rotated_at") - timedelta(seconds=seconds))


def rotated(token: str, client_id: str = "spa", **params: Any) -> dict[str, Any]:
    response = App(client_id).refresh(token, **params)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def refusal(token: str, client_id: str = "spa", **params: Any) -> str:
    """The error; nothing was issued for it."""
    issued = AccessToken.objects.count(), RefreshToken.objects.count()
    response = App(client_id).refresh(token, **params)
    assert response.status_code == 400
    assert (AccessToken.objects.count(), RefreshToken.objects.count()) == issued
    return str(response.json()["error"])


def ended_because() -> str:
    return Authorization.objects.get().ended_because


# --- Tokens that stay ----------------------------------------------------------------------------------------------


def test_a_server_side_app_keeps_its_refresh_token(kept: str) -> None:
    answer = rotated(kept, "web")
    assert set(answer) == {"access_token", "expires_in", "scope", "token_type", "id_token"}
    assert RefreshToken.objects.count() == 1
    with later(days=1):
        assert rotated(kept, "web")["access_token"] != answer["access_token"]


def test_the_id_token_of_a_refresh_speaks_of_the_same_sign_in(kept: str) -> None:
    with later(days=1):
        claims = claims_of(rotated(kept, "web")["id_token"])
    authorization = Authorization.objects.get()
    assert claims["auth_time"] == int(authorization.auth_time.timestamp())
    assert claims["sub"] == str(authorization.user.sub)
    assert "nonce" not in claims


def test_narrowing_never_sticks(kept: str) -> None:
    narrow = rotated(kept, "web", scope="openid", resource=BILLING)
    described = App("web").introspect(narrow["access_token"]).json()
    assert (described["scope"], described["aud"]) == ("openid", BILLING)
    wide = App("web").introspect(rotated(kept, "web")["access_token"]).json()
    assert (wide["scope"], wide["aud"]) == (SCOPE, [ORDERS, BILLING])


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"scope": "openid profile"}, "invalid_scope"),
        ({"scope": "orders.write"}, "invalid_scope"),
        ({"scope": "a\\b"}, "invalid_scope"),
        ({"audience": "https://api.acme.example/other"}, "invalid_target"),
        ({"resource": "urn:acme:queue"}, "invalid_target"),
        ({"audience": "stranger"}, "invalid_audience"),
        ({"audience": "picky", "scope": "email"}, "invalid_audience"),
        ({"audience": "a\x7f"}, "invalid_request"),
    ],
)
@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_refused_requests_use_nothing_up(client_id: str, params: dict[str, str], error: str) -> None:
    token = Browser("owner").tokens(client_id, scope=SCOPE)["refresh_token"]
    before = RefreshToken.objects.values().get(), Authorization.objects.values().get()
    assert refusal(token, client_id, **params) == error
    assert (RefreshToken.objects.values().get(), Authorization.objects.values().get()) == before
    assert App(client_id).refresh(token).status_code == 200


# --- Tokens that rotate --------------------------------------------------------------------------------------------


def test_a_public_client_gets_a_new_one_each_time(rotating: str) -> None:
    seen = {rotating}
    for _ in range(4):
        rotating = rotated(rotating)["refresh_token"]
        assert rotating not in seen
        seen.add(rotating)


def test_one_that_was_used_long_ago_ends_everything(rotating: str) -> None:
    newest = rotated(rotating)
    pass_seconds(31)
    assert refusal(rotating) == "invalid_grant"
    assert refusal(newest["refresh_token"]) == "invalid_grant"
    assert App("spa").userinfo(newest["access_token"]).status_code == 401
    assert ended_because() == "refresh token used twice"
    assert SecurityEvent.objects.filter(kind="token.reuse", client_id="spa").count() == 1


def test_one_two_generations_old_ends_everything_even_in_time(rotating: str) -> None:
    newest = rotated(rotated(rotating)["refresh_token"])["refresh_token"]
    assert refusal(rotating) == "invalid_grant"
    assert refusal(newest) == "invalid_grant"
    assert ended_because()


def test_a_second_use_is_noticed_while_its_person_is_away(rotating: str) -> None:
    """Whoever stole it does not get away with it because nobody could use it in that moment."""
    rotated(rotated(rotating)["refresh_token"])
    User.objects.filter(username="owner").update(is_active=False)
    assert refusal(rotating) == "invalid_grant"
    assert ended_because() == "refresh token used twice"


def test_of_an_authorization_that_ended_no_second_use_is_noticed(rotating: str) -> None:
    rotated(rotated(rotating)["refresh_token"])
    for _ in range(2):
        assert refusal(rotating) == "invalid_grant"
    assert SecurityEvent.objects.filter(kind="token.reuse").count() == 1


def test_a_replay_in_time_gets_a_fresh_access_token_and_the_same_successor(rotating: str) -> None:
    first, second = rotated(rotating), rotated(rotating, scope="openid")
    assert first["access_token"] != second["access_token"]
    assert first["refresh_token"] == second["refresh_token"]
    assert second["scope"] == "openid", "what is asked now"
    assert App("spa").userinfo(first["access_token"]).status_code == 200, "the answer that was lost may yet arrive"
    assert not ended_because()


def test_a_page_that_loads_twenty_things_keeps_its_session(rotating: str) -> None:
    (successor,) = {rotated(rotating)["refresh_token"] for _ in range(24)}
    assert RefreshToken.objects.count() == 2
    assert App("spa").refresh(successor).status_code == 200


def test_a_node_whose_clock_is_wrong_takes_nobody_for_a_thief(rotating: str) -> None:
    successor = rotated(rotating)["refresh_token"]
    for minutes in (2, -2):
        with later(minutes=minutes):
            assert rotated(rotating)["refresh_token"] == successor
    assert not ended_because()


def test_a_node_whose_clock_stands_still_makes_no_window_longer(rotating: str) -> None:
    with time_machine.travel(timezone.now() - timedelta(minutes=2)):
        rotated(rotating)
        pass_seconds(31)
        assert refusal(rotating) == "invalid_grant"
    assert ended_because() == "refresh token used twice"


def test_a_successor_is_not_kept_where_it_could_be_read(rotating: str) -> None:
    successor = rotated(rotating)["refresh_token"]
    rows = [*Authorization.objects.values(), *RefreshToken.objects.values(), *SecurityEvent.objects.values()]
    assert successor not in repr(rows)
    before = Authorization.objects.get().seed_before
    rotated(successor)
    assert before not in repr(Authorization.objects.values()), "what leads from the first to the second is forgotten"


def test_no_replay_after_revocation(rotating: str) -> None:
    rotated(rotating)
    App("spa").post("/oauth2/revoke", {"token": rotating})
    assert refusal(rotating) == "invalid_grant"
    assert ended_because() == "revoked by the client"
    assert not SecurityEvent.objects.filter(kind="token.reuse").exists()


def test_the_window_is_a_setting(rotating: str, settings: Any) -> None:
    settings.IDP_REFRESH_GRACE_SECONDS = 0
    rotated(rotating)
    pass_seconds(1)
    assert refusal(rotating) == "invalid_grant"
    assert ended_because()


def test_the_window_begins_with_the_first_use(rotating: str) -> None:
    rotated(rotating)
    pass_seconds(20)
    rotated(rotating)
    pass_seconds(20)
    assert refusal(rotating) == "invalid_grant"


def test_a_client_may_start_and_stop_rotating(kept: str) -> None:
    Client.objects.filter(client_id="web").update(rotate_refresh_tokens=True)
    second = rotated(kept, "web")["refresh_token"]
    Client.objects.filter(client_id="web").update(rotate_refresh_tokens=False)
    assert "refresh_token" not in rotated(second, "web")
    again = rotated(kept, "web")["refresh_token"]  # in time: the new one may never have arrived
    assert "refresh_token" not in rotated(again, "web"), "it works, and stays"
    pass_seconds(31)
    assert refusal(kept, "web") == "invalid_grant"
    assert ended_because()


# --- Whose, and for how long ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", ["web", "native", "stranger"])
def test_another_client_can_neither_use_nor_end_it(rotating: str, client_id: str) -> None:
    rotated(rotating)
    pass_seconds(300)
    assert refusal(rotating, client_id) == "invalid_grant"
    assert not ended_because()


@pytest.mark.parametrize("wrong", ["x", "0" * 43, "\u00e9", "a.b.c", "x" * 5000])
def test_an_unknown_one_is_invalid(wrong: str) -> None:
    assert refusal(wrong) == "invalid_grant"
    assert App("spa").refresh("").json()["error"] == "invalid_request"


def test_an_access_token_or_a_code_is_none() -> None:
    answer = Browser("owner").tokens("spa", scope="openid offline_access")
    code = Browser("owner").code("spa")
    for wrong in (answer["access_token"], answer["id_token"], code, RefreshToken.objects.get().digest):
        assert refusal(wrong) == "invalid_grant"


def test_the_grant_type_has_to_be_allowed_still(kept: str) -> None:
    Client.objects.filter(client_id="web").update(grant_types=["authorization_code"])
    assert refusal(kept, "web") == "unauthorized_client"


def test_it_ends_when_it_was_idle_for_too_long() -> None:
    Client.objects.filter(client_id__in=["web", "spa"]).update(refresh_token_idle_lifetime=100)
    start = timezone.now()
    for client_id in ("web", "spa"):
        with time_machine.travel(start):
            token = Browser("owner").tokens(client_id, scope="openid offline_access")["refresh_token"]
        for seconds in (90, 180, 270):
            with time_machine.travel(start + timedelta(seconds=seconds)):
                token = rotated(token, client_id).get("refresh_token", token)
        with time_machine.travel(start + timedelta(seconds=371)):
            assert refusal(token, client_id) == "invalid_grant"


@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_limits_the_client_was_freed_of_end_no_token_that_is_used(client_id: str) -> None:
    limited = Client.objects.filter(client_id=client_id)
    limited.update(refresh_token_idle_lifetime=100, refresh_token_lifetime=300)
    start = timezone.now()
    with time_machine.travel(start):
        token = Browser("owner").tokens(client_id, scope="openid offline_access")["refresh_token"]
    limited.update(refresh_token_idle_lifetime=None, refresh_token_lifetime=None)
    for seconds in (90, 3600):
        with time_machine.travel(start + timedelta(seconds=seconds)):
            token = rotated(token, client_id).get("refresh_token", token)


@pytest.mark.parametrize(("idle", "writes"), [(None, 0), (100, 1)])
def test_a_token_that_stays_is_written_only_when_its_end_moves(idle: int | None, writes: int) -> None:
    Client.objects.filter(client_id="web").update(refresh_token_idle_lifetime=idle, refresh_token_lifetime=300)
    token = Browser("owner").tokens("web", scope="openid offline_access")["refresh_token"]
    written: list[str] = []

    def watch(execute: Any, sql: str, *rest: Any) -> Any:
        written.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        rotated(token, "web")
    assert sum("UPDATE clients_refreshtoken" in sql for sql in written) == writes


def test_it_ends_when_its_time_is_over_however_often_it_is_used() -> None:
    Client.objects.filter(client_id__in=["web", "spa"]).update(refresh_token_lifetime=200)
    start: datetime = timezone.now()
    for client_id in ("web", "spa"):
        with time_machine.travel(start, tick=False):
            token = Browser("owner").tokens(client_id, scope="openid offline_access")["refresh_token"]
        for seconds in (90, 180):
            with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
                token = rotated(token, client_id).get("refresh_token", token)
        with time_machine.travel(start + timedelta(seconds=201), tick=False):
            assert refusal(token, client_id) == "invalid_grant"
    assert not Authorization.objects.filter(ended_at__isnull=False).exists(), "time is no reason to suspect anybody"
