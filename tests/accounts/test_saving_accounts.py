"""Accounts are saved from rows and pages that were read before somebody else changed them: nothing is taken back."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from accounts.models import SignIn, User
from common import clock
from tests.accounts.test_admin_users import change, user
from tests.console import browser, form_of, page, problems

pytestmark = pytest.mark.usefixtures("console")


def test_a_row_that_was_read_before_takes_nothing_back() -> None:
    """They save their profile, or a new password, in the moment in which a superuser deactivates them."""
    theirs = user("owner")
    assert change("owner", is_active=[], is_staff=[]).status_code == 302
    moment = user("owner").tokens_not_before
    theirs.first_name = "Ada"
    theirs.set_password("another good password")
    theirs.save()
    now = user("owner")
    assert (now.is_active, now.is_staff, now.tokens_not_before) == (False, False, moment)
    assert now.first_name == "Ada"
    assert now.check_password("another good password")


def test_a_row_that_was_read_before_brings_nobody_back() -> None:
    theirs = user("owner")
    User.objects.filter(pk=theirs.pk).delete()
    theirs.first_name = "Ada"
    with pytest.raises(DatabaseError), transaction.atomic():
        theirs.save()
    assert not User.objects.filter(username="owner").exists()


def test_what_was_written_counts_as_read() -> None:
    person = User.objects.create_user("new")
    for active in (False, True, False, True):
        person.is_active = active
        person.save()
        assert user("new").is_active is active
    User.objects.filter(pk=person.pk).update(is_active=False)
    person.refresh_from_db()
    person.is_active = True
    person.save()
    assert user("new").is_active


def test_the_moment_that_ended_tokens_never_moves_back() -> None:
    """A page that was opened before somebody ended them is saved afterwards, and says nothing of it."""
    http, address = browser("root"), page("accounts_user_change", user().pk)
    opened = form_of(http.get(address))
    moment = clock.now()
    User.objects.filter(pk=user().pk).update(tokens_not_before=moment)
    assert set(problems(http.post(address, opened))) == {"tokens_not_before", "__all__"}, "it says who was later, too"
    assert user().tokens_not_before == moment
    assert change(first_name="Ada").status_code == 302, "a page that shows it saves"


def test_no_browser_is_signed_in_again_by_activating_its_person() -> None:
    """Whoever deactivates them: here code that knows nothing of sign-ins. One was under way in that moment."""
    http, person = browser("owner"), user("owner")
    person.is_active = False
    person.save()
    SignIn.objects.create(user=person)
    person.is_active = True
    person.save()
    assert not SignIn.objects.filter(user=person, ended_at=None).exists()
    assert http.get(page("index")).status_code == 302
