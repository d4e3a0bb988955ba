"""What `cleartokens` deletes, what it keeps because a second use has to be recognised, and how it goes about it."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command, get_commands
from django.db import OperationalError, connection, connections
from django.db.models import F
from django.utils import timezone

from accounts.models import AccountEvent, SignIn, User
from clients.models import (
    AccessToken,
    Authorization,
    Client,
    Grant,
    InitialAccessToken,
    LogoutNotice,
    RefreshToken,
    RegistrationAccess,
    RevokedToken,
    SecurityEvent,
)
from common import command
from projects import inviting
from projects.actors import Actor
from projects.events import API_DELETED, CLIENT_DELETED
from projects.inviting import Wanted
from projects.models import Consent, Project
from provider import clearing, purge
from provider.keys import mint
from provider.store import authorizations
from tests.provider.devices import Device, add_devices
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
DAY = timedelta(days=1)
NAMES = ["access_tokens", "codes", "refresh_tokens", "device_codes", "revoked_tokens", "authorizations"]
NAMES += ["guest_apps", "initial_tokens", "consents", "seeds"]
NAMES += ["sign_ins", "sessions", "logout_notices", "account_events", "security_events", "refused_requests", "mails"]
NAMES += ["consent_requests", "kept_requests", "first_uses", "pushed_requests", "invitations"]
NAMES += ["deliveries", "occurrences", "tallies", "tallies of projects"]


def clear(*arguments: str) -> dict[str, int]:
    """What went, without what did not."""
    out = StringIO()
    call_command("cleartokens", "--format", "json", *arguments, stdout=out, stderr=StringIO())
    counts: dict[str, int] = json.loads(out.getvalue())["deleted"]
    assert list(counts) == NAMES
    return {name: count for name, count in counts.items() if count}


def later(delta: timedelta) -> Any:
    return time_machine.travel(timezone.now() + delta)


def test_events_go_after_a_year_and_a_month() -> None:
    AccountEvent.objects.create(kind="signed_in")
    SecurityEvent.objects.create(kind="test.happened")
    before = SecurityEvent.objects.count()
    with later(399 * DAY):
        assert clear() == {}
        assert clear("--keep-events-days", "398") == {"account_events": 1, "security_events": before}
    assert {*SecurityEvent.objects.values_list("kind", flat=True)} == {"tokens.swept"}, "that it ran"


def test_each_run_is_on_record() -> None:
    AccessToken.objects.all().delete()
    App("web").token(grant_type="client_credentials")
    with later(2 * DAY):
        clear("--dry-run")
        assert not SecurityEvent.objects.filter(kind="tokens.swept").exists()
        clear()
    event = SecurityEvent.objects.get(kind="tokens.swept")
    assert event.detail["deleted"] == {"access_tokens": 1}
    assert "@" in event.detail["by"]


def test_refused_requests_go_after_a_month() -> None:
    App("web").exchange("unknown")
    with later(29 * DAY):
        assert clear() == {}
    with later(31 * DAY):
        assert clear() == {"refused_requests": 1}


def test_what_guests_did_to_themselves_goes_after_a_month_and_what_was_done_to_them_stays() -> None:
    """Anybody may register, as often as the limits allow."""
    SecurityEvent.objects.all().delete()
    for kind, detail in (
        ("client.created", {"by": "the app itself", "source": "dcr"}),
        ("guest.deleted", {"by": "cleartokens", "source": "dcr"}),
        ("client.disabled", {"by": "operator"}),
        ("client.created", {"by": "registered itself with a token"}),
    ):
        SecurityEvent.objects.create(kind=kind, client_id="guest", detail=detail)
    with later(29 * DAY):
        assert clear() == {}
    with later(31 * DAY):
        assert clear() == {"security_events": 2}
    left = SecurityEvent.objects.filter(client_id="guest").order_by("pk").values_list("kind", flat=True)
    assert list(left) == ["client.disabled", "client.created"]


def test_initial_access_tokens_go_a_month_after_their_end_unless_an_app_came_with_them() -> None:
    """What such an app may change itself to stands there."""
    for number, label in enumerate(("used", "expired", "revoked", "lives")):
        InitialAccessToken.objects.create(
            project=Project.objects.get(key="acme"),
            digest=str(number),
            label=label,
            expires_at=timezone.now() + (100 * DAY if label in ("revoked", "lives") else DAY),
            revoked_at=timezone.now() if label == "revoked" else None,
        )
    RegistrationAccess.objects.create(
        client=Client.objects.get(client_id="web"), digest="d", initial_token=InitialAccessToken.objects.get(digest="0")
    )
    with later(30 * DAY):
        assert clear() == {"initial_tokens": 1}
    with later(32 * DAY):
        assert clear() == {"initial_tokens": 1}
    assert {*InitialAccessToken.objects.values_list("label", flat=True)} == {"used", "lives"}


def test_logout_notices_go_with_the_sign_ins_they_speak_of() -> None:
    LogoutNotice.objects.create(sid=uuid4(), sub=str(uuid4()), client=Client.objects.get(client_id="web"))
    with later(29 * DAY):
        assert clear() == {}
    with later(31 * DAY):
        assert clear() == {"logout_notices": 1}


def test_what_was_deleted_stays_known_for_ever() -> None:
    """An id and an address are never free again, however long ago they were given up."""
    SecurityEvent.objects.all().delete()
    for kind in (CLIENT_DELETED, API_DELETED):
        SecurityEvent.objects.create(kind=kind, client_id="gone")
    with later(4000 * DAY):
        assert "security_events" not in clear()
    assert SecurityEvent.objects.exclude(kind="tokens.swept").count() == 2


@pytest.mark.parametrize("option", ["--keep-days", "--keep-events-days"])
@pytest.mark.parametrize("days", ["0", "-1", "36501", "9" * 30])
def test_a_number_of_days_is_one_that_can_be(option: str, days: str) -> None:
    with pytest.raises(CommandError, match=f"{option} must be 1 to 36,500"):
        clear(option, days)


def test_the_command_of_this_name_is_ours() -> None:
    assert get_commands()["cleartokens"] == "provider"


def test_nothing_goes_that_is_alive() -> None:
    Browser("owner").code("web", scope="openid offline_access")
    answer = Browser("owner").tokens("web", scope="openid offline_access")
    assert clear() == {}
    assert App("web").userinfo(answer["access_token"]).status_code == 200
    assert App("web").refresh(answer["refresh_token"]).status_code == 200


def test_access_tokens_go_when_they_expire() -> None:
    App("web").token(grant_type="client_credentials")
    with later(timedelta(seconds=3599)):
        assert clear() == {}
    with later(timedelta(seconds=3601)):
        assert clear() == {"access_tokens": 1}
    assert not AccessToken.objects.exists()


def test_an_unused_code_goes_when_it_expires() -> None:
    Browser("owner").code("web")
    with later(timedelta(seconds=61)):
        assert clear() == {"codes": 1}


def test_v5_device_codes_go_a_day_after_they_expired() -> None:
    """Until then a device that still asks hears that its code has expired."""
    add_devices()
    device = Device().begin()
    with later(DAY):
        assert clear() == {}
        assert device.error() == "expired_token"
    with later(DAY + timedelta(minutes=11)):
        assert clear() == {"device_codes": 1}
        assert device.error() == "invalid_grant"


def test_a_used_code_is_kept_so_that_a_second_use_ends_everything() -> None:
    code = Browser("owner").code("web", scope="openid offline_access")
    assert App("web").exchange(code).status_code == 200
    with later(29 * DAY):
        assert clear() == {"access_tokens": 1, "sessions": 1}
        assert App("web").exchange(code).status_code == 400
    assert Authorization.objects.get().ended_because == "code used twice"


def test_an_old_generation_is_kept_so_that_a_second_use_ends_everything() -> None:
    Client.objects.filter(client_id="desk").update(refresh_token_idle_lifetime=86400)
    first = Browser("owner").tokens("desk", scope="openid offline_access")["refresh_token"]
    assert App("desk").refresh(first).status_code == 200
    Authorization.objects.update(rotated_at=F("rotated_at") - timedelta(days=30))  # by the clock of the database
    with later(30 * DAY):
        assert "refresh_tokens" not in clear()
        assert App("desk").refresh(first).status_code == 400
    assert Authorization.objects.get().ended_because == "refresh token used twice"


def test_what_a_successor_was_derived_with_is_forgotten_when_its_window_is_over() -> None:
    first = Browser("owner").tokens("desk", scope="openid offline_access")["refresh_token"]
    newest = App("desk").refresh(first).json()["refresh_token"]
    assert "seeds" not in clear(), "the window is open"
    Authorization.objects.update(rotated_at=F("rotated_at") - timedelta(hours=3))
    assert clear()["seeds"] == 1
    assert "seeds" not in clear()
    assert Authorization.objects.get().seed_before == ""
    assert App("desk").refresh(newest).status_code == 200


def test_without_an_end_refresh_tokens_are_kept_for_ever() -> None:
    Client.objects.filter(client_id="web").update(refresh_token_idle_lifetime=None)
    token = Browser("owner").tokens("web", scope="openid offline_access")["refresh_token"]
    with later(3650 * DAY):
        clear()
        assert App("web").refresh(token).status_code == 200


def test_refresh_tokens_go_a_while_after_they_expired_and_then_their_authorization() -> None:
    Browser("owner").tokens("web", scope="openid offline_access")
    with later(59 * DAY):
        assert clear() == {"access_tokens": 1, "codes": 1, "sessions": 1}
    with later(61 * DAY):
        assert clear() == {"refresh_tokens": 1, "authorizations": 1, "sign_ins": 1}
    assert Consent.objects.count() == 1, "what the person allowed stays"


def test_what_has_ended_goes_with_all_that_hangs_from_it() -> None:
    answer = Browser("owner").tokens("web", scope="openid offline_access")
    authorizations.end(str(Authorization.objects.get().pk), "a test")
    with later(29 * DAY):
        assert "authorizations" not in clear()
    with later(31 * DAY):
        assert clear()["authorizations"] == 1
        assert App("web").refresh(answer["refresh_token"]).json()["error"] == "invalid_grant"
    assert not RefreshToken.objects.exists()
    assert not Grant.objects.exists()


def test_an_authorization_whose_jwt_may_still_live_is_kept() -> None:
    """A JWT is stored nowhere: only the Authorization says that it still works."""
    Client.objects.filter(client_id="web").update(access_token_format="jwt", access_token_lifetime=100 * 86400)
    token = Browser("owner").tokens("web")["access_token"]
    with later(99 * DAY):
        assert clear() == {"codes": 1, "sessions": 1}
        assert App("web").userinfo(token).status_code == 200
    with later(131 * DAY):
        assert clear() == {"authorizations": 1, "sign_ins": 1}


def test_a_long_lifetime_of_one_client_keeps_no_rows_of_another() -> None:
    Client.objects.filter(client_id="desk").update(access_token_format="jwt", access_token_lifetime=3650 * 86400)
    Browser("owner").tokens("web", scope="openid offline_access")
    kept = Browser("owner").tokens("desk", scope="openid offline_access")["access_token"]
    with later(61 * DAY):
        gone = clear()
        assert (gone["refresh_tokens"], gone["authorizations"]) == (1, 1)
        assert App("desk").userinfo(kept).status_code == 200
    assert RefreshToken.objects.get().authorization.client.client_id == "desk"


def test_the_deny_list_forgets_what_has_expired() -> None:
    RevokedToken.objects.create(jti="old", expires=timezone.now() - DAY)
    RevokedToken.objects.create(jti="new", expires=timezone.now() + DAY)
    assert clear() == {"revoked_tokens": 1}
    assert RevokedToken.objects.get().jti == "new"


def test_sign_ins_that_ended_go_when_nothing_came_from_them() -> None:
    owner, long_ago = User.objects.get(username="owner"), timezone.now() - 31 * DAY
    SignIn.objects.create(user=owner)
    SignIn.objects.create(user=owner, ended_at=timezone.now())
    SignIn.objects.create(user=owner, ended_at=long_ago)
    Browser("owner").code("web", scope="openid offline_access")
    SignIn.objects.filter(authorizations__isnull=False).update(ended_at=long_ago)
    assert clear() == {"sign_ins": 1}
    assert SignIn.objects.filter(ended_at=long_ago).get().authorizations.count() == 1


def test_sign_ins_a_browser_forgot_go_like_those_that_ended() -> None:
    """People close browsers and never sign out."""
    owner = User.objects.get(username="owner")
    SignIn.objects.create(user=owner)
    Client.objects.filter(client_id="web").update(refresh_token_idle_lifetime=None)
    Browser("owner").tokens("web", scope="openid offline_access")
    with later(44 * DAY):
        assert "sign_ins" not in clear()
    with later(45 * DAY):
        assert clear()["sign_ins"] == 1
    assert SignIn.objects.get().authorizations.count() == 1


def test_sessions_go_when_they_expire() -> None:
    Browser("owner").code("web")
    kept = Session.objects.count()
    assert kept
    with later(14 * DAY - timedelta(minutes=1)):
        assert "sessions" not in clear()
    with later(14 * DAY + timedelta(minutes=1)):
        assert clear()["sessions"] == kept
    assert not Session.objects.exists()


def tokens(number: int, expires: datetime) -> None:
    client = Client.objects.get(client_id="web")
    AccessToken.objects.bulk_create(
        AccessToken(digest=mint.digest(f"{expires} {index}"), application=client, expires=expires)
        for index in range(number)
    )


def test_thousands_go_in_pieces_and_the_living_among_them_stay(monkeypatch: Any) -> None:
    monkeypatch.setattr(purge, "PAGES_PER_BATCH", 8)
    monkeypatch.setattr(purge, "ROWS_PER_BATCH", 300)
    for _ in range(3):
        tokens(700, timezone.now() - DAY)
        tokens(300, timezone.now() + DAY)
    (rule, *_others) = purge.rules(timezone.now(), DAY)
    pieces = list(purge.delete_in_batches(rule, dry_run=False))
    assert len(pieces) > 5
    assert sum(batch.rows for batch in pieces) == 2100
    assert max(batch.rows for batch in pieces) < 1000
    assert AccessToken.objects.count() == 900
    assert clear() == {}


def test_the_walk_begins_where_rows_are() -> None:
    """After years the lowest number of a table of SQLite is in the millions."""
    SecurityEvent.objects.all().delete()
    SecurityEvent.objects.bulk_create(SecurityEvent(pk=10**9 + n, kind="client.changed") for n in range(3))
    SecurityEvent.objects.update(at=timezone.now() - 4000 * DAY)
    (rule,) = [one for one in purge.rules(timezone.now(), DAY) if one.model is SecurityEvent]
    pieces = list(itertools.islice(purge.delete_in_batches(rule, dry_run=False), 10))
    assert sum(batch.rows for batch in pieces) == 3
    assert pieces[-1].done == pieces[-1].total


def test_an_interrupted_run_is_gone_on_with(monkeypatch: Any) -> None:
    monkeypatch.setattr(purge, "PAGES_PER_BATCH", 4)
    monkeypatch.setattr(purge, "ROWS_PER_BATCH", 100)
    tokens(600, timezone.now() - DAY)
    (rule, *_others) = purge.rules(timezone.now(), DAY)
    gone = next(batch.rows for batch in purge.delete_in_batches(rule, dry_run=False) if batch.rows)
    assert gone < 600
    assert clear() == {"access_tokens": 600 - gone}


def test_a_rule_that_fails_ends_no_other(monkeypatch: Any) -> None:
    tokens(1, timezone.now() - DAY)
    walk = purge.delete_in_batches

    def fails(rule: purge.PurgeRule, *, dry_run: bool) -> Any:
        if rule.name in ("mails", "codes"):
            raise OperationalError("canceling statement due to lock timeout")
        return walk(rule, dry_run=dry_run)

    monkeypatch.setattr(purge, "delete_in_batches", fails)
    Session.objects.create(session_key="old", expire_date=timezone.now() - DAY)
    with pytest.raises(CommandError, match=r"codes: canceling statement .*; mails: canceling statement"):
        clear()
    assert not AccessToken.objects.exists()
    assert not Session.objects.filter(session_key="old").exists()


def test_where_every_rule_fails_it_is_said_what_is_wrong(monkeypatch: Any) -> None:
    monkeypatch.setattr(purge, "delete_in_batches", mock.Mock(side_effect=OperationalError("the database is gone")))
    with pytest.raises(OperationalError):
        clearing.clear(by="a test")


def test_a_dry_run_counts_and_deletes_nothing() -> None:
    tokens(5, timezone.now() - DAY)
    assert clear("--dry-run") == {"access_tokens": 5}
    out = StringIO()
    call_command("cleartokens", "--dry-run", stdout=out)
    assert "Would delete: 5 access tokens" in out.getvalue()
    assert AccessToken.objects.count() == 5


def test_how_long_things_are_kept_can_be_chosen_but_not_nothing_at_all() -> None:
    code = Browser("owner").code("web")
    App("web").exchange(code)
    with later(3 * DAY):
        assert clear("--keep-days", "4") == {"access_tokens": 1}
        assert clear("--keep-days", "2")["codes"] == 1
    with pytest.raises(CommandError):
        clear("--keep-days", "0")


def test_it_says_how_far_it_is(monkeypatch: Any) -> None:
    monkeypatch.setattr(command, "PATIENCE", -1.0)
    tokens(5, timezone.now() - DAY)
    out, err = StringIO(), StringIO()
    call_command("cleartokens", stdout=out, stderr=err)
    assert "access_tokens: 100 % of the table, 5 rows" in err.getvalue()
    assert "Deleted: 5 access tokens" in out.getvalue()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_it_waits_for_nobody() -> None:
    """Rows another transaction is working on are left for the next run."""
    tokens(3, timezone.now() - DAY)
    busy = AccessToken.objects.values_list("pk", flat=True)[0]
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM clients_accesstoken WHERE digest = %s FOR UPDATE", [busy])
        assert clear() == {"access_tokens": 2}
        other.rollback()
    finally:
        other.close()
    assert clear() == {"access_tokens": 1}


@pytest.mark.postgresql
def test_tables_of_tokens_have_no_index_that_nothing_uses() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename, indexdef FROM pg_indexes WHERE tablename IN"
            " ('clients_accesstoken', 'clients_devicegrant', 'clients_grant', 'clients_refreshtoken',"
            " 'clients_revokedtoken')"
        )
        found = sorted(f"{table}({definition.rpartition('(')[2]}" for table, definition in cursor.fetchall())
    assert found == [
        "clients_accesstoken(application_id)",
        "clients_accesstoken(authorization_id)",
        "clients_accesstoken(digest)",
        "clients_devicegrant(authorization_id)",
        "clients_devicegrant(client_id, expires)",
        "clients_devicegrant(digest)",
        "clients_devicegrant(user_digest)",
        "clients_grant(authorization_id)",
        "clients_grant(digest)",
        "clients_refreshtoken(authorization_id)",
        "clients_refreshtoken(digest)",
        "clients_revokedtoken(jti)",
    ]


def test_an_invitation_goes_a_month_after_its_link() -> None:
    made = inviting.invite(Wanted(email="guest@new.example"), None, Actor.operator("invite"))
    with later(made.expires_at - timezone.now() + 29 * DAY):
        assert "invitations" not in clear()
    with later(made.expires_at - timezone.now() + 31 * DAY):
        assert clear()["invitations"] == 1
