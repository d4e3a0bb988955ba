"""An address is somebody's once they proved it, and belongs to one account only. Links in mails name the issuer."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import SignIn, User

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
EMAIL = "/accounts/email/"


@pytest.fixture
def person(client: Client) -> User:
    user = User.objects.create_user("person", "person@example.com", PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    client.force_login(user)
    return user


@pytest.fixture
def other() -> User:
    return User.objects.create_user("other", "other@example.com", PASSWORD)


def links() -> list[str]:
    return re.findall(r"https?://\S+", str(mail.outbox[-1].body))


def test_an_address_is_kept_in_lower_case() -> None:
    user = User.objects.create_user("person", "Person@Example.COM")
    assert User.objects.get(pk=user.pk).email == "person@example.com"


def test_a_new_address_counts_once_its_owner_opened_the_link(client: Client, person: User) -> None:
    client.post(EMAIL, {"email": "new@example.com", "action_add": ""})
    address = EmailAddress.objects.get(email="new@example.com")
    assert not address.verified
    url = links()[0]
    assert url.startswith(f"{settings.IDP_ISSUER}/accounts/confirm-email/")
    page = client.get(url.removeprefix(settings.IDP_ISSUER))
    assert "new@example.com" in page.content.decode()
    address.refresh_from_db()
    assert not address.verified  # opening is not enough: a mail scanner opens links too
    client.post(url.removeprefix(settings.IDP_ISSUER))
    address.refresh_from_db()
    assert address.verified
    client.post(EMAIL, {"email": "new@example.com", "action_primary": ""})
    person.refresh_from_db()
    assert person.email == "new@example.com"
    assert person.email_verified


def test_an_unverified_address_never_becomes_the_primary_one(client: Client, person: User, other: User) -> None:
    EmailAddress.objects.filter(user=person).update(verified=False)
    client.post(EMAIL, {"email": other.email, "action_add": ""})
    response = client.post(EMAIL, {"email": other.email, "action_primary": ""}, follow=True)
    assert "Verify this address" in response.content.decode()
    person.refresh_from_db()
    assert person.email == "person@example.com"


def test_removing_the_address_in_use_puts_no_unverified_one_in_its_place(
    client: Client, person: User, other: User
) -> None:
    EmailAddress.objects.filter(user=person).update(primary=False)
    client.post(EMAIL, {"email": other.email, "action_add": ""})
    response = client.post(EMAIL, {"email": person.email, "action_remove": ""}, follow=True)
    assert "primary address" in response.content.decode()
    person.refresh_from_db()
    assert person.email == "person@example.com"


def test_the_last_address_can_go(client: Client, person: User) -> None:
    client.post(EMAIL, {"email": person.email, "action_remove": ""})
    person.refresh_from_db()
    assert person.email == ""


def test_an_address_of_another_account_cannot_be_verified(client: Client, person: User, other: User) -> None:
    address = EmailAddress.objects.create(user=person, email=other.email)
    url = reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key])
    response = client.post(url, follow=True)
    assert "another account uses it" in response.content.decode()
    address.refresh_from_db()
    assert not address.verified


def test_a_verified_address_that_another_account_took_meanwhile_cannot_become_primary(
    client: Client, person: User, other: User
) -> None:
    EmailAddress.objects.create(user=person, email=other.email, verified=True)
    response = client.post(EMAIL, {"email": other.email, "action_primary": ""})
    assert response.status_code == 302
    person.refresh_from_db()
    assert person.email == "person@example.com"


@pytest.mark.parametrize("action", ["action_add", "action_remove", "action_primary"])
def test_changing_addresses_needs_a_person_who_proved_themselves_just_now(
    client: Client, person: User, action: str
) -> None:
    EmailAddress.objects.create(user=person, email="second@example.com", verified=True)
    SignIn.objects.update(auth_time=timezone.now() - timedelta(minutes=6))
    email = "third@example.com" if action == "action_add" else "second@example.com"
    response = client.post(EMAIL, {"email": email, action: ""})
    assert response["Location"].startswith(reverse("account_reauthenticate"))
    assert set(EmailAddress.objects.values_list("email", "primary")) == {
        ("person@example.com", True),
        ("second@example.com", False),
    }


def test_after_proving_oneself_the_change_goes_on(client: Client, person: User) -> None:
    SignIn.objects.update(auth_time=timezone.now() - timedelta(minutes=6))
    response = client.post(EMAIL, {"email": "new@example.com", "action_add": ""})
    client.post(response["Location"], {"password": PASSWORD, "next": EMAIL})
    assert EmailAddress.objects.filter(user=person, email="new@example.com").exists()


def test_adding_an_address_does_not_tell_whether_it_has_an_account(client: Client, person: User, other: User) -> None:
    taken = client.post(EMAIL, {"email": other.email, "action_add": ""})
    free = client.post(EMAIL, {"email": "free@example.com", "action_add": ""})
    assert (taken.status_code, taken["Location"]) == (free.status_code, free["Location"])


@pytest.mark.parametrize("host", ["localhost:6666", "127.0.0.1:1"])
def test_the_host_header_never_enters_a_mail(client: Client, person: User, host: str) -> None:
    client.logout()
    client.post(reverse("account_reset_password"), {"email": person.email}, headers={"host": host})
    assert host not in f"{mail.outbox[-1].subject} {mail.outbox[-1].body}"
    assert links()[0].startswith(f"{settings.IDP_ISSUER}/accounts/password/reset/key/")


def test_a_reset_link_works_once_and_signs_out_every_browser(client: Client, person: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(person)
    client.post(reverse("account_reset_password"), {"email": person.email})
    url = links()[0].removeprefix(settings.IDP_ISSUER)
    form = client.get(url)["Location"]
    new = {"password1": "another long phrase", "password2": "another long phrase"}
    assert client.post(form, new)["Location"] == reverse("account_reset_password_from_key_done")
    assert not SignIn.objects.filter(user=person, ended_at=None).exists()
    for browser in (client, elsewhere):
        assert not browser.get("/").wsgi_request.user.is_authenticated
    person.refresh_from_db()
    assert person.check_password("another long phrase")
    assert "no longer works" in Client().get(url).content.decode()


def test_people_are_told_when_their_password_changed(client: Client, person: User) -> None:
    new = {"oldpassword": PASSWORD, "password1": "another long phrase", "password2": "another long phrase"}
    client.post(reverse("account_change_password"), new)
    assert mail.outbox[-1].to == [person.email]
    assert "If it was not you" in mail.outbox[-1].body
