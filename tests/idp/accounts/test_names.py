"""Two accounts never have one user name, whatever capitals it is typed in: every way in says so, and the database."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from idp.accounts.models import User


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


@pytest.fixture
def before_names_were_unique(transactional_db: None) -> Iterator[None]:
    """The tables as the version before had them."""
    call_command("migrate", "accounts", "0004", verbosity=0)
    try:
        yield
    finally:
        User.objects.all().delete()
        call_command("migrate", verbosity=0)


@pytest.mark.usefixtures("before_names_were_unique")
def test_an_installation_with_two_such_names_is_told_what_to_rename() -> None:
    for name in ("bob", "BOB", "Bob", "carol", "erin", "Erin"):
        User.objects.create_user(name)
    with pytest.raises(CommandError) as refused:
        call_command("migrate", "accounts", verbosity=0)
    assert str(refused.value) == (
        "Some user names differ only in capitals: BOB, Bob, bob, Erin, erin. Rename all but one of each in the console "
        "of the version that runs now (Users), then migrate again; nothing of this migration was applied."
    )
    assert "one_account_per_username" not in constraints()
    for old, new in (("BOB", "bob2"), ("Bob", "bob3"), ("erin", "erin2")):
        User.objects.filter(username=old).update(username=new)
    call_command("migrate", "accounts", verbosity=0)
    assert "one_account_per_username" in constraints()


def constraints() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, User._meta.db_table))
