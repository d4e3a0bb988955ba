"""Who may invite whom to what, how often, and that nobody who invites learns who has an account."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction

from accounts import letters
from accounts.models import SignIn, User
from common import clock
from common.counters import Limit
from projects import inviting
from projects.access import Roles
from projects.actors import Actor
from projects.events import SecurityEvent
from projects.invitation import Invitation
from projects.inviting import Wanted, invite, send_anew, still_holds, take_back
from projects.models import Member, Project
from projects.problems import RegistrationError

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
GUEST = "guest@people.example"
LINK = re.compile(r"http://localhost:8000/accounts/invitation/([A-Za-z0-9_-]{43})/")


@pytest.fixture
def acme() -> Project:
    return Project.objects.get(key="acme")


@pytest.fixture
def sent(django_capture_on_commit_callbacks: Any) -> Callable[..., Any]:
    def send(wanted: Wanted, project: Project | None, by: Actor) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return invite(wanted, project, by)

    return send


def by(name: str) -> Actor:
    return Actor.person(User.objects.get(username=name))


def root() -> Actor:
    return Actor.person(User.objects.create_superuser("root", "root@people.example", "root-pw"))


def refused(wanted: Wanted, project: Project | None, who: Actor) -> list[str]:
    with pytest.raises(RegistrationError) as error:
        invite(wanted, project, who)
    assert not Invitation.objects.exists()
    return [one.field for one in error.value.problems]


ROLES = ("", "viewer", "editor", "owner")


@pytest.mark.parametrize(("who", "roles"), [("owner", ROLES), ("member", ROLES[:3]), ("outsider", ())])
def test_members_give_no_role_beyond_their_own(acme: Project, who: str, roles: tuple[str, ...]) -> None:
    for role in ROLES:
        if role in roles:
            invite(Wanted(email=f"{role}1@people.example", role=role), acme, by(who))
        else:
            with pytest.raises(RegistrationError):
                invite(Wanted(email=f"{role}1@people.example", role=role), acme, by(who))


def test_viewers_invite_nobody(acme: Project) -> None:
    Member.objects.filter(user__username="member").update(role="viewer")
    assert refused(Wanted(email=GUEST), acme, by("member")) == ["project"]


def test_to_the_provider_alone_superusers_invite_and_operators(acme: Project) -> None:
    assert refused(Wanted(email=GUEST), None, by("owner")) == ["project"]
    assert refused(Wanted(email=GUEST, role="viewer"), None, root()) == ["role"]
    assert invite(Wanted(email=GUEST), None, Actor.operator("invite")).inviter is None


def test_who_runs_it_may_keep_inviting_for_administrators(acme: Project, settings: Any) -> None:
    settings.IDP_INVITATIONS = "administrators"
    assert refused(Wanted(email=GUEST), acme, by("owner")) == ["project"]
    assert invite(Wanted(email=GUEST), acme, root()).project == acme


@pytest.mark.any_database
@pytest.mark.parametrize("email", ["", "x", "a@b", "ä@people.example", "a@people.example\nBcc: b@c.example", "a" * 300])
def test_what_is_no_address_gets_no_mail(acme: Project, email: str) -> None:
    assert set(refused(Wanted(email=email), acme, by("owner"))) == {"email"}


def test_the_mail_says_who_invites_to_what_and_until_when(acme: Project, sent: Any) -> None:
    row = sent(Wanted(email="Guest@People.example", role="editor"), acme, by("owner"))
    (message,) = mail.outbox
    assert (message.to, message.subject) == ([GUEST], "Olive Owner invites you to Acme")
    assert "Editor: apps, APIs and the consent screen" in str(message.body)
    assert f"The link works until {letters.moment(row.expires_at)}." in str(message.body)
    assert row.expires_at - row.sent_at == timedelta(days=7)
    [token] = LINK.findall(str(message.body))
    assert inviting.digest_of(token) == row.digest
    assert token not in str(list(Invitation.objects.values()))


def test_whether_there_is_an_account_is_in_no_answer_and_in_no_mail(acme: Project, sent: Any) -> None:
    for email in ("outsider@people.example", GUEST):
        sent(Wanted(email=email), acme, by("owner"))
    known, unknown = (LINK.sub("", str(one.body)).replace(one.to[0], "") for one in mail.outbox)
    assert known == unknown


def test_both_take_the_same_statements(acme: Project, django_assert_num_queries: Any, sent: Any) -> None:
    counts = []
    for email in ("outsider@people.example", GUEST):
        with django_assert_num_queries(9999, exact=False) as found:
            sent(Wanted(email=email), acme, by("owner"))
        counts.append([re.sub(r"'[^']*'|\d+", "", one["sql"]) for one in found.captured_queries])
    assert len(counts[0]) == len(counts[1])


def test_the_mail_speaks_the_language_of_who_reads_it(acme: Project, sent: Any) -> None:
    SignIn.objects.create(user=User.objects.get(username="outsider"), language="de")
    sent(Wanted(email="outsider@people.example"), acme, by("owner"))
    message = mail.outbox[0]
    assert isinstance(message, EmailMultiAlternatives)
    assert 'lang="de"' in str(message.alternatives[0])


def test_sent_anew_the_link_of_before_is_dead(acme: Project) -> None:
    first = invite(Wanted(email=GUEST), acme, by("owner"))
    again = send_anew(first, by("member"))
    assert (again.pk, again.inviter) == (first.pk, User.objects.get(username="member"))
    assert again.digest != first.digest
    assert [one.digest for one in Invitation.objects.all()] == [again.digest]
    kinds = SecurityEvent.objects.filter(kind__startswith="invitation.").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["invitation.made", "invitation.sent_again"]


def test_an_event_has_its_actor_and_no_address(acme: Project) -> None:
    row = invite(Wanted(email=GUEST, role="viewer"), acme, by("owner"))
    take_back(row, by("member"))
    assert not Invitation.objects.exists()
    made, taken = SecurityEvent.objects.filter(kind__startswith="invitation.").order_by("pk")
    assert (made.sub, made.detail["project"], made.detail["role"]) == (by("owner").sub, "acme", "viewer")
    assert (taken.kind, taken.sub) == ("invitation.taken_back", by("member").sub)
    assert GUEST not in f"{made.detail}{taken.detail}"


def test_others_take_nothing_back(acme: Project) -> None:
    row = invite(Wanted(email=GUEST), acme, by("owner"))
    with pytest.raises(RegistrationError):
        take_back(row, by("outsider"))
    assert Invitation.objects.exists()


def test_an_invitation_ends_with_the_right_of_who_made_it(acme: Project) -> None:
    row = invite(Wanted(email=GUEST, role="owner"), acme, by("owner"))
    assert still_holds(row)
    Member.objects.filter(user__username="owner").update(role="editor")
    assert not still_holds(row), "an editor gives no such role"
    Member.objects.filter(user__username="owner").update(role="owner")
    User.objects.filter(username="owner").update(is_active=False)
    assert not still_holds(Invitation.objects.get()), "somebody who is deactivated lets nobody in"
    User.objects.get(username="owner").delete()
    assert not Invitation.objects.exists()


def test_it_ends_by_itself(acme: Project) -> None:
    row = invite(Wanted(email=GUEST), acme, by("owner"))
    row.expires_at = clock.now()
    assert not still_holds(row)


def test_one_address_gets_so_many_mails_a_day_from_all(acme: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "OF_ADDRESS", Limit("invited-address", 2, 60))
    row = invite(Wanted(email=GUEST), acme, by("owner"))
    take_back(row, by("owner"))
    invite(Wanted(email=GUEST.upper()), acme, by("member"))
    for who in (by("owner"), Actor.operator("invite")):
        with pytest.raises(RegistrationError, match="as many invitations today"):
            invite(Wanted(email=GUEST), acme, who)


def test_a_member_sends_so_many_an_hour(acme: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "OF_INVITER", Limit("inviter", 1, 60))
    invite(Wanted(email=GUEST), acme, by("owner"))
    with pytest.raises(RegistrationError, match="this hour"):
        invite(Wanted(email="b@people.example"), acme, by("owner"))
    invite(Wanted(email="b@people.example"), acme, root())


def test_so_many_may_be_waited_for(acme: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "MOST_PENDING", 1)
    invite(Wanted(email=GUEST), acme, by("owner"))
    with pytest.raises(RegistrationError, match="have not answered"):
        invite(Wanted(email="b@people.example"), acme, by("owner"))
    invite(Wanted(email=GUEST), acme, by("owner"))


def test_a_program_invites_to_what_it_was_given(acme: Project) -> None:
    machine = Actor.machine("service", Roles(is_superuser=False, by_project={acme.pk: "owner"}))
    assert invite(Wanted(email=GUEST, role="owner"), acme, machine).inviter is None
    event = SecurityEvent.objects.get(kind="invitation.made")
    assert (event.sub, event.detail["by"]) == ("", "service")
    with pytest.raises(RegistrationError):
        invite(Wanted(email=GUEST), Project.objects.get(key="other"), machine)


@pytest.mark.parametrize("twice", ["acme", None])
def test_the_database_keeps_one_of_each(acme: Project, twice: str | None) -> None:
    project = acme if twice else None
    ends = clock.now()
    Invitation.objects.create(email=GUEST, project=project, digest="a", expires_at=ends)
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.create(email=GUEST, project=project, digest="b", expires_at=ends)
