"""What `migrate` says of names and addresses that came into the database past us."""

from __future__ import annotations

import io
import unicodedata

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.db import connection

from accounts.checks import MAX_TOLD, names_are_normalized
from accounts.models import User

NAME = "jürgen"
ADDRESS = "juergen@xn--exmple-cua.test"


def told() -> list[str]:
    return [str(message.msg) for message in names_are_normalized(None, databases=["default"])]


def put(table: str, column: str, value: str, key: int) -> None:
    """As another program writes it."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [value, key])  # noqa: S608


@pytest.mark.django_db
def test_a_name_in_another_form_is_told_and_whose_it_is_too() -> None:
    first, second = User.objects.create_user(NAME), User.objects.create_user("other")
    assert told() == []
    put("accounts_user", "username", unicodedata.normalize("NFD", NAME), second.pk)
    (sentence,) = told()
    assert f"the username of account {second.pk} is kept in a form that no look-up finds." in sentence
    assert sentence.endswith(f"It is the same as that of account {first.pk}.")
    second.refresh_from_db()
    second.username = "another"
    second.save()
    assert told() == []


@pytest.mark.django_db
def test_an_address_in_another_form_is_told_and_whose_it_is_too() -> None:
    first, second = User.objects.create_user("first", ADDRESS), User.objects.create_user("second")
    own = EmailAddress.objects.create(user=first, email=ADDRESS)
    theirs = EmailAddress.objects.create(user=second, email="second@example.com")
    put("accounts_user", "email", "juergen@exämple.test", second.pk)
    put("account_emailaddress", "email", "juergen@exämple.test", theirs.pk)
    assert [sentence.rpartition("It is")[2] for sentence in told()] == [f" the same as that of account {first.pk}."] * 2
    own.delete()
    assert [sentence.endswith("no look-up finds.") for sentence in told()] == [False, True]


@pytest.mark.django_db
def test_saving_it_is_enough_where_nobody_else_has_it() -> None:
    person = User.objects.create_user("person")
    put("accounts_user", "username", unicodedata.normalize("NFD", NAME), person.pk)
    (sentence,) = told()
    assert sentence.endswith("no look-up finds.")
    User.objects.get(pk=person.pk).save()
    assert told() == []
    assert User.objects.get().username == NAME


@pytest.mark.django_db
def test_not_everybody_is_told() -> None:
    people = [User.objects.create_user(f"person-{number}") for number in range(MAX_TOLD + 2)]
    for person in people:
        put("accounts_user", "username", f"u\N{COMBINING DIAERESIS}-{person.pk}", person.pk)
    assert len(told()) == MAX_TOLD


@pytest.mark.django_db
def test_migrate_says_so() -> None:
    person = User.objects.create_user("person")
    put("accounts_user", "username", unicodedata.normalize("NFD", NAME), person.pk)
    said = io.StringIO()
    call_command("migrate", "accounts", skip_checks=False, stdout=said, stderr=said, verbosity=1)
    assert "accounts.W001" in said.getvalue()
