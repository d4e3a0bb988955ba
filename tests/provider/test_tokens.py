"""`manage.py tokens`: what lives is listed with its last use, and what is over is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import SignIn, User
from clients.models import Authorization, Client
from common.command import WRONG_USE, Refused
from provider import living
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def tokens(*arguments: str) -> Any:
    out = StringIO()
    call_command("tokens", "--format", "json", *arguments, stdout=out)
    return json.loads(out.getvalue())


def test_of_a_person_each_authorization_is_listed_with_what_hangs_from_it() -> None:
    web = Browser("owner").tokens("web", scope="openid offline_access")
    App("web").refresh(web["refresh_token"])
    Browser("owner").tokens("spa", scope="openid")
    Browser("member").tokens("web", scope="openid")
    answer = tokens("--user", "owner@people.example")
    assert (answer["authorizations"], answer["own_tokens"]) == (2, 0)
    spa, first = answer["living"]
    assert (first["client_id"], first["project"], first["username"]) == ("web", "acme", "owner")
    assert (first["access_tokens"], first["refresh_token"], spa["refresh_token"]) == (2, True, False)
    assert first["last_used_at"] > first["created_at"]


def test_several_names_narrow_it_down() -> None:
    Browser("owner").tokens("web", scope="openid")
    Browser("owner").tokens("spa", scope="openid")
    Browser("member").tokens("spa", scope="openid")
    assert tokens("--user", "owner", "--client", "spa")["authorizations"] == 1
    assert tokens("--client", "spa")["authorizations"] == 2
    assert tokens("--project", "acme")["authorizations"] == 3
    assert tokens("--project", "other")["authorizations"] == 0
    assert tokens("--project", "acme", "--since", timezone.now().isoformat())["authorizations"] == 0


def test_tokens_of_a_client_itself_are_counted() -> None:
    App("service").token(grant_type="client_credentials")
    answer = tokens("--client", "service")
    assert (answer["authorizations"], answer["own_tokens"]) == (0, 1)


OVER: dict[str, Callable[[], object]] = {
    "signed out": lambda: SignIn.objects.update(ended_at=timezone.now()),
    "ended": lambda: Authorization.objects.update(ended_at=timezone.now(), ended_because="a test"),
    "disabled client": lambda: Client.objects.filter(client_id="web").update(enabled=False),
    "disabled person": lambda: User.objects.filter(username="owner").update(is_active=False),
    "ended of a client": lambda: Client.objects.filter(client_id="web").update(tokens_not_before=timezone.now()),
}


@pytest.mark.parametrize("how", OVER)
def test_what_is_over_is_not_listed(how: str) -> None:
    Browser("owner").tokens("web", scope="openid")
    assert tokens("--user", "owner")["authorizations"] == 1
    OVER[how]()
    assert tokens("--user", "owner")["authorizations"] == 0


def test_very_many_are_counted_to_a_limit_and_the_newest_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(living, "COUNTED", 2)
    for _again in range(3):
        Browser("owner").tokens("web", scope="openid")
    answer = tokens("--client", "web", "--limit", "1")
    assert (answer["authorizations"], len(answer["living"])) == (2, 1)


def test_people_read_sentences_and_no_token() -> None:
    answer = Browser("owner").tokens("web", scope="openid offline_access")
    out = StringIO()
    call_command("tokens", "--user", "owner", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("owner at web (project acme), ")
    assert lines[2].startswith("  1 access token, refresh token ends in 30 d")
    assert lines[-1] == "1 authorization"
    assert answer["access_token"] not in out.getvalue()


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Say of whom"),
        (["--user", "nobody"], "There is no account"),
        (["--client", "no\0\udcff"], "There is no client"),
        (["--project", "nothing"], "There is no project"),
        (["--client", "web", "--since", "soon"], "--since takes"),
        (["--client", "web", "--limit", "0"], "--limit is 1 to"),
    ],
)
def test_what_cannot_be_meant_is_wrong_use(arguments: list[str], said: str) -> None:
    with pytest.raises(Refused, match=said) as raised:
        tokens(*arguments)
    assert raised.value.returncode == WRONG_USE
