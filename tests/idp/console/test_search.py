"""The one search field finds what the person may see, and tells nothing of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from clients.models import Client, RefusedRequest
from idp.console.search import LONGEST, MOST
from tests.console import ORDERS, REPORTS, browser, client, page, project

pytestmark = pytest.mark.usefixtures("console")


def found(username: str, asked: str) -> dict[str, list[str]]:
    """Names by kind."""
    shown = browser(username).get(page("search"), {"q": asked})
    assert shown.status_code == 200
    return {str(kind.label): [hit.name for hit in kind.hits] for kind in shown.context["kinds"]}


def refused(client_id: str, reference: str) -> None:
    now = timezone.now()
    when = {"hour": now, "first_at": now, "last_at": now}
    said = {"endpoint": "token", "error": "invalid_grant", "step": "grant", "description": f"About {client_id}."}
    RefusedRequest.objects.create(client_id=client_id, request_ids=f"other {reference}", **when, **said)


@pytest.mark.parametrize(
    ("username", "asked", "expected"),
    [
        ("viewer", "acme", {"Apps": ["Acme single page", "Acme web"], "APIs": ["Orders"], "Projects": ["Acme"]}),
        ("viewer", " WEB ", {"Apps": ["Acme web"]}),
        ("viewer", "foreign", {}),
        ("viewer", "reports", {}),
        ("viewer", REPORTS, {}),
        ("viewer", "Open things", {}),
        ("viewer", "other", {}),
        ("both", "foreign", {"Apps": ["Foreign app"]}),
        ("nobody", "acme", {}),
        ("root", "foreign", {"Apps": ["Foreign app"]}),
        ("root", ORDERS, {"APIs": ["Orders"]}),
    ],
)
def test_apps_apis_and_projects_are_found_by_who_may_see_them(
    username: str, asked: str, expected: dict[str, list[str]]
) -> None:
    assert found(username, asked) == expected


def test_people_are_found_by_superusers_and_by_the_whole_name_only() -> None:
    sub = User.objects.get(username="person").sub
    for asked in ("person", "PERSON", "person@people.example", sub):
        assert found("root", asked) == {"People": ["person"]}, asked
        assert found("owner", asked) == {}, asked
    for asked in ("perso", "people.example", "@", "%", sub[:-1]):
        assert "People" not in found("root", asked), asked


def test_a_reference_is_found_by_those_who_see_the_refusal() -> None:
    refused("web", "e6cf24e9")
    refused("foreign", "aa11bb22")
    assert found("viewer", "e6cf24e9") == {"Refused requests": ["About web."]}
    assert found("viewer", "aa11bb22") == {}
    assert found("root", "aa11bb22") == {"Refused requests": ["About foreign."]}
    assert found("viewer", "e6cf2") == {}, "too short to be one"


def test_few_of_a_kind_are_shown_with_a_way_to_all() -> None:
    fields: Any = {"client_type": "confidential", "grant_types": ["client_credentials"], "project": project()}
    Client.objects.bulk_create(
        Client(client_id=f"many-{number}", name=f"Many {number}", **fields) for number in range(MOST + 5)
    )
    [apps] = browser("viewer").get(page("search"), {"q": "many"}).context["kinds"]
    assert len(apps.hits) == MOST
    assert browser("viewer").get(apps.more).status_code == 200


def test_an_app_leads_to_its_page_and_to_why_it_was_refused() -> None:
    http = browser("viewer")
    [apps] = http.get(page("search"), {"q": "web"}).context["kinds"]
    [hit] = apps.hits
    assert hit.url == page("clients_client_connect", client().pk)
    refused("web", "e6cf24e9")
    [(words, why)] = hit.links
    assert words == "Activity"
    assert "About web." in http.get(why).content.decode()


@pytest.mark.parametrize("asked", ["", " ", "x" * 10 * LONGEST, "'\"--;", "<b>", "\ud83d\ude00", "%_\\"])
def test_anything_may_be_asked_for(asked: str) -> None:
    text = asked.encode("utf-16", "surrogatepass").decode("utf-16")
    shown = browser("root").get(page("search"), {"q": text})
    assert shown.status_code == 200
    assert "<b>" not in shown.content.decode().partition('id="content-main"')[2]


@pytest.mark.any_database
def test_who_may_not_enter_finds_nothing() -> None:
    assert browser("person").get(page("search"), {"q": "acme"}, follow=True).status_code == 403
