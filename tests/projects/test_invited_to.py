"""Invitations that bring roles in the apps of the project, and groups."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client as Http

from accounts import groups
from accounts.models import AccountEvent, User
from projects import inviting, roles
from projects.actors import Actor, ProofTooOld
from projects.events import SecurityEvent
from projects.invitation import Invitation
from projects.inviting import Wanted, invite
from projects.metadata import RoleMetadata
from projects.models import Member, Project
from projects.problems import RegistrationError
from tests.projects.test_invitation_pages import GUEST, PAGE, PASSWORD, opened

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
OPERATOR = Actor.operator("a test")


@pytest.fixture
def acme() -> Project:
    """With two roles; there are two groups."""
    project = Project.objects.get(key="acme")
    for name in ("reviewer", "translator"):
        roles.register(RoleMetadata(name=name), project, OPERATOR)
        groups.make(f"{name}s", OPERATOR)
    return project


def by(name: str) -> Actor:
    return Actor.person(User.objects.get(username=name))


def fields(wanted: Wanted, project: Project | None, who: Actor) -> list[str]:
    with pytest.raises(RegistrationError) as error:
        invite(wanted, project, who)
    assert not Invitation.objects.exists()
    return [one.field for one in error.value.problems]


def accepted(client: Http, wanted: Wanted, project: Project | None, who: Actor, commits: Any) -> User:
    with commits(execute=True):
        invite(wanted, project, who)
    [sent] = mail.outbox
    page = opened(client, next(word for word in sent.body.split() if "/invitation/" in word))
    for name in (*wanted.roles, *wanted.groups):
        assert name in sent.body
        assert name in page, "seen before it is accepted"
    client.post(PAGE, {"password1": PASSWORD})
    return User.objects.get(email=GUEST)


def test_whoever_accepts_has_the_roles_and_is_in_the_groups(
    client: Http, acme: Project, django_capture_on_commit_callbacks: Any
) -> None:
    root = Actor.person(User.objects.create_superuser("root", "root@people.example", "root-pw"))
    wanted = Wanted(email=GUEST, roles=("reviewer", "translator"), groups=("reviewers",))
    user = accepted(client, wanted, acme, root, django_capture_on_commit_callbacks)
    assert roles.roles_of(acme.pk, user.pk) == ("reviewer", "translator")
    assert groups.group_names(user.pk) == ("reviewers",)
    assert not Member.objects.filter(user=user).exists(), "what they manage is another matter"
    given = SecurityEvent.objects.filter(kind="role.granted", detail__member=user.sub)
    assert {(one.sub, one.detail["role"]) for one in given} == {(user.sub, "reviewer"), (user.sub, "translator")}
    assert AccountEvent.objects.filter(kind="groups.changed", sub=user.sub).exists()
    made = SecurityEvent.objects.get(kind="invitation.made")
    assert (made.detail["roles"], made.detail["groups"]) == (["reviewer", "translator"], ["reviewers"])


def test_an_editor_brings_roles_of_their_project_and_no_groups(acme: Project) -> None:
    invite(Wanted(email=GUEST, roles=("reviewer",)), acme, by("member")).delete()
    assert fields(Wanted(email=GUEST, groups=("reviewers",)), acme, by("owner")) == ["groups"]
    assert fields(Wanted(email=GUEST, groups=("no such",)), acme, by("owner")) == ["groups"], "and learns of none"
    assert fields(Wanted(email=GUEST, roles=("reviewer",)), acme, by("outsider")) == ["project"]


def test_what_there_is_not_is_said_at_its_place(acme: Project) -> None:
    wanted = Wanted(email=GUEST, roles=("reviewer", "judge"), groups=("nobody", "\0", "reviewers"))
    assert fields(wanted, acme, OPERATOR) == ["roles[1]", "groups[0]", "groups[1]"]
    assert fields(Wanted(email=GUEST, roles=("reviewer",)), None, OPERATOR) == ["roles"]
    assert fields(Wanted(email=GUEST, roles=("reviewer",)), Project.objects.get(key="other"), OPERATOR) == ["roles[0]"]
    assert "roles[50]" in fields(Wanted(email=GUEST, roles=("reviewer",) * 60), acme, OPERATOR)


def test_what_is_deleted_meanwhile_it_does_not_bring(
    client: Http, acme: Project, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        invite(Wanted(email=GUEST, roles=("reviewer", "translator"), groups=("reviewers",)), acme, OPERATOR)
    acme.roles.get(name="reviewer").delete()
    groups.delete(groups.named("reviewers"), OPERATOR)  # type: ignore[arg-type]
    opened(client, next(word for word in mail.outbox[0].body.split() if "/invitation/" in word))
    client.post(PAGE, {"password1": PASSWORD})
    user = User.objects.get(email=GUEST)
    assert roles.roles_of(acme.pk, user.pk) == ("translator",)
    assert groups.group_names(user.pk) == ()


def test_it_ends_with_the_right_to_put_people_into_groups(acme: Project) -> None:
    root = User.objects.create_superuser("root", "root@people.example", "root-pw")
    Member.objects.create(project=acme, user=root, role="owner")
    rows = [
        invite(Wanted(email=f"a{name}", groups=names), acme, Actor.person(root))
        for name, names in ((GUEST, ("reviewers",)), (f"b{GUEST}", ()))
    ]
    User.objects.filter(pk=root.pk).update(is_superuser=False)
    assert [inviting.still_holds(Invitation.objects.get(pk=one.pk)) for one in rows] == [False, True]


def test_sent_anew_it_brings_the_same(acme: Project) -> None:
    row = invite(Wanted(email=GUEST, roles=("reviewer",), groups=("reviewers",)), acme, OPERATOR)
    again = inviting.send_anew(row, OPERATOR)
    assert (again.pk, again.roles.get().name, again.groups.get().name) == (row.pk, "reviewer", "reviewers")
    invite(Wanted(email=GUEST), acme, OPERATOR)
    assert (row.roles.count(), row.groups.count()) == (0, 0)


def test_the_command_brings_them_too(acme: Project) -> None:
    out = io.StringIO()
    said = ("--app-role", "reviewer", "--app-role", "translator", "--group", "reviewers")
    call_command("invite", GUEST, "--project", "acme", *said, "--format", "json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["roles"], told["groups"]) == (["reviewer", "translator"], ["reviewers"])


@pytest.mark.parametrize("brings", [("reviewers",), ("no such",)])
def test_groups_are_brought_by_who_has_just_proved_who_they_are(acme: Project, brings: tuple[str, ...]) -> None:
    root = Actor.person(User.objects.create_superuser("root", "root@people.example", "root-pw"))
    with pytest.raises(ProofTooOld):
        invite(Wanted(email=GUEST, groups=brings), acme, root.before_proof())
    assert not Invitation.objects.exists()
    assert invite(Wanted(email=GUEST, roles=("reviewer",)), acme, root.before_proof()).pk, "everything else goes on"
    row = invite(Wanted(email=GUEST, groups=("reviewers",)), acme, root)
    with pytest.raises(ProofTooOld):
        inviting.send_anew(row, root.before_proof())
    assert inviting.still_holds(row), "an invitation waits longer than a proof is fresh"
