"""Accounts that programs make, change in all that the console changes, and delete."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.contenttypes.models import ContentType
from django.core import mail

from accounts.changes import LAST_SUPERUSER
from accounts.models import AccountEvent, SignIn, User
from clients.models import Client, KeptAnswer
from common import clock
from idp.configuration import apply
from projects.events import SecurityEvent
from projects.json_shape import as_json
from tests.idp.api.caller import OWN, Api, path, person
from tests.idp.api.test_people import items, sub_of
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
USERS = path("users")
NEW = {"username": "newcomer", "email": "New@People.example", "given_name": "Nora"}


def hash_of(password: str) -> str:
    """As another system kept it."""
    return PBKDF2PasswordHasher().encode(password, "salt", 1_000)


def events(kind: str) -> list[dict[str, Any]]:
    return list(SecurityEvent.objects.filter(kind=kind).order_by("pk").values_list("detail", flat=True))


def test_an_account_is_made_with_a_password_that_was_brought_along(everything: Api) -> None:
    brought = hash_of("a good password 7")
    made = everything.post(USERS, {**NEW, "password_hash": brought, "sub": "4711", "is_staff": True})
    assert (made.status_code, made["Location"]) == (201, f"{OWN}/users/4711")
    said = made.json()
    assert (said["sub"], said["email"], said["email_verified"], said["has_password"]) == (
        *("4711", "new@people.example"),
        *(False, True),
    )
    assert brought not in made.content.decode()
    assert EmailAddress.objects.get(user__sub="4711").primary
    assert PBKDF2PasswordHasher().verify("a good password 7", User.objects.get(sub="4711").password)
    assert events("person.created")[0]["person"] == "4711"
    assert "newcomer" not in str(events("person.created"))


def test_without_a_hash_no_password_opens_it(everything: Api) -> None:
    made = everything.post(USERS, NEW).json()
    assert (made["has_password"], made["is_active"], made["is_staff"]) == (False, True, False)
    assert not User.objects.get(sub=made["sub"]).has_usable_password()


def test_the_same_request_makes_one_account_and_keeps_no_hash(everything: Api) -> None:
    wanted = {**NEW, "password_hash": hash_of("x")}
    made = [everything.post(USERS, wanted, Idempotency_Key="one") for _time in range(2)]
    assert [one.status_code for one in made] == [201, 201]
    assert made[0].content == made[1].content
    assert User.objects.filter(username="newcomer").count() == 1
    assert wanted["password_hash"] not in str(KeptAnswer.objects.values())


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"username": ""}, "/username"),
        ({"username": "OWNER"}, "/username"),
        ({"email": "OWNER@people.example"}, "/email"),
        ({"email": "second@people.example"}, "/email"),
        ({"sub": "web"}, "/sub"),
        ({"sub": ""}, "/sub"),
        ({"sub": " x"}, "/sub"),
        ({"password_hash": "plain text"}, "/password_hash"),
        ({"password_hash": "pbkdf2_sha256$99999999999$salt$hash"}, "/password_hash"),
        ({"email_verified": True}, "/email_verified"),
    ],
)
def test_what_no_account_can_have_is_said_where_it_stands(everything: Api, said: dict[str, Any], pointer: str) -> None:
    EmailAddress.objects.create(user=User.objects.get(username="owner"), email="second@people.example", verified=True)
    refused = everything.post(USERS, {**NEW, **said})
    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, [pointer])
    assert not User.objects.filter(username="newcomer").exists()


def test_nobody_is_made_without_a_name(everything: Api) -> None:
    refused = everything.post(USERS, {"email": "x@people.example"})
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/username"]


def test_another_address_is_not_verified_and_its_person_hears_of_it(everything: Api) -> None:
    address = path("users", sub_of("owner"))
    changed = everything.patch(address, {"email": "other@people.example", "username": "Owner"}).json()
    assert (changed["email"], changed["email_verified"], changed["username"]) == (
        *("other@people.example", False),
        "Owner",
    )
    rows = EmailAddress.objects.filter(user__sub=sub_of("Owner")).values_list("email", "primary", "verified")
    assert list(rows) == [("other@people.example", True, False)]
    assert AccountEvent.objects.filter(kind="email.changed", sub=sub_of("Owner")).exists()
    assert events("person.changed")[0]["changed"] == ["email", "username"]


def test_a_password_that_is_replaced_signs_out_and_null_leaves_none(everything: Api) -> None:
    Browser("member").tokens("web")
    address, brought = path("users", sub_of("member")), hash_of("another one 7")
    assert everything.patch(address, {"password_hash": brought}).json()["has_password"] is True
    assert not SignIn.objects.filter(user__username="member", ended_at=None).exists()
    assert User.objects.get(username="member").password == brought
    assert AccountEvent.objects.filter(kind="password.replaced").count() == 1
    assert everything.patch(address, {"password_hash": brought}).status_code == 200
    assert AccountEvent.objects.filter(kind="password.replaced").count() == 1, "it is the same one"
    assert everything.patch(address, {"password_hash": None}).json()["has_password"] is False
    assert AccountEvent.objects.filter(kind="password.replaced").count() == 2
    assert brought not in str(SecurityEvent.objects.values()) + str(AccountEvent.objects.values())


def test_rights_are_given_and_taken_and_nobody_takes_their_own() -> None:
    root = person("root")
    address = path("users", sub_of("owner"))
    assert root.patch(address, {"is_superuser": True}).json()["is_superuser"] is True
    assert root.patch(address, {"is_superuser": None, "is_staff": None}).json()["is_staff"] is False
    own = root.patch(path("users", sub_of("root")), {"is_superuser": False, "is_staff": False, "is_active": False})
    assert {one["pointer"] for one in own.json()["errors"]} == {"/is_superuser", "/is_staff", "/is_active"}


def test_tokens_of_a_person_are_ended_by_a_moment_that_only_moves_forward(everything: Api) -> None:
    tokens = Browser("member").tokens("web", scope="openid offline_access")
    address, now = path("users", sub_of("member")), as_json(clock.now())
    assert everything.patch(address, {"tokens_not_before": now}).json()["tokens_not_before"] == now
    assert App("web").refresh(tokens["refresh_token"]).status_code == 400
    refused = everything.patch(address, {"tokens_not_before": None})
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/tokens_not_before"]


def test_a_deletion_says_what_goes_and_takes_all_of_it(everything: Api) -> None:
    tokens = Browser("member").tokens("web", scope="openid offline_access")
    sub = sub_of("member")
    address = path("users", sub)
    said = everything.delete(f"{address}?dry_run=true").json()
    assert (said["obstacles"], said["deletes"]["sign-ins"]) == ([], 1)
    assert User.objects.filter(sub=sub).exists()
    assert everything.delete(address).json()["obstacles"] == []
    assert not User.objects.filter(sub=sub).exists()
    assert App("web").refresh(tokens["refresh_token"]).status_code == 400
    assert everything.get(address).status_code == 404
    assert events("person.deleted")[0]["person"] == sub
    assert AccountEvent.objects.filter(sub=sub, kind="account.deleted").count() == 1


def test_who_wrote_the_history_of_the_console_stays_and_so_does_whoever_asks() -> None:
    root, owner = person("root"), User.objects.get(username="owner")
    LogEntry.objects.create(
        user=owner, content_type=ContentType.objects.get_for_model(Client), object_id="1", action_flag=CHANGE
    )
    for username, words in (("owner", "change log"), ("root", "own account")):
        refused = root.delete(path("users", sub_of(username)))
        assert (refused.status_code, words in refused.content.decode()) == (409, True)


def test_somebody_is_left_who_decides_everything(everything: Api) -> None:
    """In the console nobody takes that from themselves, and so the last one stays; a machine is nobody there."""
    address = path("users", sub_of("root"))
    for change in ({"is_superuser": False}, {"is_active": False}):
        refused = everything.patch(address, change)
        assert [one["pointer"] for one in refused.json()["errors"]] == [f"/{next(iter(change))}"]
    assert everything.delete(f"{address}?dry_run=true").json()["obstacles"] == [LAST_SUPERUSER]
    assert everything.delete(address).status_code == 409
    User.objects.filter(username="owner").update(is_superuser=True)
    assert everything.patch(address, {"is_superuser": False}).status_code == 200
    assert everything.delete(address).status_code == 200


def test_second_steps_are_removed_for_who_lost_them(everything: Api) -> None:
    member = User.objects.get(username="member")
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={})
    address = path("users", member.sub, "second-steps")
    assert [everything.delete(address).status_code for _time in range(2)] == [204, 404]
    assert events("person.changed")[0]["changed"] == ["second_steps"]


def test_what_happened_to_an_account_is_read_by_its_sub(everything: Api) -> None:
    everything.patch(path("users", sub_of("owner")), {"given_name": "Olivia"})
    everything.patch(path("users", sub_of("member")), {"given_name": "Max"})
    [one] = items(everything.get(path("account-events") + f"?sub={sub_of('owner')}&kind=profile."))
    assert (one["kind"], one["sub"]) == ("profile.changed", sub_of("owner"))
    assert items(everything.get(path("account-events") + "?since=2999-01-01T00:00:00Z")) == []
    assert items(everything.get(path("account-events") + "?kind=profile.changed%00".replace("%00", ".x"))) == []


def test_whose_password_a_program_or_a_file_sets_is_told_of_it(
    everything: Api, django_capture_on_commit_callbacks: Any
) -> None:
    """And nobody else is: a hash that is the same as before sets nothing."""
    hashed = hash_of("another long phrase")
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            assert everything.patch(path("users", sub_of("owner")), {"password_hash": hashed}).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        apply("version: 1\nusers: [{username: member, password: another long phrase}]\n")
    told = [(one.to, one.subject) for one in mail.outbox]
    subject = "An administrator set your password at Vestibule"
    assert told == [(["owner@people.example"], subject), (["member@people.example"], subject)]
