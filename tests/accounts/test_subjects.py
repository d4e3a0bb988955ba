"""`sub`: any text an app may know a person by, and nothing that ends a line."""

from __future__ import annotations

import uuid

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts import subjects
from accounts.models import User

GOOD = [
    "1",
    "a" * 255,
    "Person",
    "person",
    "a b",
    "ü/ß?#&%2F",
    "人",
    "'\"<script>",
    "o'neill@people.example",
    "..",
    "-",
]
BAD = ["", "a" * 256, "a\nb", "a\r", "\0", "a\x7f", "\x9f", "a\u2028b", " a", "a ", "\u00a0a", "\ud800"]


@pytest.mark.parametrize("sub", GOOD)
def test_a_sub_is_any_text(sub: str) -> None:
    assert subjects.problem(sub) == ""


@pytest.mark.parametrize("sub", BAD)
def test_a_sub_ends_no_line_and_looks_like_what_it_is(sub: str) -> None:
    assert subjects.problem(sub)


@given(st.text())
def test_every_sub_is_judged(sub: str) -> None:
    assert isinstance(subjects.problem(sub), str)


@pytest.mark.django_db
def test_new_people_have_a_uuid() -> None:
    one = User.objects.create_user("one")
    assert str(uuid.UUID(one.sub)) == one.sub == User.objects.get().sub


@pytest.mark.django_db
def test_capitals_make_another_person() -> None:
    User.objects.create_user("one", sub="Person")
    User.objects.create_user("two", sub="person")
    assert User.objects.get(sub="Person").username == "one"
    with pytest.raises(IntegrityError):
        User.objects.create_user("three", sub="person")


@pytest.mark.django_db
@pytest.mark.parametrize("sub", ["", "a\nb", "a\n", "\x9f", "a\u2028b"])
def test_the_database_keeps_no_other_sub(sub: str) -> None:
    one = User.objects.create_user("one")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=one.pk).update(sub=sub)
