"""`manage.py createinitialtoken`: made once, kept as a digest, within what the project may give."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from clients.models import InitialAccessToken, SecurityEvent
from tests.world import BILLING, FOREIGN, ORDERS

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]


@pytest.fixture(autouse=True)
def _switched_on(settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "tokens"


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("createinitialtoken", *arguments, "--format", "json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_it_is_printed_once_with_what_its_apps_may_have() -> None:
    said = run("acme", "--scope", "openid orders.read", "--audience", ORDERS, "--audience", BILLING, "--uses", "3")
    made = InitialAccessToken.objects.get()
    assert (said["scope"], said["audience"], said["uses"]) == ("openid orders.read", [ORDERS, BILLING], 3)
    assert said["token"] not in str(vars(made))
    event = SecurityEvent.objects.get(kind="initial_token.made")
    assert (event.detail["project"], event.detail["by"]) == ("acme", "command")
    assert said["token"] not in str(event.detail)


def test_a_dry_run_makes_none() -> None:
    assert "token" not in run("acme", "--dry-run")
    assert not InitialAccessToken.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("--scope", "reports.read"), "scope"),
        (("--audience", FOREIGN), "audience[0]"),
        (("--audience", "https://u@x.example"), "audience[0]"),
        (("--uses", "0"), "most"),
        (("--days", "366"), "days"),
        (("--label", "x" * 101), "label"),
    ],
)
def test_what_the_project_may_not_give_is_refused(arguments: tuple[str, ...], field: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("createinitialtoken", "acme", *arguments, stdout=StringIO())
    assert [one["field"] for one in refused.value.document["problems"]] == [field]  # type: ignore[attr-defined]
    assert not InitialAccessToken.objects.exists()


def test_where_the_deployment_lets_no_app_register_itself_none_is_made(settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "off"
    with pytest.raises(CommandError, match="IDP_DYNAMIC_REGISTRATION"):
        run("acme")
    with pytest.raises(CommandError, match="no project"):
        run("nobody")
