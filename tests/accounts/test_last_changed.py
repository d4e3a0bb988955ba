"""`updated_at` of OpenID Connect Core 1.0 section 5.1 moves with `email_verified`, which stands in another row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts import newcomers
from accounts.models import User
from idp.configuration import apply

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def by_the_link_of_a_mail(row: EmailAddress) -> None:
    Client().post(reverse("account_confirm_email", args=[EmailConfirmationHMAC(row).key]))


def by_an_invitation(row: EmailAddress) -> None:
    newcomers.verify(RequestFactory().get("/"), row.user, row.email)


def by_a_file(row: EmailAddress) -> None:
    user = {"username": row.user.username, "email": row.email, "email_verified": True}
    apply({"version": 1, "users": [user]})


@pytest.mark.parametrize("verify", [by_the_link_of_a_mail, by_an_invitation, by_a_file])
def test_a_person_changed_whose_address_is_verified_now(verify: Callable[[EmailAddress], None]) -> None:
    user = User.objects.create_user("ada", "ada@people.example")
    row = EmailAddress.objects.create(user=user, email=user.email, primary=True)
    User.objects.update(updated_at=LONG_AGO)
    verify(row)
    found = User.objects.get()
    assert (found.email_verified, found.updated_at > LONG_AGO) == (True, True)
    User.objects.update(updated_at=LONG_AGO)
    verify(row)
    assert User.objects.get().updated_at == LONG_AGO, "nothing changed"
