"""Signing up: closed unless the deployment opens it; open, it does not tell which addresses have an account."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.contrib.auth.hashers import get_hasher
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from accounts.models import SignIn, User
from tests.world import Browser, redirected

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
SIGNUP = "/accounts/signup/"
NEXT = "/oauth/authorize?client_id=web"


@pytest.fixture
def opened(settings: Any) -> None:
    settings.IDP_SIGNUP_OPEN = True
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


def sign_up(client: Client, email: str, **more: str) -> Any:
    return client.post(SIGNUP, {"email": email, "password1": PASSWORD, **more})


def test_sign_up_is_closed_by_default(client: Client) -> None:
    assert "Sign-up is closed" in client.get(SIGNUP).content.decode()
    assert "Sign-up is closed" in sign_up(client, "new@example.com").content.decode()
    assert not User.objects.exists()
    assert SIGNUP not in client.get("/accounts/login/").content.decode()


@pytest.mark.usefixtures("opened")
def test_an_open_site_offers_it_and_keeps_next(client: Client) -> None:
    page = client.get("/accounts/login/", {"next": NEXT}).content.decode()
    assert f"{SIGNUP}?next=" in page


@pytest.mark.usefixtures("opened")
def test_signing_up_then_verifying_goes_on_to_the_app(client: Client) -> None:
    response = sign_up(client, "new@example.com", next=NEXT)
    assert response["Location"] == reverse("account_email_verification_sent")
    assert "_auth_user_id" not in client.session
    address = EmailAddress.objects.get(email="new@example.com")
    url = reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key])
    assert "form-action 'self';" in client.get(url)["Content-Security-Policy"] + ";"
    response = client.post(url)
    assert response["Location"] == NEXT
    assert client.get("/").wsgi_request.user.is_authenticated


@pytest.mark.usefixtures("opened", "world")
def test_apps_that_ask_silently_learn_no_more_of_a_sign_up() -> None:
    """Whoever signs up with an address and then asks in the same browser would know whether it was taken."""
    for email in ("new@example.com", User.objects.get(username="owner").email):
        browser = Browser()
        sign_up(browser.http, email)
        assert redirected(browser.authorize("web", prompt="none"))["error"] == "login_required"


@pytest.mark.usefixtures("opened")
def test_somebody_deactivated_before_they_verified_is_not_signed_in(client: Client) -> None:
    sign_up(client, "new@example.com")
    address = EmailAddress.objects.get(email="new@example.com")
    User.objects.update(is_active=False)
    response = client.post(reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key]))
    assert response["Location"] == reverse("account_inactive")
    assert not SignIn.objects.exists()


@pytest.mark.usefixtures("opened")
def test_somebody_elses_browser_is_not_signed_in_by_the_link(client: Client) -> None:
    sign_up(client, "new@example.com")
    address = EmailAddress.objects.get(email="new@example.com")
    stranger = Client()
    stranger.post(reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key]))
    assert not stranger.get("/").wsgi_request.user.is_authenticated


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("taken", ["person@example.com", "PERSON@example.com"])
def test_a_taken_address_answers_like_a_free_one(client: Client, monkeypatch: pytest.MonkeyPatch, taken: str) -> None:
    User.objects.create_user("person", "person@example.com", PASSWORD)
    hashed: list[str] = []
    hasher = type(get_hasher())
    encode = hasher.encode

    def counted(self: Any, password: str, salt: str) -> str:
        hashed.append("one")
        return encode(self, password, salt)

    monkeypatch.setattr(hasher, "encode", counted)
    free = sign_up(Client(), "free@example.com")
    cost = len(hashed)
    hashed.clear()
    known = sign_up(Client(), taken)
    assert (known.status_code, known["Location"]) == (free.status_code, free["Location"])
    assert len(hashed) == cost == 1
    assert User.objects.filter(email="person@example.com").count() == 1
    assert [message.to for message in mail.outbox] == [["free@example.com"], ["person@example.com"]]
    assert mail.outbox[0].subject == mail.outbox[1].subject


@pytest.mark.usefixtures("opened")
def test_a_new_account_cannot_be_used_before_its_address_is_verified(client: Client) -> None:
    sign_up(client, "new@example.com")
    response = Client().post("/accounts/login/", {"login": "new@example.com", "password": PASSWORD})
    assert response["Location"] == reverse("account_email_verification_sent")


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("made", [{"is_staff": True, "email": "admin@example.com"}, {}])
def test_administrators_and_people_without_an_address_are_not_locked_out(client: Client, made: dict[str, Any]) -> None:
    User.objects.create_user("person", password=PASSWORD, **made)
    response = client.post("/accounts/login/", {"login": "person", "password": PASSWORD})
    assert response["Location"] == "/"


@pytest.mark.usefixtures("opened")
def test_two_sign_ups_at_the_same_moment_end_in_a_page_not_in_an_error(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def collide(*args: object, **kwargs: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(User, "save", collide)
    response = client.post(SIGNUP, {"email": "new@example.com", "password1": PASSWORD}, follow=True)
    assert "Somebody was quicker" in response.content.decode()


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("password", ["short", "password123", "new@example.com"])
def test_a_weak_password_is_refused_with_the_reason_at_its_field(client: Client, password: str) -> None:
    page = client.post(SIGNUP, {"email": "new@example.com", "password1": password}).content.decode()
    assert 'aria-invalid="true"' in page
    assert 'id="id_password1_error"' in page
    field = next(tag for tag in page.split("<input") if 'name="password1"' in tag)
    assert "id_password1_error" in field.split(">")[0]
    assert not User.objects.exists()


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("email", ["new@example.com", "known@example.com"], ids=["new", "taken"])
def test_the_mail_is_sent_again_seldom_and_alike_for_a_taken_address(client: Client, email: str) -> None:
    User.objects.create_user("known", "known@example.com", PASSWORD)
    waiting = "/accounts/confirm-email/"
    assert client.post(waiting, follow=True).status_code == 200, "nobody waits"
    sign_up(client, email)
    assert "Send the mail again" in client.get(waiting).content.decode()
    sent = len(mail.outbox)
    again = client.post(waiting, follow=True).content.decode()
    assert "The mail is sent again, unless one was sent within the last three minutes." in again
    assert len(mail.outbox) == sent, "one within three minutes"
    cache.clear()
    assert "The mail is sent again" in client.post(waiting, follow=True).content.decode()
    assert (len(mail.outbox), mail.outbox[-1].to) == (sent + 1, [email])
