"""Invitations by the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail

from accounts import groups
from accounts.models import User
from clients import registration
from clients.models import Client, KeptAnswer
from clients.policy import metadata_of
from projects import accepting
from projects.events import SecurityEvent
from projects.invitation import Invitation
from projects.inviting import still_holds
from tests.idp.api.caller import OPERATOR, machine, path, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
GUEST = {"email": "guest@new.example", "role": "viewer"}


def at(*number: str) -> str:
    return path("projects", "acme", "invitations", *number)


def test_an_editor_invites_lists_and_takes_back(django_capture_on_commit_callbacks: Any) -> None:
    member = person("member")
    with django_capture_on_commit_callbacks(execute=True):
        made = member.ask("POST", at(), GUEST)
    assert made.status_code == 201
    assert made["Location"].endswith(at(made.json()["id"]))
    assert (made.json()["email"], made.json()["role"], made.json()["project"]) == (*GUEST.values(), "acme")
    assert [one.to for one in mail.outbox] == [["guest@new.example"]]
    assert member.get(at()).json()["items"] == [made.json()]
    assert member.get(at(made.json()["id"])).json() == made.json()
    assert member.ask("DELETE", at(made.json()["id"])).status_code == 204
    assert member.get(at(made.json()["id"])).status_code == 404
    kinds = SecurityEvent.objects.filter(kind__startswith="invitation.").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["invitation.made", "invitation.taken_back"]


def test_the_answer_is_the_same_for_an_address_that_has_an_account() -> None:
    owner = person("owner")
    known, unknown = (
        owner.ask("POST", at(), {"email": email}) for email in ("outsider@people.example", "x@new.example")
    )
    moments = ("id", "email", "created_at", "sent_at", "expires_at")
    said = [{name: value for name, value in one.json().items() if name not in moments} for one in (known, unknown)]
    assert said[0] == said[1]
    assert known.status_code == unknown.status_code == 201


def test_a_machine_invites_to_what_it_was_given_and_one_of_all_to_anything() -> None:
    assert machine().ask("POST", at(), GUEST).status_code == 201
    everything = machine("all", administers=("*",))
    made = everything.ask("POST", path("invitations"), {"email": "staff@new.example"})
    assert (made.status_code, made.json()["project"], made.json()["inviter"]) == (201, None, None)
    assert len(everything.get(path("invitations")).json()["items"]) == 2
    assert everything.ask("POST", path("invitations"), {**GUEST, "project": "acme"}).status_code == 201
    assert Invitation.objects.count() == 2, "the same address in the same project is invited anew"


def test_members_do_not_where_it_is_for_administrators(settings: Any) -> None:
    settings.IDP_INVITATIONS = "administrators"
    assert person("owner").ask("POST", at(), GUEST).status_code == 403


def test_a_request_that_comes_again_sends_no_second_mail(django_capture_on_commit_callbacks: Any) -> None:
    owner = person("owner")
    with django_capture_on_commit_callbacks(execute=True):
        first, again = (owner.ask("POST", at(), GUEST, Idempotency_Key="k") for _ in range(2))
    assert first.content == again.content
    assert len(mail.outbox) == 1


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/email"),
        ({"email": "x"}, "/email"),
        ({"email": 1}, "/email"),
        ({"email": "a@b.example\nBcc: c@d.example"}, "/email"),
        ({**GUEST, "role": "king"}, "/role"),
        ({**GUEST, "role": "owner"}, "/role"),
        ({**GUEST, "else": 1}, "/else"),
    ],
)
def test_a_wrong_wish_invites_nobody(body: dict[str, object], pointer: str) -> None:
    refused = person("member").ask("POST", at(), body)
    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, [pointer])
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("body", [{**GUEST, "project": "nothing"}, {**GUEST, "project": ""}])
def test_a_superuser_hears_which_project_there_is_not(body: dict[str, object]) -> None:
    assert person("root").ask("POST", path("invitations"), body).status_code == 422


@pytest.mark.parametrize("number", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_what_is_not_there_is_not_found(number: str) -> None:
    assert person("root").get(at(number)).status_code == 404
    assert person("root").ask("DELETE", path("invitations", number)).status_code == 404


@pytest.mark.parametrize(
    "end",
    [
        {"enabled": False},
        {"scope": "admin.read"},
        {"administers": ()},
        {"client_id": ""},
    ],
)
def test_an_invitation_ends_with_the_right_of_the_machine_that_made_it(end: dict[str, Any]) -> None:
    machine().ask("POST", at(), GUEST)
    assert still_holds(Invitation.objects.get())
    client = Client.objects.get(client_id="deployer")
    if "client_id" in end:
        client.delete()
    else:
        registration.change(client, metadata_of(client).changed(end), OPERATOR)
    assert not still_holds(Invitation.objects.get())


def test_a_machine_of_every_project_invites_to_the_provider_for_as_long_as_it_is_one() -> None:
    machine("all", administers=("*",)).ask("POST", path("invitations"), {"email": "staff@new.example"})
    assert still_holds(Invitation.objects.get())
    client = Client.objects.get(client_id="all")
    registration.change(client, metadata_of(client).changed({"administers": ("acme",)}), OPERATOR)
    assert not still_holds(Invitation.objects.get())


@pytest.mark.parametrize("address", [at(), path("invitations")])
def test_of_an_invitation_that_is_taken_back_no_answer_is_kept(address: str) -> None:
    everything = machine("all", administers=("*",))
    said = GUEST if address == at() else {**GUEST, "project": "acme"}
    made = everything.ask("POST", address, said, Idempotency_Key="k").json()
    assert KeptAnswer.objects.exists()
    assert everything.delete(path("invitations", made["id"])).status_code == 204
    assert not KeptAnswer.objects.exists()


@pytest.mark.parametrize("address", [path("invitations"), at()])
def test_whoever_accepts_is_in_no_answer_that_is_kept(address: str, rf: Any) -> None:
    said = {"email": "outsider@people.example", **({} if address == at() else {"project": "acme"})}
    machine("all", administers=("*",)).ask("POST", address, said, Idempotency_Key="k")
    assert KeptAnswer.objects.exists()
    invited = Invitation.objects.get()
    accepting.accept(rf.get("/"), invited.digest, User.objects.get(username="outsider"))
    assert not KeptAnswer.objects.exists()


def test_an_invitation_that_goes_with_its_inviter_leaves_no_answer() -> None:
    person("owner").ask("POST", at(), GUEST, Idempotency_Key="k")
    User.objects.get(username="owner").delete()
    assert (Invitation.objects.count(), KeptAnswer.objects.count()) == (0, 0)


def test_a_superuser_brings_somebody_into_groups_only_after_a_fresh_sign_in(settings: Any) -> None:
    groups.make("admins", OPERATOR)
    root = person("root")
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    refused = root.ask("POST", at(), {**GUEST, "groups": ["admins"]})
    assert (refused.status_code, Invitation.objects.count()) == (401, 0)
    assert 'error="insufficient_user_authentication"' in refused["WWW-Authenticate"]
    assert root.ask("POST", at(), GUEST).status_code == 201
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    assert root.ask("POST", at(), {**GUEST, "groups": ["admins"]}).status_code == 201
