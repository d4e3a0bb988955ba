"""Rows of people that want the same: nobody gets an address that somebody else has proved."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress

from accounts.models import User
from idp.moving import people
from idp.moving.people import Outcome, People, Row

pytestmark = pytest.mark.django_db


def taken(*rows: Row) -> Outcome:
    (*_before, outcome) = People().take(rows)
    return outcome


def row(name: str, email: str = "", *verified: str, proved: bool = False) -> Row:
    return Row(name, name, email, email_verified=proved, verified=verified)


@pytest.mark.parametrize("batch", [1, 1000])
def test_an_address_is_one_persons_whoever_comes_first(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(people, "BATCH", batch)
    first = row("a", "a@x.example", "shared@x.example")
    outcome = taken(first, row("b", "shared@x.example", proved=True), row("c", "c@x.example", "a@x.example"))
    verified = EmailAddress.objects.filter(email="shared@x.example", verified=True)
    assert verified.count() == 1
    told = [*outcome.refused, *outcome.without_address]
    assert {one.why for one in told} <= {
        "a has the same e-mail address.",
        "b has the same e-mail address.",
        "Another account has this e-mail address.",
        "Another account has verified this e-mail address.",
    }
    assert len(told) == 2
    assert not EmailAddress.objects.filter(email="a@x.example", user__username="c").exists()


def test_what_somebody_here_has_verified_is_nobody_elses() -> None:
    here = User.objects.create_user("here", "here@x.example")
    EmailAddress.objects.create(user=here, email="second@x.example", verified=True)
    outcome = taken(row("a", "second@x.example"), row("b", "b@x.example", "second@x.example", "here@x.example"))
    assert [one.why for one in outcome.refused] == ["Another account has verified this e-mail address."]
    assert [one.name for one in outcome.without_address] == ["second@x.example", "here@x.example"]


def test_a_name_in_other_capitals_or_another_form_is_the_same() -> None:
    outcome = taken(row("Änne"), row("ÄNNE"), row("A\u0308nne"))
    assert (outcome.made, len(outcome.refused)) == (1, 2)
    again = taken(row("Änne"))
    assert (again.made, again.known) == (0, 1)


@pytest.mark.parametrize("came", ["\N{KELVIN SIGN}im@x.example", "\uff4bim@x.example"])
def test_what_was_proved_there_of_another_mailbox_is_not_proved_here(came: str) -> None:
    """Its letters become ours when it is kept: mail to it went elsewhere."""
    taken(row("kim", came, proved=True), row("a", "a@x.example", came.replace("im", "arl")))
    assert list(EmailAddress.objects.order_by("email").values_list("email", "verified")) == [
        ("a@x.example", False),
        ("kim@x.example", False),
    ]
