"""Accounts that were in use before a directory came: it never decides how they are opened."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core import mail

from accounts import emails, provisioning
from accounts.models import Provisioned, User
from tests.idp.scim.conftest import Scim

pytestmark = pytest.mark.django_db
EVIL = [{"value": "evil@attacker.example"}]


def member() -> User:
    return User.objects.get(username="member")


def readdressed(scim: Scim, user: User) -> list[int]:
    address = f"/Users/{user.sub}"
    answers = (
        scim.patch(address, {"op": "replace", "path": "emails", "value": EVIL}),
        scim.patch(address, {"op": "add", "value": {'emails[type eq "work"].value': "evil@attacker.example"}}),
        scim.patch(address, {"op": "remove", "path": "emails"}),
        scim.patch(address, {"op": "replace", "path": "userName", "value": "evil"}),
        scim.ask("PUT", address, {"userName": user.username, "emails": EVIL}),
    )
    return [one.status_code for one in answers]


def test_who_could_sign_in_before_keeps_name_and_address(scim: Scim) -> None:
    before = User.objects.filter(username="member").values().get()
    assert readdressed(scim, member()) == [403] * 5
    assert User.objects.filter(username="member").values().get() == before
    assert not Provisioned.objects.exists()
    capitals = {"userName": "Member", "nickName": "m", "emails": [{"value": before["email"].upper()}]}
    assert scim.ask("PUT", f"/Users/{before['sub']}", capitals).status_code == 200, "all else it looks after"
    assert readdressed(scim, User.objects.get(sub=before["sub"])) == [403] * 5, "also later"


@pytest.mark.any_database
@pytest.mark.parametrize("way", ["nothing", "a password", "a passkey", "a link"])
def test_a_way_in_is_a_password_a_passkey_or_a_link(scim: Scim, way: str) -> None:
    user = User.objects.create_user(
        "found", "found@people.example", "secret-of-theirs" if way == "a password" else None
    )
    if way == "a passkey":
        Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={})
    if way == "a link":
        SocialAccount.objects.create(user=user, provider="corp", uid="1")
    assert provisioning.may_readdress(user, "scim:directory") == (way == "nothing")
    provisioning.keep(user, "scim:directory", "", {})
    user.set_password("another-of-theirs")
    user.save()
    assert provisioning.may_readdress(user, "scim:directory") == (way == "nothing")
    provisioning.keep(user, "scim:directory", "e-1", {"emails": {"type": "work"}})
    assert provisioning.may_readdress(user, "scim:directory") == (way == "nothing")
    assert not provisioning.may_readdress(user, "scim:another")


def test_the_address_before_hears_of_it_where_it_was_theirs(
    scim: Scim, django_capture_on_commit_callbacks: Any
) -> None:
    """A directory follows the people it made. Whoever had the address reads which one is there now."""
    made = scim.make("Users", userName="ada", emails=[{"value": "ada@people.example"}])
    user = User.objects.get(sub=made["id"])
    user.set_password("secret-of-theirs")
    user.save()
    for verified, address in ((False, "ada@people.example"), (True, "ada@new.example")):
        EmailAddress.objects.filter(user=user).update(verified=verified)
        mail.outbox.clear()
        wanted = [{"value": "ada@new.example" if not verified else "ada@newer.example"}]
        with django_capture_on_commit_callbacks(execute=True):
            answer = scim.patch(f"/Users/{user.sub}", {"op": "replace", "path": "emails", "value": wanted})
        assert answer.status_code == 200
        assert [one.to for one in mail.outbox] == ([[address]] if verified else []), "a stranger may read the other one"
    assert "ada@newer.example" in mail.outbox[0].body
    assert "reset your password" not in mail.outbox[0].body, "mail for that does not come here any more"


def test_an_address_that_is_taken_away_is_told_so(world: None, django_capture_on_commit_callbacks: Any) -> None:
    user = member()
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    before, user.email = user.email, ""
    user.save()
    with django_capture_on_commit_callbacks(execute=True):
        emails.replace_primary_address(user, before)
    assert [(one.to, before in one.body) for one in mail.outbox] == [([before], True)]
