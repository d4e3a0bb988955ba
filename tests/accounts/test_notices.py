"""Mails about what happened to an account: when they come, what they do not say, and which one may turn off."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts import notices
from accounts.models import AccountEvent, User
from tests.accounts.second_steps import PASSWORD, enrol, recovery_codes

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test is one transaction, and its end comes too late."""
    monkeypatch.setattr("accounts.notices.transaction.on_commit", lambda send, **_more: send())


@pytest.fixture
def person() -> User:
    user = User.objects.create_user("person", "person@people.example", PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def sign_in(http: Client, login: str = "person") -> Any:
    return http.post(reverse("account_login"), {"login": login, "password": PASSWORD}, headers={"User-Agent": FIREFOX})


def subjects() -> list[str]:
    return [str(one.subject) for one in mail.outbox]


def test_a_browser_that_the_account_does_not_know_is_told_of(person: User) -> None:
    known = Client()
    sign_in(known)
    assert subjects() == [], "the very first is no news"
    known.post(reverse("account_logout"))
    sign_in(known)
    assert subjects() == [], "this one was here before"
    sign_in(Client())
    (sent,) = mail.outbox
    assert sent.subject == "A sign-in at Vestibule with a new browser"
    assert "With: Firefox on Linux\nFrom: 127.0.0.1" in str(sent.body)


def test_a_browser_is_known_to_each_account_for_itself(person: User) -> None:
    User.objects.create_user("other", "other@people.example", PASSWORD)
    browser = Client()
    sign_in(Client())
    sign_in(browser, "other")
    browser.post(reverse("account_logout"))
    sign_in(browser)
    assert [one.to for one in mail.outbox] == [["person@people.example"]]


def test_who_turned_it_off_gets_none(person: User) -> None:
    http = Client()
    sign_in(http)
    page = http.get(reverse("account_mails"))
    assert page.content.decode().count(" checked") == len(notices.CHOICES)
    http.post(reverse("account_mails"), {"mail": [notices.APP_ACCESS, "password_changed", "nonsense"]})
    person.refresh_from_db()
    assert person.muted_mails == [notices.NEW_BROWSER]
    assert AccountEvent.objects.get(kind="mails.chosen").detail == {"muted": [notices.NEW_BROWSER]}
    sign_in(Client())
    assert subjects() == []


def test_saving_the_same_choice_is_no_event(person: User) -> None:
    http = Client()
    sign_in(http)
    http.post(reverse("account_mails"), {"mail": list(notices.CHOICES)})
    assert not AccountEvent.objects.filter(kind="mails.chosen").exists()


def test_a_recovery_code_that_was_used_is_told_of_with_how_many_are_left(person: User) -> None:
    enrol(person)
    codes = recovery_codes(person)
    http = Client()
    sign_in(http)
    http.post(reverse("mfa_authenticate"), {"code": codes[0]})
    (sent,) = mail.outbox
    assert sent.subject == "A recovery code of your account at Vestibule was used"
    assert f"{len(codes) - 1} are left." in str(sent.body)
    assert codes[0] not in str(sent.body)
    assert AccountEvent.objects.filter(kind="factor.recovery_code_used", sub=person.sub).exists()
    assert Authenticator.objects.filter(user=person, type="recovery_codes").exists()


def test_a_password_that_an_administrator_set_is_told_of_and_not_from_where(person: User) -> None:
    root = User.objects.create_superuser("root", "root@people.example", PASSWORD)
    http = Client(headers={"User-Agent": FIREFOX})
    http.force_login(root)
    data = {"password1": "another long phrase", "password2": "another long phrase", "usable_password": "true"}
    answer = http.post(reverse("admin:auth_user_password_change", args=[person.pk]), data)
    assert answer.status_code == 302
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["person@people.example"], "An administrator set your password at Vestibule")
    assert "Account: person\nWhen: " in str(sent.body)
    assert "127.0.0.1" not in str(sent.body)
    assert "Firefox" not in str(sent.body)


def test_a_command_that_sets_a_password_tells_of_it(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda **_prompt: "another long phrase")
    call_command("changepassword", "person")
    assert subjects() == ["An administrator set your password at Vestibule"]


def test_who_has_no_address_gets_none() -> None:
    User.objects.create_user("person", "", PASSWORD)
    sign_in(Client())
    sign_in(Client())
    assert subjects() == []
