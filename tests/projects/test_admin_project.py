from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from accounts.models import User
from clients.models import Client
from projects.models import ConsentScreen, Member, Project
from tests.console import browser, form_of, page, problems, project, send

pytestmark = pytest.mark.usefixtures("console")


def change(username: str = "owner", key: str = "acme", **fields: Any) -> Any:
    return send(browser(username), page("projects_project_change", project(key).pk), fields)


def test_a_superuser_adds_a_project_with_its_consent_screen_and_members() -> None:
    new = {
        "name": "New",
        "key": "new",
        "status": "testing",
        "test_users": "person\nviewer",
        "members-0-username": "owner",
        "members-0-role": "owner",
    }
    assert send(browser("root"), page("projects_project_add"), new).status_code == 302
    made = project("new")
    assert {user.username for user in made.test_users.all()} == {"person", "viewer"}
    assert made.members.get().user.username == "owner"
    assert ConsentScreen.objects.filter(project=made).exists()


@pytest.mark.parametrize("username", ["owner", "editor"])
def test_only_superusers_add_projects(username: str) -> None:
    http = browser(username)
    assert http.get(page("projects_project_add")).status_code == 403
    assert http.post(page("projects_project_add"), {"name": "New", "key": "new"}).status_code == 403
    assert not Project.objects.filter(key="new").exists()


def test_an_owner_changes_the_project_and_its_history_says_before_and_after() -> None:
    assert change(name="Acme two", cross_client="off").status_code == 302
    assert project().name == "Acme two"
    told = LogEntry.objects.latest("pk").get_change_message()
    assert "Name: “Acme” → “Acme two”" in told
    assert "“same_project” → “off”" in told


def test_an_editor_changes_the_consent_screen_and_nothing_else() -> None:
    fields = {"consent_screen-0-app_name": "Shown", "name": "Mine", "cross_client": "off", "test_users": "editor"}
    assert change("editor", **fields).status_code == 302
    assert project().consent_screen.app_name == "Shown"
    assert (project().name, project().cross_client, project().test_users.count()) == ("Acme", "same_project", 0)


def test_the_key_stays() -> None:
    shown = form_of(browser("root").get(page("projects_project_change", project().pk)))
    assert "key" not in shown
    browser("root").post(page("projects_project_change", project().pk), {**shown, "key": "renamed"})
    assert project("acme")


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value"), [("status", "testing"), ("consent_mode", "implicit")], ids=["status", "first party"]
)
def test_only_a_superuser_decides_who_may_sign_in_without_being_asked(field: str, value: str) -> None:
    errors = problems(change("owner", **{field: value}))
    assert list(errors) == [field]
    assert "superuser" in errors[field][0]
    assert getattr(project(), field) != value
    assert change("root", **{field: value}).status_code == 302
    assert getattr(project(), field) == value


def test_an_owner_does_not_leave_testing_but_may_start_asking_people() -> None:
    Project.objects.filter(key="acme").update(status="testing", consent_mode="implicit")
    assert list(problems(change("owner", status="production"))) == ["status"]
    assert change("owner", consent_mode="explicit").status_code == 302
    assert (project().status, project().consent_mode) == ("testing", "explicit")


def test_an_owner_adds_members_by_their_exact_username() -> None:
    rows = len(project().members.all())
    assert change(**{f"members-{rows}-username": "nobody", f"members-{rows}-role": "viewer"}).status_code == 302
    assert Member.objects.get(user__username="nobody").role == "viewer"


def _told(username: str, **fields: Any) -> list[str]:
    """The messages after `username` saved the project."""
    http = browser(username)
    url = page("projects_project_change", project().pk)
    answer: Any = send(http, url, fields)
    assert answer.status_code == 302
    answer = http.get(answer["Location"])
    return [str(one) for one in answer.context["messages"]]


@pytest.mark.any_database
def test_members_the_console_does_not_let_in_are_named() -> None:
    missing = "cannot enter the console yet"
    assert missing not in " ".join(_told("owner"))
    told = _told("owner", **{"members-4-username": "person", "members-4-role": "viewer"})
    assert f"This member {missing}: person. A superuser opens it at Members." in told
    User.objects.filter(username__in=["editor"]).update(is_staff=False)
    assert f"These members {missing}: editor, person. A superuser opens it at Members." in _told("root")
    User.objects.filter(username__in=["editor", "person"]).update(is_staff=True)
    assert missing not in " ".join(_told("root"))


def test_only_those_who_choose_members_are_told_who_cannot_enter() -> None:
    User.objects.filter(username="viewer").update(is_staff=False)
    assert "viewer" not in " ".join(_told("editor"))


@pytest.mark.any_database
@pytest.mark.parametrize("name", ["missing", "NOBODY", "person@", "nob", "x" * 5000, "no\0body"])
def test_a_member_nobody_knows_is_an_error_on_the_row(name: str) -> None:
    rows = len(project().members.all())
    errors = problems(change(**{f"members-{rows}-username": name, f"members-{rows}-role": "viewer"}))
    assert "username" in errors["inlines"][0]
    assert project().members.count() == rows


def test_a_member_is_listed_once() -> None:
    rows = len(project().members.all())
    errors = problems(change(**{f"members-{rows}-username": "viewer", f"members-{rows}-role": "owner"}))
    assert errors["inlines"] == [{"username": ["This person is a member already. Change the role there."]}]
    assert Member.objects.get(project=project(), user__username="viewer").role == "viewer"


def test_a_member_added_from_another_window_is_no_fault() -> None:
    http = browser("owner")
    url = page("projects_project_change", project().pk)
    opened = form_of(http.get(url))
    new = {"members-4-username": "nobody", "members-4-role": "viewer"}
    assert change(**new).status_code == 302
    assert problems(http.post(url, {**opened, **new}))["inlines"]


def test_the_person_behind_a_member_cannot_be_swapped() -> None:
    row = list(project().members.order_by("pk")).index(Member.objects.get(user__username="viewer"))
    assert change(**{f"members-{row}-username": "nobody", f"members-{row}-user": "1"}).status_code == 302
    assert not Member.objects.filter(user__username="nobody").exists()


@pytest.mark.parametrize("username", ["editor", "viewer"])
def test_only_owners_and_superusers_change_members(username: str) -> None:
    me = Member.objects.get(project=project(), user__username=username)
    shown = form_of(browser("owner").get(page("projects_project_change", project().pk)))
    row = next(name for name, value in shown.items() if name.endswith("-id") and value == str(me.pk)).split("-")[1]
    promoted = {**shown, f"members-{row}-role": "owner", "members-4-username": "nobody", "members-4-role": "owner"}
    del promoted["csrfmiddlewaretoken"]
    response = browser(username).post(page("projects_project_change", project().pk), promoted)
    assert response.status_code == (302 if username == "editor" else 403)
    me.refresh_from_db()
    assert me.role != "owner"
    assert not Member.objects.filter(user__username="nobody").exists()
    assert "nobody" not in browser(username).get(page("projects_project_change", project().pk)).content.decode()


def test_a_members_row_of_another_project_cannot_be_pulled_over() -> None:
    other = Member.objects.get(user__username="outsider")
    change(**{"members-0-id": str(other.pk), "members-0-role": "viewer", "members-0-username": "outsider"})
    other.refresh_from_db()
    assert (other.role, other.project.key) == ("owner", "other")


def test_test_users_are_named_and_unknown_ones_refused() -> None:
    assert list(problems(change(test_users="person\nmissing"))) == ["test_users"]
    assert change(test_users="person viewer").status_code == 302
    assert project().test_users.count() == 2
    assert "“” → “person, viewer”" in LogEntry.objects.latest("pk").get_change_message()


def test_the_list_of_people_is_never_offered() -> None:
    text = browser("owner").get(page("projects_project_change", project().pk)).content.decode()
    assert "outsider" not in text
    assert "person@people.example" not in text


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 100_000),
        ("name", "a\0b"),
        ("test_users", "a\0b"),
        ("test_users", "x " * 500_00),
        ("consent_mode", "never"),
        ("cross_client", "\0"),
        ("tokens_not_before_0", "yesterday"),
        ("tokens_not_before_0", "9999-99-99"),
        ("consent_screen-0-support_email", "not an address"),
        ("consent_screen-0-homepage_uri", "javascript:alert(1)"),
        ("consent_screen-0-policy_uri", "x" * 100_000),
    ],
)
def test_bad_input_is_an_error_on_its_field_and_nothing_typed_is_lost(field: str, value: str) -> None:
    response = change(**{field: value})
    assert problems(response)
    assert project().name == "Acme"
    assert form_of(response)["name"] == (value if field == "name" else "Acme")


@pytest.mark.parametrize("key", ["acme", "Upper", "two words", "a/b", "x" * 60, "a\0b"])
def test_a_bad_or_taken_key_is_an_error(key: str) -> None:
    response = send(browser("root"), page("projects_project_add"), {"name": "New", "key": key})
    assert list(problems(response)) == ["key"]


def test_the_end_of_old_tokens_only_moves_forward() -> None:
    assert change(tokens_not_before_0="2026-01-02", tokens_not_before_1="03:04:05").status_code == 302
    assert list(problems(change(tokens_not_before_0="2025-01-01"))) == ["tokens_not_before"]
    assert list(problems(change(tokens_not_before_0="", tokens_not_before_1=""))) == ["tokens_not_before"]
    assert list(problems(change(tokens_not_before_0="2999-01-01"))) == ["tokens_not_before"]


def test_an_untouched_moment_stays_to_the_microsecond() -> None:
    moment = timezone.now()
    Project.objects.filter(key="acme").update(tokens_not_before=moment)
    assert change(name="Same moment").status_code == 302
    assert project().tokens_not_before == moment


def test_an_owner_deletes_an_empty_project_and_an_editor_does_not() -> None:
    Client.objects.filter(project=project()).delete()
    url = page("projects_project_delete", project().pk)
    assert browser("editor").post(url, {"name": "Acme"}).status_code == 403
    assert "<strong>4</strong><span>Members</span>" in browser("owner").get(url).content.decode()
    assert browser("owner").post(url, {"name": "Acme"}).status_code == 302
    assert not Project.objects.filter(key="acme").exists()


def test_members_see_what_others_did_to_their_project() -> None:
    change(name="Acme two")
    text = browser("viewer").get(page("projects_project_history", project().pk)).content.decode()
    assert "owner" in text
    assert "Acme two" in text
    assert User.objects.get(username="owner").logentry_set.count() == 1
