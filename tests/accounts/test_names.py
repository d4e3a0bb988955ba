"""Two accounts never have one user name, whatever capitals it is typed in: every way in says so, and the database."""

from __future__ import annotations

import io
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.admin import NewUserForm, UserForm
from accounts.models import User
from idp.configuration import ConfigurationError, apply
from tests.console import browser, page, send


@pytest.mark.django_db
def test_the_database_keeps_one_account_of_a_name() -> None:
    User.objects.create_user("person")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("Person")
    assert User.objects.get().username == "person"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("username", "email", "sentence"),
    [
        ("Person", "new@people.example", "Another account has this user name in other capitals."),
        ("new", "PERSON@people.example", "Another account has this e-mail address."),
        ("new", "Second@people.example", "Another account has verified this e-mail address."),
    ],
)
def test_createsuperuser_says_what_another_account_has(username: str, email: str, sentence: str) -> None:
    person = User.objects.create_user("person", "person@people.example")
    EmailAddress.objects.create(user=person, email="second@people.example", verified=True)
    with pytest.raises(CommandError) as refused:
        call_command("createsuperuser", "--noinput", "--username", username, "--email", email)
    assert str(refused.value) == sentence
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_createsuperuser_still_makes_one() -> None:
    arguments = ("--noinput", "--username", "new", "--email", "New@people.example")
    call_command("createsuperuser", *arguments, stdout=io.StringIO())
    made = User.objects.get()
    assert (made.username, made.email, made.is_superuser, made.is_staff) == ("new", "new@people.example", True, True)


ALIKE = "Another account has this user name in other capitals."


@pytest.mark.usefixtures("console")
def test_the_console_is_told_by_the_database_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collation may find two names alike that the page's own look-up does not: an answer, and never a fault."""
    for form in (UserForm, NewUserForm):
        monkeypatch.setattr(form, "clean_username", lambda self: self.cleaned_data["username"])
    http, person = browser("root"), User.objects.get(username="person")
    password = "correct horse battery"
    new = {"username": "Root", "password1": password, "password2": password, "usable_password": "true"}
    for address, fields in (
        (page("accounts_user_change", person.pk), {"username": "Root"}),
        (page("accounts_user_add"), new),
    ):
        answer = send(http, address, fields)
        assert answer.status_code == 200
        assert answer.context["adminform"].form.errors == {"__all__": [ALIKE]}


@pytest.mark.django_db
def test_the_file_is_told_by_the_database_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.configuration.people._taken", lambda *_asked: False)
    User.objects.create_user("person")
    with pytest.raises(ConfigurationError) as refused:
        apply({"version": 1, "users": [{"username": "Person"}]})
    assert [problem.message for problem in refused.value.problems] == [ALIKE]


@pytest.mark.django_db
def test_sign_up_gives_another_name_when_the_one_of_the_address_is_taken(client: Client, settings: Any) -> None:
    settings.IDP_SIGNUP_OPEN = True
    User.objects.create_user("NEW")
    answer = client.post("/accounts/signup/", {"email": "new@people.example", "password1": "correct horse battery"})
    assert answer.status_code == 302
    made = User.objects.get(email="new@people.example")
    assert made.username.lower() != "new"
