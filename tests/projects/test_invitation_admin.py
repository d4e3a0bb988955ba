"""Invitations in the console: by an address among the members, or on a page of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from accounts import groups
from accounts.models import User
from projects import roles
from projects.actors import Actor
from projects.invitation import Invitation
from projects.inviting import Wanted, invite
from projects.metadata import RoleMetadata
from projects.models import Member
from tests.console import browser, page, problems, project, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("console")]
GUEST = "guest@new.example"
ADD, LIST = "projects_invitation_add", "projects_invitation_changelist"


@pytest.fixture
def change(django_capture_on_commit_callbacks: Any) -> Any:
    """Save the project as its owner."""

    def save(username: str = "owner", **fields: str) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return send(browser(username), page("projects_project_change", project().pk), fields)

    return save


def act(username: str, action: str, *rows: Invitation) -> Any:
    data = {"action": action, "_selected_action": [str(one.pk) for one in rows]}
    return browser(username).post(page(LIST), data)


def invited(who: str = "owner", key: str | None = "acme", **wanted: Any) -> Invitation:
    by = Actor.person(User.objects.get(username=who))
    return invite(Wanted(**{"email": GUEST, **wanted}), project(key) if key else None, by)


def test_an_address_among_the_members_is_invited(change: Any) -> None:
    rows = project().members.count()
    assert change(**{f"members-{rows}-username": GUEST, f"members-{rows}-role": "viewer"}).status_code == 302
    assert project().members.count() == rows
    row = Invitation.objects.get()
    assert (row.email, row.role, row.project) == (GUEST, "viewer", project())
    assert [one.to for one in mail.outbox] == [[GUEST]]


@pytest.mark.parametrize("address", ["person@people.example", "nobody-has-it@people.example"])
def test_whether_it_has_an_account_shows_nowhere(change: Any, address: str) -> None:
    rows = project().members.count()
    response = change(**{f"members-{rows}-username": address, f"members-{rows}-role": "viewer"})
    assert response.status_code == 302
    assert (Invitation.objects.count(), Member.objects.filter(user__email=address).count()) == (1, 0)


def test_what_is_no_address_is_an_error_on_its_row(change: Any) -> None:
    rows = project().members.count()
    response = change(**{f"members-{rows}-username": "guest@", f"members-{rows}-role": "viewer"})
    assert "username" in problems(response)["inlines"][0]
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("who", "key", "role", "works"),
    [
        ("owner", "acme", "owner", True),
        ("editor", "acme", "editor", True),
        ("editor", "acme", "owner", False),
        ("editor", "acme", "", True),
        ("owner", "other", "viewer", False),
        ("owner", "", "", False),
        ("root", "", "", True),
        ("root", "other", "owner", True),
        ("root", "", "viewer", False),
    ],
)
def test_the_page_invites_as_far_as_one_may(who: str, key: str, role: str, works: bool) -> None:
    fields = {"email": GUEST, "role": role, "project": str(project(key).pk) if key else ""}
    assert (send(browser(who), page(ADD), fields).status_code == 302) is works
    assert Invitation.objects.exists() is works


@pytest.mark.parametrize("who", ["viewer", "nobody"])
def test_others_have_no_such_page(who: str) -> None:
    assert browser(who).get(page(ADD)).status_code == 403
    assert browser(who).get(page(LIST)).status_code == 403


def test_who_runs_it_may_keep_the_page_for_administrators(settings: Any) -> None:
    settings.IDP_INVITATIONS = "administrators"
    assert browser("owner").get(page(ADD)).status_code == 403
    assert browser("root").get(page(ADD)).status_code == 200


def test_each_sees_the_invitations_of_their_projects() -> None:
    invited()
    invited("root", None, email="staff@new.example")
    both: set[str] = {GUEST, "staff@new.example"}
    for who, seen in (("owner", {GUEST}), ("editor", {GUEST}), ("outsider", set[str]()), ("root", both)):
        shown = browser(who).get(page(LIST)).content.decode()
        assert {one for one in both if one in shown} == seen, who


def test_taken_back_and_sent_anew() -> None:
    row = invited()
    act("editor", "send_anew", row)
    assert Invitation.objects.get().digest != row.digest
    act("outsider", "take_back", row)
    assert Invitation.objects.exists()
    act("editor", "take_back", row)
    assert not Invitation.objects.exists()


def test_an_editor_sends_no_owners_anew() -> None:
    row = invited(role="owner")
    act("editor", "send_anew", row)
    assert Invitation.objects.get().digest == row.digest


def test_the_page_of_one_says_how_it_stands() -> None:
    row = invited()
    shown = browser("owner").get(page("projects_invitation_change", row.pk)).content.decode()
    assert "waits for an answer" in shown
    assert row.digest not in shown
    Member.objects.filter(user__username="owner").update(role="viewer")
    shown = browser("root").get(page("projects_invitation_change", row.pk)).content.decode()
    assert "who invited may not any more" in shown


def test_the_list_of_people_leads_to_it() -> None:
    assert page(ADD) in browser("root").get(page("accounts_user_changelist")).content.decode()


def test_a_superuser_brings_roles_and_groups_and_an_owner_roles() -> None:
    operator = Actor.operator("a test")
    roles.register(RoleMetadata(name="reviewer"), project(), operator)
    groups.make("reviewers", operator)
    said = {"project": project().pk, "email": GUEST, "app_roles": "reviewer\n\n", "in_groups": "reviewers"}
    assert "in_groups" not in browser("owner").get(page(ADD)).content.decode()
    assert send(browser("root"), page(ADD), said).status_code == 302
    row = Invitation.objects.get()
    assert (row.roles.get().name, row.groups.get().name) == ("reviewer", "reviewers")
    assert "reviewer, reviewers" in browser("root").get(page("projects_invitation_change", row.pk)).content.decode()
    http = browser("owner")
    assert list(problems(send(http, page(ADD), {**said, "in_groups": "", "app_roles": "judge"}))) == ["app_roles"]
    assert list(problems(http.post(page(ADD), said))) == ["in_groups"]


def test_groups_wait_for_a_fresh_proof_and_nothing_typed_is_lost() -> None:
    groups.make("admins", Actor.operator("a test"))
    row, other = invited("root", groups=("admins",)), invited("root", email="other@new.example")
    fields = {"email": "new@new.example", "project": str(project().pk), "in_groups": "admins"}
    http = browser("root")
    with time_machine.travel(timezone.now() + timedelta(seconds=301)):
        sent = send(http, page(ADD), fields)
        assert sent["Location"].startswith("/accounts/switch/?next=")
        assert Invitation.objects.count() == 2
        data = {"action": "send_anew", "_selected_action": [str(one.pk) for one in (row, other)]}
        assert http.post(page(LIST), data)["Location"].startswith("/accounts/switch/?next=")
        assert Invitation.objects.get(pk=other.pk).digest == other.digest, "all of them wait, or none"
        assert send(http, page(ADD), {**fields, "in_groups": ""}).status_code == 302
    assert Invitation.objects.count() == 3
