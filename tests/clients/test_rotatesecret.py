"""`manage.py rotatesecret`: a client goes from one secret to the next, and no request fails in between."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from clients.models import Client, ClientSecret, SecurityEvent
from common.command import NO, WRONG_USE, Refused, whoever_runs_this
from tests.world import App, basic

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("rotatesecret", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def rotate(*arguments: str) -> Any:
    return json.loads(told("service", "--format", "json", *arguments))


def works(secret: str) -> bool:
    answer = App("service").post("/oauth2/token", {"grant_type": "client_credentials"}, auth=basic("service", secret))
    return answer.status_code == 200


def live() -> list[ClientSecret]:
    return list(Client.objects.get(client_id="service").secrets.filter(slot__isnull=False).order_by("slot"))


def test_both_secrets_work_until_the_old_one_ends() -> None:
    with time_machine.travel(timezone.now(), tick=True) as clock:
        new = rotate("--end-old-after", "7d", "--label", "2027")["client_secret"]
        assert (works("service-secret"), works(new)) == (True, True)
        clock.shift(timedelta(days=7, seconds=1))
        assert (works("service-secret"), works(new)) == (False, True)
        again = rotate()
        assert (again["slot"], works(again["client_secret"]), works(new)) == (1, True, True), "the ended one made room"
    rows = SecurityEvent.objects.filter(client_id="service", detail__by="rotatesecret").order_by("pk")
    assert [row.kind for row in rows] == [
        *("client.secret_limited", "client.secret_generated", "client.secret_revoked", "client.secret_generated"),
    ]
    assert {row.detail["run_by"] for row in rows} == {whoever_runs_this()}


def test_the_end_of_a_secret_only_ever_comes_nearer() -> None:
    rotate("--end-old-after", "1d")
    first = live()[0].expires_at
    told("service", "--end", "2")
    rotate("--end-old-after", "30d")
    assert live()[0].expires_at == first


def test_with_two_secrets_it_makes_no_third_and_says_what_to_do() -> None:
    rotate()
    before = [(one.pk, one.expires_at) for one in live()]
    with pytest.raises(Refused, match="--end SLOT") as raised:
        rotate("--end-old-after", "7d")
    assert raised.value.returncode == NO
    assert [(one.pk, one.expires_at) for one in live()] == before


def test_a_secret_is_ended_at_once() -> None:
    new = rotate()["client_secret"]
    assert told("service", "--end", "1").startswith("Ended secret 1 of service, last used ")
    assert (works("service-secret"), works(new)) == (False, True)


def test_the_list_says_when_each_was_last_used_and_no_secret() -> None:
    new = rotate("--label", "next", "--expires-after", "90d")["client_secret"]
    assert works(new)
    answer = json.loads(told("service", "--list", "--format", "json"))
    assert [(one["slot"], one["label"], one["chosen"]) for one in answer["secrets"]][1] == (2, "next", False)
    assert answer["secrets"][0]["chosen"], "a file said it"
    assert answer["secrets"][1]["last_used_at"]
    lines = told("service", "--list")
    assert "used never" in lines
    assert "ends in 90 d" in lines
    assert new not in lines
    assert "digest" not in json.dumps(answer)


@pytest.mark.parametrize("arguments", [["--end-old-after", "0s"], ["--end", "1"], []])
def test_a_dry_run_changes_nothing_and_shows_no_secret(arguments: list[str]) -> None:
    before = ([(one.pk, one.expires_at) for one in live()], SecurityEvent.objects.count())
    answer = rotate("--dry-run", *arguments)
    assert answer.get("client_secret") is None
    assert ([(one.pk, one.expires_at) for one in live()], SecurityEvent.objects.count()) == before


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "There is no client 'nobody'"),
        (["no\0\udcff"], "There is no client"),
        (["spa"], "CLIENT: A public client has no secret"),
        (["service", "--end", "2"], "has no secret 2"),
        (["service", "--end-old-after", "soon"], "--end-old-after takes a length of time"),
        (["service", "--list", "--label", "x"], "go alone"),
        (["service", "--label", "x" * 101], "100 characters at most"),
        (["service", "--label", "\udcff"], "--label: this is no text"),
        (["service", "--list", "--end", "1"], "go alone"),
    ],
)
def test_what_cannot_be_is_wrong_use(arguments: list[str], said: str) -> None:
    with pytest.raises(Refused, match=said) as raised:
        told(*arguments)
    assert raised.value.returncode == WRONG_USE
