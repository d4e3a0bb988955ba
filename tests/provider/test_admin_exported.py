"""The activity as a file: what the filters show and nothing else, harmless in table calculators, an event itself."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Http

from accounts.models import User
from clients.models import Client, RefusedRequest, SecurityEvent
from provider.admin.happened import export
from tests.console import browser, page

pytestmark = pytest.mark.usefixtures("console")


def refused(client_id: str, reference: str, minutes: int = 0) -> None:
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    RefusedRequest.objects.create(
        client_id=client_id,
        endpoint="token",
        error="invalid_grant",
        step=reference,
        request_ids=reference,
        hour=at,
        first_at=at,
        last_at=at,
        network="203.0.113.0/24",
    )


def taken(username: str, form: str = "json", **query: str) -> str:
    answer: Any = browser(username).post(f"{page('activity')}?{urlencode(query)}", {"format": form})
    assert answer.status_code == 200
    assert f'filename="activity.{form}"' in answer["Content-Disposition"]
    return b"".join(answer.streaming_content).decode("utf-8-sig")


def references(text: str) -> list[str]:
    return [one for row in json.loads(text) for one in row["references"]]


def test_a_file_holds_what_the_filters_show() -> None:
    refused("web", "aaaaaaaa", 2)
    refused("spa", "bbbbbbbb", 1)
    refused("foreign", "cccccccc")
    assert references(taken("root", kind="refused", days="1")) == ["cccccccc", "bbbbbbbb", "aaaaaaaa"]
    assert references(taken("root", app="web", days="1")) == ["aaaaaaaa"]
    rows = list(csv.DictReader(io.StringIO(taken("root", "csv", app="web", kind="refused"))))
    assert [(one["app"], one["client_id"], one["error"], one["times"]) for one in rows] == [
        ("Acme web", "web", "invalid_grant", "1")
    ]


def test_members_take_their_own_rows_only_and_no_network() -> None:
    refused("web", "aaaaaaaa")
    refused("foreign", "bbbbbbbb")
    text = taken("viewer", days="all")
    assert references(text) == ["aaaaaaaa"]
    assert "203.0.113" not in text
    assert "Foreign" not in text
    assert references(taken("viewer", app="foreign", days="all")) == []


def test_that_it_was_taken_is_an_event_without_what_was_searched_for() -> None:
    taken("viewer", app="web", q="person@people.example")
    [event] = SecurityEvent.objects.filter(kind=export.EXPORTED)
    assert (event.sub, event.client_id) == (User.objects.get(username="viewer").sub, "web")
    assert event.detail == {"format": "json", "rows": "all", "days": "all"}
    taken("viewer", app="foreign")
    assert SecurityEvent.objects.filter(kind=export.EXPORTED, client_id="foreign").count() == 0


def test_whom_a_superuser_looks_into_is_no_news_for_members() -> None:
    taken("root", project="acme", app="web", person="person")
    event = SecurityEvent.objects.get(kind=export.EXPORTED)
    sub = User.objects.get(username="person").sub
    assert (event.client_id, event.detail) == ("", {"person": sub, "format": "json", "rows": "all", "days": "7"})
    assert sub not in taken("owner", days="all")
    assert export.EXPORTED in taken("root", days="all", person="person")


def test_a_file_is_read_in_pieces_up_to_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PER_READ", 3)
    monkeypatch.setattr(export, "MOST", 7)
    for number in range(10):
        refused("web", f"reference-{number}", number)
    assert references(taken("root", kind="refused")) == [f"reference-{number}" for number in range(7)]


def test_a_name_is_no_formula() -> None:
    Client.objects.filter(client_id="web").update(name='=HYPERLINK("https://elsewhere.example")')
    refused("web", "aaaaaaaa")
    [row] = csv.DictReader(io.StringIO(taken("owner", "csv", kind="refused")))
    assert row["app"].startswith("'=HYPERLINK")


@pytest.mark.any_database
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_what_a_table_calculator_would_run_is_a_text(text: str) -> None:
    assert export.harmless(text) == f"'{text}"
    assert export.harmless(f"a{text}") == f"a{text}"


def test_there_is_no_other_form_and_no_file_for_strangers() -> None:
    assert browser("root").post(page("activity"), {"format": "xml"}).status_code == 302
    assert browser("nobody").post(page("activity"), {"format": "csv"}).status_code == 403
    http = Http(enforce_csrf_checks=True)
    http.force_login(User.objects.get(username="root"))
    assert http.post(page("activity"), {"format": "csv"}).status_code == 403
    assert not SecurityEvent.objects.filter(kind=export.EXPORTED).exists()


def test_a_file_of_nothing_is_a_list_of_nothing() -> None:
    assert json.loads(taken("viewer", app="nothing")) == []
