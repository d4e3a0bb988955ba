"""Members of a project: one field adds or invites, and says nothing of who has an account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.utils import timezone

from accounts.models import SignIn, User
from projects import registration
from projects.events import SecurityEvent
from projects.invitation import Invitation
from projects.models import Member, Project
from tests.console import browser, page, project

pytestmark = pytest.mark.usefixtures("console")


def url() -> str:
    return page("projects_project_members", project().pk)


def add(username: str, who: str, role: str = "viewer", **more: str) -> Any:
    return browser(username).post(url(), {"who": who, "role": role, **more})


def one(username: str) -> Member:
    return Member.objects.get(project__key="acme", user__username=username)


def of(username: str) -> str:
    return page("projects_project_member", project().pk, one(username).pk)


def test_a_user_name_is_a_member_at_once_and_a_mail_says_so(django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert add("owner", "person").status_code == 302
    assert one("person").role == "viewer"
    [sent] = mail.outbox
    assert sent.to == ["person@people.example"]
    assert "owner added you to the project Acme" in str(sent.body)
    assert "A superuser still has to let you into the console." in str(sent.body)


@pytest.mark.parametrize("address", ["person@people.example", "unheard-of@people.example"])
def test_an_owner_hears_the_same_of_every_address(address: str, django_capture_on_commit_callbacks: Any) -> None:
    EmailAddress.objects.update(verified=True)
    with django_capture_on_commit_callbacks(execute=True):
        answer = add("owner", address, "editor")
    assert answer.status_code == 302
    assert project().members.count() == 4
    assert Invitation.objects.get().email == address
    assert [one.to for one in mail.outbox] == [[address]]
    day = f"{Invitation.objects.get().expires_at:%Y-%m-%d}"
    assert f"works until {day}" in browser("owner").get(url()).content.decode(), "written like every other day here"


def test_a_superuser_adds_whose_verified_address_it_is(django_capture_on_commit_callbacks: Any) -> None:
    EmailAddress.objects.update(verified=False)
    assert add("root", "person@people.example").status_code == 302
    assert Invitation.objects.count() == 1, "not verified: it may be anybody's"
    EmailAddress.objects.update(verified=True)
    with django_capture_on_commit_callbacks(execute=True):
        assert add("root", "Person@people.example", console="on").status_code == 302
    assert one("person").user.is_staff
    assert "You find it in the console." in str(mail.outbox[-1].body)
    told = SecurityEvent.objects.get(kind="person.let_in")
    assert told.detail == {"person": one("person").user.sub, "project": "acme"}
    assert told.sub == User.objects.get(username="root").sub


def test_only_superusers_let_people_into_the_console() -> None:
    assert 'name="console"' not in browser("owner").get(url()).content.decode()
    assert add("owner", "person", console="on").status_code == 302
    assert not one("person").user.is_staff
    answer = browser("owner").post(of("person"), {"_let_in": "1"})
    assert answer.status_code == 302
    assert not one("person").user.is_staff
    assert browser("root").post(of("person"), {"_let_in": "1"}).status_code == 302
    assert one("person").user.is_staff


def test_letting_in_waits_for_a_fresh_proof_and_keeps_what_was_typed() -> None:
    http = browser("root")
    http.get(url())
    SignIn.objects.update(auth_time=timezone.now() - timedelta(hours=1))
    answer = http.post(url(), {"who": "person", "role": "viewer", "console": "on"})
    assert answer.status_code == 302
    assert "next=" in answer.headers["Location"]
    assert not Member.objects.filter(user__username="person").exists()
    SignIn.objects.update(auth_time=timezone.now())
    assert ">\nperson</textarea>" in http.get(f"{url()}?typed=1").content.decode()


@pytest.mark.parametrize(
    ("who", "problem"),
    [
        ("missing", "No account has this username"),
        ("viewer", "This person is a member already."),
        ("a\0b", "Null characters are not allowed."),
        ("a@b", "Enter a valid e"),
        ("", "This field is required."),
    ],
)
def test_what_is_wrong_is_said_at_the_field(who: str, problem: str) -> None:
    answer = add("owner", who)
    assert answer.status_code == 200
    assert problem in answer.content.decode()
    assert project().members.count() == 4


@pytest.mark.parametrize(("username", "status"), [("editor", 403), ("viewer", 403), ("outsider", 404)])
def test_only_owners_change_who_the_members_are(username: str, status: int) -> None:
    assert add(username, "person").status_code == status
    assert browser(username).post(of("viewer"), {"_remove": "1"}).status_code == status
    assert browser(username).get(url()).status_code == (404 if status == 404 else 200)
    assert project().members.count() == 4


def test_the_role_they_have_already_is_no_change() -> None:
    http = browser("owner")
    answer = http.post(of("viewer"), {"role": "viewer", "_role": "Save"}, follow=True)
    assert [str(one) for one in answer.context["messages"]] == ["Nothing was changed."]
    assert not LogEntry.objects.filter(object_id=project().pk).exists()


def test_a_role_is_changed_and_a_member_removed() -> None:
    assert browser("owner").post(of("viewer"), {"role": "editor", "_role": "Save"}).status_code == 302
    assert one("viewer").role == "editor"
    assert browser("owner").post(of("viewer"), {"role": "king", "_role": "Save"}).status_code == 200
    assert browser("owner").post(of("viewer"), {"_remove": "1"}).status_code == 302
    assert not Member.objects.filter(project__key="acme", user__username="viewer").exists()
    assert {"member.changed", "member.removed"} <= set(SecurityEvent.objects.values_list("kind", flat=True))


@pytest.mark.parametrize(
    "fields", [{"who": "person", "role": "owner"}, {"role": "owner", "_role": "1"}, {"_remove": "1"}]
)
def test_whoever_lost_the_role_while_they_waited_changes_nobody(
    fields: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    locked, where = registration.locked, url() if "who" in fields else of("viewer")

    def after_waiting(key: str) -> Project | None:
        Member.objects.filter(project__key="acme", user__username="owner").update(role="editor")
        return locked(key)

    monkeypatch.setattr(registration, "locked", after_waiting)
    assert browser("owner").post(where, fields).status_code == 403
    assert one("viewer").role == "viewer"
    assert project().members.count() == 4


def test_the_only_owner_is_warned_and_led_to_where_they_may_be() -> None:
    text = browser("owner").get(of("owner")).content.decode()
    assert "This is the only owner" in text
    assert "This is you" in text
    answer = browser("owner").post(of("owner"), {"_remove": "1"})
    assert answer.headers["Location"] == page("index")
    assert "This is the only owner" not in browser("root").get(of("editor")).content.decode()


def test_a_member_of_another_project_has_no_page_here() -> None:
    other = Member.objects.get(user__username="outsider")
    assert browser("owner").get(page("projects_project_member", project().pk, other.pk)).status_code == 404
