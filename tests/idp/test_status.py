"""`manage.py status`: how things stand, in a few lines and a few statements."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AccountEvent
from clients import webhooks
from clients.models import AccessToken, LogoutNotice, SecurityEvent, Webhook
from clients.webhooks import WebhookMetadata
from common.timers import TimerRun
from idp import status
from idp.doctor import installation
from idp.status import about
from projects.actors import Actor
from projects.models import Project
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def asked() -> Any:
    out = StringIO()
    call_command("status", "--format", "json", stdout=out)
    return json.loads(out.getvalue())


def test_it_says_what_runs_here_and_how_much_there_is() -> None:
    Browser("owner").tokens("web", scope="openid offline_access")
    found = asked()
    assert found["version"]["schema"] == "current"
    assert (found["people"]["accounts"], found["clients"]["projects"], found["clients"]["disabled"]) == (3, 3, 1)
    assert found["tokens"] == {"authorizations": 1, "access_tokens": 1, "refresh_tokens": 1}
    assert {one["sealed_under"] for one in found["keys"]["active"]} == {1}
    assert found["keys"]["problems"] == []


def test_what_goes_wrong_now_is_in_it() -> None:
    for _again in range(2):
        App("service").token(grant_type="client_credentials", audience="https://nobody.example")
    AccountEvent.objects.create(kind="sign_in.failed")
    AccountEvent.objects.create(kind="sign_in")
    until = (timezone.now() + timedelta(minutes=5)).isoformat()
    detail = {"network": "192.0.2.1", "until": until}
    SecurityEvent.objects.create(kind="client.locked_out", client_id="web", detail=detail)
    LogoutNotice.objects.create(sid="0" * 32, sub="someone", problem="No answer.")
    found = asked()
    assert found["clients"]["most_failures"] == [{"client_id": "service", "times": 2}]
    assert found["clients"]["locked_out"] == [{"client_id": "web", **detail}]
    assert (found["people"]["signed_in_last_hour"], found["people"]["refused_last_hour"]) == (1, 1)
    assert (found["outboxes"]["notices_due"], found["outboxes"]["last_problem"]) == (1, "No answer.")


def test_the_last_run_of_each_timer_is_in_it_and_a_dry_run_is_none() -> None:
    call_command("cleartokens", "--dry-run", stdout=StringIO())
    assert asked()["timers"]["cleartokens"] is None
    call_command("cleartokens", stdout=StringIO())
    call_command("rotatekeys", stdout=StringIO())
    call_command("deliverevents", stdout=StringIO())
    timers = asked()["timers"]
    assert {name for name, run in timers.items() if run and not run["failed"]} == {
        *("cleartokens", "rotatekeys", "deliverevents"),
    }
    assert timers["cleartokens"]["said"]["deleted"] >= 0
    assert TimerRun.objects.count() == 3


def test_people_read_a_line_for_each() -> None:
    out = StringIO()
    call_command("status", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("version   Vestibule ")
    words = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert words == ["version", "keys", "people", "clients", "tokens", "outboxes", "timers"]
    assert "cleartokens: no run on record" in out.getvalue()


def test_it_takes_few_statements() -> None:
    with CaptureQueriesContext(connection) as queries:
        asked()
    assert len(queries) < 40


@pytest.mark.postgresql
def test_very_many_rows_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The estimate is of the last analysis: a row that went since is in it."""
    monkeypatch.setattr(status, "EXACT", 0)
    App("service").token(grant_type="client_credentials")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE clients_accesstoken")
    AccessToken.objects.all().delete()
    assert about(AccessToken) == 1
    monkeypatch.setattr(status, "EXACT", 100)
    assert about(AccessToken) == 0


def test_what_waits_for_webhooks_is_told_where_there_is_any(capsys: Any) -> None:
    project, url = Project.objects.get(key="acme"), "https://hooks.acme.example/"
    made, _secret = webhooks.register(WebhookMetadata(url=url), project, Actor.operator("a test"))
    webhooks.test(made, Actor.operator("a test"))
    Webhook.objects.update(enabled=False, disabled_because="The app answered with status 500.")
    call_command("status")
    printed = capsys.readouterr().out
    assert "1 delivery to webhooks and event streams due" in printed
    assert "1 webhook disabled and 0 event streams paused after a day without success" in printed
    [found] = [one for one in installation.timers() if "webhook" in one.said]
    assert (found.state, found.said) == (
        "warning",
        "A webhook of acme is disabled (The app answered with status 500.).",
    )
