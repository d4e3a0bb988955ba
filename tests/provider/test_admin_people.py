"""The people who use an app, by person; how one of them loses it; and what switching it off says beforehand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client as Http
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import SignIn, User
from clients import registration
from clients.models import AccessToken, Authorization, Client, RefusedRequest, SecurityEvent
from clients.policy import metadata_of
from projects.actors import Actor
from projects.models import Consent, Member, Project
from projects.sectors import told_sub
from provider import app_people
from tests.accounts.second_steps import PASSWORD, give_password
from tests.console import browser, client, page, project
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console")
NOW = timezone.now()
LATER = timedelta(seconds=301)


def person(username: str = "person") -> User:
    return User.objects.get(username=username)


def let_in(username: str = "person", client_id: str = "web", at: datetime = NOW) -> Authorization:
    user = person(username)
    sign_in = SignIn.objects.create(user=user)
    return Authorization.objects.create(
        client=client(client_id), user=user, sign_in=sign_in, auth_time=at, created_at=at, scopes=["openid"]
    )


def people(who: str = "root", client_id: str = "web", **query: str) -> Response:
    return browser(who).get(page("clients_client_people", client(client_id).pk), query)


def removal(username: str = "person", client_id: str = "web") -> str:
    return page("clients_client_remove_person", client(client_id).pk, told_sub(person(username).sub, project()))


def switch(client_id: str = "web") -> str:
    return page("clients_client_switch", client(client_id).pk)


# --- Who uses it ---------------------------------------------------------------------------------------------------


def test_each_person_is_one_row_with_how_often_since_when_and_when_last() -> None:
    long_ago = NOW - timedelta(days=9)
    for at in (long_ago, NOW - timedelta(days=2), NOW):
        let_in(at=at)
    let_in("both", at=NOW - timedelta(days=1))
    let_in("nobody", "spa")
    shown = people().context
    assert [one.name for one in shown["people"]] == ["person", "both"]
    first = shown["people"][0].used
    assert (first.times, first.since, first.last_used) == (3, long_ago, NOW)
    assert shown["page"].paginator.count == 2
    assert app_people.numbers(client()) == app_people.Numbers(people=2, service_tokens=0)


def test_what_is_over_counts_for_nothing() -> None:
    let_in()
    Authorization.objects.update(ended_at=NOW, ended_because="test")
    assert "Nobody lets this app in now." in people().content.decode()


def test_nobody_who_is_not_active_uses_it() -> None:
    let_in()
    let_in("both")
    User.objects.filter(username="both").update(is_active=False)
    assert [one.name for one in people().context["people"]] == ["person"]
    assert app_people.numbers(client()).people == 1


def test_however_many_there_are_they_are_read_by_as_many_statements() -> None:
    http, url = browser("editor"), page("clients_client_people", client().pk)
    let_in()
    with CaptureQueriesContext(connection) as few:
        http.get(url)
    for username in ("both", "outsider", "nobody", "root", "owner"):
        let_in(username)
    with CaptureQueriesContext(connection) as more:
        assert len(http.get(url).context["people"]) == 6
    assert len(more) <= len(few)


def test_a_renewal_is_a_use() -> None:
    let_in(at=NOW - timedelta(days=9))
    Authorization.objects.update(generation=1, rotated_at=NOW, rotated_from="x")
    assert people().context["people"][0].used.last_used == NOW


@pytest.mark.parametrize("who", ["owner", "editor", "viewer"])
@pytest.mark.parametrize("kind", ["public", "pairwise"])
def test_members_know_people_by_what_the_app_knows_them_by(who: str, kind: str) -> None:
    Project.objects.filter(key="acme").update(subject_type=kind, subject_salt="salt" if kind == "pairwise" else "")
    let_in()
    told = told_sub(person().sub, project())
    html = people(who).content.decode()
    assert told in html
    assert (person().sub in html) is (kind == "public")
    assert "person@people.example" not in html
    assert page("accounts_user_person", person().pk) not in html
    assert ("Remove access" in html) is (who != "viewer")
    assert len(people(who, q=told).context["people"]) == 1
    assert people(who, q="person").context["people"] == []
    assert people(who, q=f"{told[:-1]}").context["people"] == []


@pytest.mark.parametrize(("asked", "found"), [("person", 1), ("Person@People.example", 1), ("perso", 0)])
def test_superusers_find_people_by_the_whole_name_or_address(asked: str, found: int) -> None:
    let_in()
    assert len(people(q=asked).context["people"]) == found


def test_they_come_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provider.admin.people_page.PER_PAGE", 1)
    let_in(at=NOW - timedelta(hours=1))
    let_in("both")
    assert [one.name for one in people().context["people"]] == ["both"]
    assert [one.name for one in people(p="2").context["people"]] == ["person"]
    assert "Page 2 of 2" in people(p="9").content.decode()


@pytest.mark.parametrize("address", ["clients_client_people", "clients_client_switch"])
def test_outsiders_learn_nothing(address: str) -> None:
    let_in()
    assert browser("outsider").get(page(address, client().pk)).status_code == 404
    assert browser("outsider").get(removal()).status_code == 404


# --- Who loses it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["root", "owner", "editor"])
def test_an_editor_removes_the_access_of_one_person_so_that_it_stays_removed(who: str) -> None:
    consent = Consent.objects.create(user=person(), project=project(), scopes=["openid"])
    one, other = let_in(), let_in("both")
    Authorization.objects.filter(pk=one.pk).update(consent=consent)
    asked = browser(who).get(removal()).content.decode()
    assert "every app of the project asks them anew" in asked
    assert browser(who).post(removal()).status_code == 302
    consent.refresh_from_db()
    assert consent.scopes == []
    assert list(Authorization.objects.filter(ended_at=None)) == [other]
    event = SecurityEvent.objects.get(kind="access.revoked")
    assert (event.client_id, event.sub, event.detail["person"]) == ("web", person(who).sub, person().sub)
    assert LogEntry.objects.latest("pk").get_change_message() == f"Removed the access of {person().sub}."
    assert browser(who).post(removal()).status_code == 404


def test_whoever_signed_in_a_while_ago_proves_anew_who_they_are() -> None:
    owner, http = person("owner"), Http()
    owner.set_password(PASSWORD)
    owner.save()
    let_in()
    assert give_password(http, owner).status_code == 302
    with time_machine.travel(timezone.now() + LATER):
        for answer in (http.get(removal()), http.post(removal())):
            assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not Authorization.objects.exclude(ended_at=None).exists()


def test_in_a_first_party_project_it_says_that_nobody_is_asked() -> None:
    Project.objects.update(consent_mode="implicit")
    let_in()
    assert "gets new tokens with the next click" in browser("owner").get(removal()).content.decode()


def test_viewers_only_look() -> None:
    let_in()
    for url in (removal(), switch()):
        assert browser("viewer").get(url).status_code == 403
        assert browser("viewer").post(url).status_code == 403
    assert not Authorization.objects.exclude(ended_at=None).exists()
    assert client().enabled
    assert "Disable" not in people("viewer").content.decode()


# --- Whom switching it off hurts -----------------------------------------------------------------------------------


def test_before_it_is_disabled_the_page_says_how_many_it_hurts() -> None:
    for username in ("person", "person", "both"):
        let_in(username)
    for digest in ("a", "b", "c"):
        AccessToken.objects.create(digest=digest, application=client(), expires=NOW + timedelta(hours=1), resource=[])
    html = browser("editor").get(switch()).content.decode()
    assert "<strong>2 people</strong> use it" in html
    assert "<strong>3 tokens</strong> of its own stop working" in html
    assert client().enabled


def test_before_it_is_deleted_the_page_says_the_same() -> None:
    url = page("clients_client_delete", client().pk)
    assert "by it." not in browser("editor").get(url).content.decode()
    let_in()
    let_in("both")
    assert "2 people lose access by it." in browser("editor").get(url).content.decode()


@pytest.mark.parametrize("who", ["root", "owner", "editor"])
def test_an_editor_switches_it_off_and_on(who: str) -> None:
    http = browser(who)
    assert http.post(switch()).status_code == 302
    assert not client().enabled
    assert "It may get tokens again" in http.get(switch()).content.decode()
    assert http.post(switch(), {"enabled": "on"}).status_code == 302
    assert client().enabled
    told = SecurityEvent.objects.filter(client_id="web", sub=person(who).sub).values_list("kind", flat=True)
    assert {"client.disabled", "client.enabled"} <= {*told}


def test_what_a_superuser_switched_off_stays_off() -> None:
    browser("root").post(switch())
    http = browser("owner")
    http.post(switch(), {"enabled": "on"})
    assert not client().enabled
    assert "superuser" in http.get(page("clients_client_access", client().pk)).content.decode().lower()


def test_the_same_page_sent_twice_does_nothing_more() -> None:
    http = browser("owner")
    for _time in range(2):
        http.post(switch())
    assert not Client.objects.get(client_id="web").enabled
    assert SecurityEvent.objects.filter(kind="client.disabled").count() == 1


def meanwhile(act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody else commits while the page waits for the lock."""
    locked = registration.locked

    def after_waiting(*asked: Any) -> Any:
        act()
        return locked(*asked)

    monkeypatch.setattr(registration, "locked", after_waiting)


def test_a_change_that_was_waited_for_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = metadata_of(client()).changed({"client_name": "Renamed meanwhile"})
    meanwhile(lambda: registration.change(client(), wanted, Actor.operator("operator")), monkeypatch)
    assert browser("owner").post(switch()).status_code == 302
    assert (client().name, client().enabled) == ("Renamed meanwhile", False)


def test_whoever_lost_the_role_while_they_waited_switches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(lambda: Member.objects.filter(user__username="editor").update(role="viewer"), monkeypatch)
    assert browser("editor").post(switch()).status_code == 403
    assert client().enabled


def test_an_app_that_is_gone_by_then_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    http, url = browser("root"), switch()
    meanwhile(lambda: client().delete(), monkeypatch)
    assert http.post(url).status_code == 404


# --- What happened to it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["root", "owner", "editor", "viewer"])
def test_its_activity_shows_what_was_refused_and_what_mends_it(who: str) -> None:
    sent = "redirect_uri is not registered for this client. redirect_uri: https://web.acme.example/callback"
    said = {"endpoint": "authorize", "error": "invalid_request", "step": "channel", "description": sent}
    times = {"hour": NOW, "first_at": NOW, "last_at": NOW}
    for client_id, reference in (("web", "e6cf24e9"), ("foreign", "07e41234")):
        RefusedRequest.objects.create(**said, **times, client_id=client_id, request_ids=reference)
    browser("owner").post(switch())
    html = browser(who).get(page("clients_client_activity", client().pk)).content.decode()
    assert "A redirect URI that is not registered" in html
    assert "e6cf24e9" in html
    assert "07e41234" not in html
    assert ("Register the sent redirect URI" in html) is (who != "viewer")
    assert "Nothing was changed since" not in html
