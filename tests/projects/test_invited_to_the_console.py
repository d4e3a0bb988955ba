"""Invitations that let whoever accepts into the console: a superuser's to give, who has just proved who they are."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client as Http

from accounts.models import User
from projects import inviting
from projects.actors import Actor, ProofTooOld
from projects.events import SecurityEvent
from projects.inviting import Wanted, invite
from projects.models import Project
from tests.projects.test_invitation_pages import GUEST
from tests.projects.test_invited_to import accepted, by, fields

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
WANTED = Wanted(email=GUEST, role="viewer", console=True)


@pytest.fixture
def acme() -> Project:
    return Project.objects.get(key="acme")


@pytest.fixture
def root(acme: Project) -> Actor:
    return Actor.person(User.objects.create_superuser("root", "root@people.example", "root-pw"))


def test_whoever_accepts_may_enter_and_an_event_says_so(
    acme: Project, root: Actor, client: Http, django_capture_on_commit_callbacks: Any
) -> None:
    guest = accepted(client, WANTED, acme, root, django_capture_on_commit_callbacks)
    assert guest.is_staff
    assert not guest.is_superuser
    told = SecurityEvent.objects.get(kind="person.let_in").detail
    assert (told["person"], told["project"]) == (guest.sub, "acme")
    assert "invitation" in told


def test_no_member_gives_it_and_nobody_without_a_role_gets_it(acme: Project, root: Actor) -> None:
    assert fields(WANTED, acme, by("owner")) == ["console"]
    assert fields(Wanted(email=GUEST, console=True), acme, root) == ["console"]


def test_it_waits_for_a_fresh_proof(acme: Project, root: Actor) -> None:
    with pytest.raises(ProofTooOld):
        invite(WANTED, acme, root.before_proof())
    row = invite(WANTED, acme, root)
    with pytest.raises(ProofTooOld):
        inviting.send_anew(row, root.before_proof())


def test_it_is_as_good_as_whoever_gave_it(acme: Project, root: Actor) -> None:
    row = invite(WANTED, acme, root)
    assert inviting.still_holds(row)
    User.objects.filter(username="root").update(is_superuser=False)
    acme.members.create(user=User.objects.get(username="root"), role="owner")
    row.refresh_from_db()
    assert not inviting.still_holds(row), "an owner may invite, and not to the console"
    invite(Wanted(email=GUEST, role="viewer"), acme, by("owner"))
    row.refresh_from_db()
    assert not row.console, "invited anew by somebody who may not give it"
    assert inviting.still_holds(row)


def test_an_operator_says_it_on_the_command_line(acme: Project) -> None:
    out = io.StringIO()
    call_command("invite", GUEST, "--project", "acme", "--role", "viewer", "--console", "--format", "json", stdout=out)
    assert json.loads(out.getvalue())["console"] is True
