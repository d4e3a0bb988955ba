"""Unticking *Enabled* among the other fields of an app says first whom it hurts, as its own page does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import User
from clients.models import AccessToken, Authorization, Client
from common import clock
from tests.console import browser, client, form_of, insist, page, send

pytestmark = [pytest.mark.usefixtures("console"), pytest.mark.any_database]


def advanced() -> str:
    return page("clients_client_change", client().pk)


def test_whoever_unticks_it_reads_the_numbers_and_nothing_is_changed() -> None:
    person, app, hour = User.objects.get(username="person"), client(), timedelta(hours=1)
    Authorization.objects.create(client=app, user=person, offline=True, auth_time=clock.now())
    AccessToken.objects.create(digest="0" * 64, application=app, expires=clock.now() + hour)
    answer = send(browser("editor"), advanced(), {"enabled": [], "name": "Renamed"})
    assert answer.status_code == 200
    [hurt] = answer.context["hurts"]
    assert hurt.sentence == "1 person loses access by it. 1 token of its own stops working."
    assert client().enabled
    assert "Renamed" in form_of(answer)["name"]
    assert client().name != "Renamed"


def test_whoever_goes_on_disables_it() -> None:
    Authorization.objects.create(
        client=client(), user=User.objects.get(username="person"), offline=True, auth_time=clock.now()
    )
    assert insist(browser("editor"), advanced(), {"enabled": []}).status_code == 302
    assert not client().enabled


def test_tokens_that_nobody_counts_are_asked_about_too() -> None:
    """An app without people that gets JWTs for itself."""
    Client.objects.filter(client_id="web").update(grant_types=["client_credentials"])
    answer = send(browser("editor"), advanced(), {"enabled": []})
    assert answer.status_code == 200
    [hurt] = answer.context["hurts"]
    assert hurt.sentence == "It gets no new tokens until somebody enables it."
    assert client().enabled


def test_where_nobody_is_hurt_nothing_is_asked() -> None:
    assert send(browser("editor"), advanced(), {"enabled": []}).status_code == 302
    assert not client().enabled
    assert send(browser("editor"), advanced(), {"enabled": "on"}).status_code == 302
    assert client().enabled
