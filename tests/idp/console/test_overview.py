"""The first page of the console: numbers, what was refused, and where one begins; of one's own projects only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from clients.models import Client, RefusedRequest
from idp.console.overview import SPANS, Overview
from projects.models import Project
from provider.store import tallies
from tests.console import browser, client, page
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console")

MOST_STATEMENTS = 26


def look(username: str, **query: Any) -> Overview:
    found: Overview = opened(username, **query).context["overview"]
    return found


def opened(username: str, **query: Any) -> Response:
    shown: Response = browser(username).get(page("index"), query)
    assert shown.status_code == 200
    return shown


def given(client_id: str, grant_type: str, number: int, back: int = 0) -> None:
    day = (datetime.now(UTC) - timedelta(days=back)).date()
    tallies.add(day, client_id, grant_type, number)
    tallies.write()


def refused(client_id: str, error: str, number: int) -> None:
    now = datetime.now(UTC)
    same = {"hour": now, "first_at": now, "last_at": now, "endpoint": "token", "step": f"{client_id} {error}"}
    RefusedRequest.objects.create(**same, client_id=client_id, error=error, count=number, request_ids="r")


def numbers(view: Overview) -> dict[str, int]:
    return {tile.words: tile.number for tile in view.tiles}


def test_members_see_the_numbers_of_their_apps_and_superusers_all() -> None:
    given("web", "authorization_code", 3)
    given("web", "refresh_token", 4, back=2)
    given("foreign", "client_credentials", 50)
    given("gone", "client_credentials", 7)
    refused("web", "invalid_grant", 2)
    refused("foreign", "invalid_scope", 9)
    mine = look("viewer")
    assert numbers(mine) == {"Sign-ins to apps": 3, "Answers with tokens": 7, "Refused requests": 2, "Apps": 2}
    assert [(one.name, one.error, one.times) for one in mine.refused] == [("Acme web", "invalid_grant", 2)]
    assert mine.charts[0].series == ["Refresh", "Sign-in"]
    whole = look("root")
    assert numbers(whole)["Answers with tokens"] == 64
    assert numbers(whole)["Refused requests"] == 11
    assert [one.name for one in whole.refused] == ["Foreign app", "Acme web"]
    assert numbers(look("root", project="acme")) == numbers(mine)
    assert numbers(look("both"))["Answers with tokens"] == 57
    assert numbers(look("both", project="other"))["Answers with tokens"] == 50


def test_a_foreign_project_in_the_address_shows_nothing_of_it() -> None:
    given("foreign", "client_credentials", 50)
    assert numbers(look("viewer", project="other"))["Answers with tokens"] == 0
    assert "Foreign" not in opened("viewer", project="other").content.decode()


@pytest.mark.parametrize(("days", "span", "tokens"), [("7", 7, 1), ("30", 30, 3), ("x", 7, 1), ("99999", 7, 1)])
def test_days_are_chosen_among_few(days: str, span: int, tokens: int) -> None:
    given("web", "client_credentials", 1, back=6)
    given("web", "client_credentials", 2, back=7)
    given("web", "client_credentials", 4, back=30)
    view = look("viewer", days=days)
    assert (view.days, numbers(view)["Answers with tokens"]) == (span, tokens)
    assert span in SPANS


def test_what_is_no_fault_is_not_among_the_refusals() -> None:
    refused("web", "login_required", 40)
    refused("web", "access_denied", 40)
    refused("web", "invalid_client", 1)
    assert numbers(look("viewer"))["Refused requests"] == 1


def test_numbers_are_drawn_and_said_as_a_table_without_styles() -> None:
    given("web", "authorization_code", 3)
    html = opened("viewer").content.decode()
    assert html.count('<svg class="chart"') == 1
    assert 'aria-label="Tokens by grant: 3 in all.' in html
    assert '<td class="number">3</td>' in html
    assert " style=" not in html


def test_the_first_steps_are_there_until_the_first_token() -> None:
    steps = {one.name: one for one in look("owner").steps}
    assert [one.done for one in steps.values()] == [True, True, True, False]
    assert browser("owner").get(steps["First token"].url).status_code == 200
    given("web", "client_credentials", 1, back=60)
    assert look("owner").steps == []
    assert look("outsider").steps, "it was another project's"


def test_an_empty_installation_begins_with_a_project() -> None:
    Client.objects.all().delete()
    Project.objects.all().delete()
    steps = look("root").steps
    assert [one.done for one in steps] == [False] * 4
    assert steps[0].url == page("projects_project_add")


def test_whoever_is_in_no_project_is_told_so() -> None:
    assert "You are in no project yet." in opened("nobody").content.decode()


def test_however_much_there_is_it_asks_the_same_number_of_statements() -> None:
    def asked(username: str) -> int:
        http = browser(username)
        with CaptureQueriesContext(connection) as statements:
            assert http.get(page("index")).status_code == 200
        return len(statements)

    given("web", "client_credentials", 1)
    refused("web", "invalid_grant", 1)
    before = {name: asked(name) for name in ("root", "owner")}
    projects = Project.objects.bulk_create(Project(key=f"p{number}", name=f"P {number}") for number in range(30))
    fields: Any = {"client_type": "confidential", "grant_types": ["client_credentials"]}
    Client.objects.bulk_create(
        Client(client_id=f"c{number}", name=f"C {number}", project=projects[number % 30], **fields)
        for number in range(300)
    )
    User.objects.bulk_create(User(username=f"u{number}") for number in range(200))
    for number in range(40):
        given(f"c{number}", "client_credentials", 5)
        refused(f"c{number}", "invalid_grant", 5)
    assert {name: asked(name) for name in before} == before
    assert max(before.values()) <= MOST_STATEMENTS


def test_tokens_of_this_process_are_among_the_numbers() -> None:
    """Without a server that writes them now and then, looking writes them."""
    before = numbers(look("viewer"))["Answers with tokens"]
    day = datetime.now(UTC).date()
    tallies._waiting.add((day, client().client_id, "client_credentials"), 2)
    assert numbers(look("viewer"))["Answers with tokens"] == before + 2
