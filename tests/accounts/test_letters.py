"""What a mail says of when and where, and the language that it speaks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.translation import override

from accounts import letters
from accounts.letters import Occasion
from accounts.models import SignIn, User

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"
AT = datetime(2026, 11, 30, 5, 30, tzinfo=UTC)


@pytest.fixture
def person() -> User:
    return User.objects.create_user("person", "person@people.example", "a long password")


def told(occasion: Occasion) -> dict[str, str]:
    return {one.label: one.value for one in occasion.facts()}


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "30 November 2026, 05:30 UTC"), ("de", "30. November 2026, 05:30 UTC")],
)
def test_a_moment_is_in_words(language: str, words: str) -> None:
    with override(language):
        assert letters.moment(AT) == words


def test_the_browser_is_told_in_words_and_the_network_by_its_address() -> None:
    request = RequestFactory().get("/", HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="203.0.113.7")
    said = told(Occasion.of(request))
    assert (said["With"], said["From"]) == ("Firefox on Linux", "203.0.113.7")


def test_what_came_from_no_browser_says_only_when() -> None:
    assert set(told(Occasion.of(None))) == {"When"}


@pytest.mark.parametrize("sent", ["", "\r\nBcc: all@people.example", "<script>", "x" * 5000])
def test_a_browser_that_says_nonsense_is_unknown(sent: str) -> None:
    request = RequestFactory().get("/")
    request.META["HTTP_USER_AGENT"] = sent
    assert told(Occasion.of(request))["With"] == "Unknown browser"


@pytest.mark.django_db
def test_a_sign_in_notes_the_language_of_its_page(person: User) -> None:
    Client(headers={"Accept-Language": "de"}).force_login(person)
    signed_in = Client(headers={"Accept-Language": "ar"})
    signed_in.post(reverse("account_login"), {"login": "person", "password": "a long password"})
    assert SignIn.objects.latest("created_at").language == "ar"
    assert letters.language_of(person) == "ar"


@pytest.mark.django_db
def test_who_never_signed_in_reads_the_language_of_the_page(person: User) -> None:
    with override("de"):
        assert letters.language_of(person) == "de"


@pytest.mark.django_db
def test_a_mail_that_somebody_else_asked_for_speaks_the_language_of_its_reader(person: User) -> None:
    SignIn.objects.create(user=person, language="de")
    Client(headers={"Accept-Language": "en"}).post(reverse("account_reset_password"), {"email": person.email})
    (sent,) = mail.outbox
    assert isinstance(sent, EmailMultiAlternatives)
    assert "Passwort" in sent.subject
    assert 'lang="de"' in str(sent.alternatives[0])


@pytest.mark.django_db
def test_the_link_says_until_when_it_works(person: User, settings: Any) -> None:
    settings.PASSWORD_RESET_TIMEOUT = 3600
    Client().post(reverse("account_reset_password"), {"email": person.email})
    assert "The link works until " in str(mail.outbox[0].body)
    assert "Account: person" in str(mail.outbox[0].body)
