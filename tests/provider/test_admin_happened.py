"""The page of everything that happened: what stands in it, who sees which rows, and that no row is shown twice."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from accounts.models import AccountEvent, AccountEventKind, User
from clients.models import Authorization, ProjectTally, RefusedRequest, SecurityEvent
from projects.models import Project
from projects.sectors import told_sub
from tests.console import browser, client, page, project, send

pytestmark = pytest.mark.usefixtures("console")

NETWORK = "203.0.113.0/24"
WRONG = "https://web.acme.example/callback"
NOT_REGISTERED = f"redirect_uri is not registered for this client. redirect_uri: {WRONG}"


def refused(client_id: str, reference: str, ago: timedelta = timedelta(), **fields: Any) -> RefusedRequest:
    at = datetime.now(UTC) - ago
    said = {"endpoint": "token", "error": "invalid_grant", "step": "grant", "network": NETWORK, **fields}
    times = {"hour": at.replace(minute=0, second=0, microsecond=0), "first_at": at, "last_at": at}
    return RefusedRequest.objects.create(client_id=client_id, request_ids=reference, **said, **times)


def event(kind: str, client_id: str = "", sub: str = "", ago: timedelta = timedelta(), **detail: object) -> None:
    row = SecurityEvent.objects.create(kind=kind, client_id=client_id, sub=sub, detail=detail)
    SecurityEvent.objects.filter(pk=row.pk).update(at=datetime.now(UTC) - ago)


def shown(username: str, **query: str) -> str:
    answer = browser(username).get(f"{page('activity')}?{urlencode(query)}")
    assert answer.status_code == 200
    return answer.content.decode()


def words(html: str) -> list[str]:
    """The rows, by what they say happened."""
    return [unescape(one) for one in re.findall(r'<span class="what">\s*<strong><bdi>(.*?)</bdi>', html)]


def rows(html: str) -> list[str]:
    """The same with all that stands in a row that is not open."""
    found = re.findall(r"<details[^>]*>\s*<summary>((?:(?!</summary>).)*class=\"what\".*?)</summary>", html, re.S)
    return [" ".join(unescape(re.sub(r"<[^>]*>", " ", row)).split()) for row in found]


def test_everything_stands_in_one_list_the_newest_first() -> None:
    person = User.objects.get(username="person")
    refused("web", "aaaaaaaa", timedelta(minutes=1))
    event("client.enabled", "web", ago=timedelta(minutes=2))
    AccountEvent.objects.create(sub=person.sub, kind=AccountEventKind.SIGN_IN_FAILED)
    expected = ["Wrong password entered", "A code or refresh token that does not work", "App enabled"]
    assert [one for one in words(shown("root", days="hour")) if one in expected] == expected


def test_members_see_their_projects_rows_and_nothing_of_others_or_of_accounts() -> None:
    person = User.objects.get(username="person")
    AccountEvent.objects.create(sub=person.sub, kind=AccountEventKind.SIGN_IN)
    refused("web", "aaaaaaaa")
    refused("foreign", "bbbbbbbb")
    refused("", "cccccccc")
    event("client.enabled", "foreign", sub=person.sub)
    event("member.added", project="other", member=person.sub, role="viewer")
    event("member.added", project="acme", member=person.sub, role="viewer")
    event("key.made", kid="x")
    html = shown("viewer", days="hour")
    assert "aaaaaaaa" in html
    assert "bbbbbbbb" not in html
    assert "cccccccc" not in html
    assert NETWORK not in html, "managing an app does not reveal where its users are"
    assert "Signed in" not in words(html)
    assert "Foreign app" not in html
    assert words(html).count("Member added to a project") == 1
    assert "Next signing key published" not in words(html)
    everything = shown("root", days="hour")
    assert [one for one in ("aaaaaaaa", "bbbbbbbb", "cccccccc", NETWORK) if one not in everything] == []


def test_what_an_older_project_of_the_same_key_did_is_not_its_own() -> None:
    event("member.added", ago=timedelta(days=3), project="acme", member="somebody", role="viewer")
    assert words(shown("viewer", days="all")).count("Member added to a project") == 0 + _made_by_the_file()
    assert words(shown("root", days="all")).count("Member added to a project") > _made_by_the_file()


def _made_by_the_file() -> int:
    rows = SecurityEvent.objects.filter(kind="member.added", detail__project="acme", at__gte=project().created_at)
    return rows.count()


@pytest.mark.parametrize("username", ["nobody", "person"])
def test_who_is_in_no_project_is_not_let_in(username: str) -> None:
    assert browser(username).get(page("activity")).status_code in (302, 403)


def test_the_filters_hold_together() -> None:
    refused("web", "aaaaaaaa", error="invalid_scope")
    refused("spa", "bbbbbbbb", timedelta(hours=2))
    refused("foreign", "cccccccc")
    event("client.disabled", "web")
    event("token.exchanged", "foreign")
    for query, references in (
        ({"app": "web"}, {"aaaaaaaa"}),
        ({"project": "acme"}, {"aaaaaaaa", "bbbbbbbb"}),
        ({"project": "acme", "days": "hour"}, {"aaaaaaaa"}),
        ({"q": "cccccccc"}, {"cccccccc"}),
        ({"q": "Acme single"}, {"bbbbbbbb"}),
        ({"kind": "changes"}, set()),
        ({"project": "nothing"}, set()),
        ({"person": "nobody at all"}, set()),
    ):
        html = shown("root", **{"days": "1", **query})
        assert {one for one in ("aaaaaaaa", "bbbbbbbb", "cccccccc") if f">{one}<" in html} == references, query
    assert "App disabled" in words(shown("root", kind="changes", days="hour"))
    assert words(shown("root", kind="access", days="hour")) == ["Token exchanged for another one"]


@pytest.mark.parametrize("query", ["before=1.9.1", "before=99999999999999999.0.1", "days=x&kind=y", "app=%F0%9F%8D%9E"])
def test_an_address_that_says_nonsense_is_a_page(query: str) -> None:
    assert browser("root").get(f"{page('activity')}?{query}").status_code == 200


def test_one_reads_back_page_by_page_and_meets_each_row_once() -> None:
    at = datetime.now(UTC) - timedelta(minutes=5)
    for number in range(60):
        RefusedRequest.objects.create(
            hour=at,
            first_at=at,
            last_at=at,
            client_id="web",
            endpoint="token",
            error="invalid_grant",
            step=str(number),
            request_ids=f"reference-{number:02}",
        )
    SecurityEvent.objects.bulk_create([SecurityEvent(kind=f"some.{n:02}", client_id="web") for n in range(60)])
    SecurityEvent.objects.filter(kind__startswith="some.").update(at=at)
    http, address, seen = browser("owner"), f"{page('activity')}?days=hour&app=web", []
    while address:
        html = http.get(address).content.decode()
        seen += re.findall(r">(reference-[0-9]{2}|some\.[0-9]{2})<", re.sub(r"<dl.*?</dl>", "", html, flags=re.S))
        address = unescape(found[1]) if (found := re.search(r'href="([^"]*)" rel="next"', html)) else ""
    assert len(seen) == 120
    assert len(set(seen)) == 120


def test_a_refusal_opens_to_what_was_sent_beside_what_is_registered() -> None:
    refused(
        "web", "aaaaaaaa", endpoint="authorize", error="invalid_request", step="channel", description=NOT_REGISTERED
    )
    html = shown("viewer", q="aaaaaaaa")
    assert words(html) == ["A redirect URI that is not registered"]
    assert "<details open>" in html, "whoever looks for a reference wants to read it"
    assert WRONG in html
    assert "https://web.acme.example/cb<" in html


def test_a_page_costs_the_same_statements_however_many_rows_it_has(django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        refused("web", f"reference-{number}", step=str(number))
        event("client.enabled", "web", sub=User.objects.get(username="owner").sub)
    http = browser("root")
    with django_assert_max_num_queries(16):
        http.get(page("activity"))


def test_what_the_console_did_to_an_account_is_one_row_with_what_it_was_and_by_whom() -> None:
    """The account's own event names no value, and the console's history says all of them."""
    user = User.objects.get(username="person")
    address = page("accounts_user_change", user.pk)
    send(browser("root"), address, {"first_name": "Pat", "is_staff": "on"})
    html = shown("root", person=user.sub, kind="changes")
    assert words(html) == ["Profile changed, Rights in the console changed by an administrator"]
    [text] = rows(html)
    assert "First name : nothing → became Pat" in text
    assert "Staff status : no → became yes" in text
    assert text.endswith("Pat by root")


def test_colleagues_are_named_and_people_who_use_an_app_are_not() -> None:
    owner, person = User.objects.get(username="owner"), User.objects.get(username="person")
    event("client.enabled", "web", sub=owner.sub)
    event("client.disabled", "web", sub=person.sub)
    event("device.allowed", "web", sub=owner.sub)
    html = shown("viewer", days="hour", app="web")
    said = dict(zip(words(html), (row.split()[-1] for row in rows(html)), strict=True))
    assert said["App enabled"] == "owner"
    assert said["App disabled"].startswith(person.sub[:20])
    assert said["A person connected a device"].startswith(owner.sub[:20])
    assert "person@people.example" not in html


def test_members_of_a_pairwise_project_see_and_find_people_by_what_its_apps_know() -> None:
    Project.objects.filter(key="acme").update(subject_type="pairwise", subject_salt="salt" * 10)
    person = User.objects.get(username="person")
    Authorization.objects.create(client=client(), user=person, auth_time=datetime.now(UTC))
    event("device.allowed", "web", sub=person.sub)
    event("authorization.ended", "web", sub=User.objects.get(username="root").sub, person=person.sub)
    told = told_sub(person.sub, project())
    for query in ({"days": "hour"}, {"days": "hour", "person": told}):
        html = shown("viewer", **query)
        assert told in html
        assert person.sub not in html
        assert "A person connected a device" in words(html)
    assert words(shown("viewer", person=person.sub)) == []


def test_what_went_past_a_registration_is_a_sentence_too() -> None:
    event("clientsecret.saved", "web")
    assert "Changed without the console, the API or a file: client secret" in words(shown("owner", app="web"))


def test_the_overview_shows_what_happened_lately_in_the_project() -> None:
    event("client.disabled", "web")
    event("client.enabled", "foreign")
    event("token.exchanged", "web")
    ProjectTally.objects.create(day=datetime.now(UTC).date(), project=project().pk, grant_type="refresh_token", count=1)
    html = browser("viewer").get(page("index")).content.decode()
    assert "App disabled" in words(html)
    assert "App enabled" not in words(html)
    assert "Token exchanged for another one" not in words(html), "they would hide all others"
