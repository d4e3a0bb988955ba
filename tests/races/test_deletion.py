"""Somebody deletes their account while their apps use its tokens: the account goes, and nobody meets a failure."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from clients.models import AccessToken, Authorization
from tests.races.racing import ROUNDS, race
from tests.races.test_endings import granted
from tests.world import App

pytestmark = [
    pytest.mark.postgresql,  # SQLite lets one writer in at a time and hides what happens between two
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("world"),
]


def test_refreshing_while_the_person_leaves() -> None:
    for number in range(ROUNDS):
        person = User.objects.get(username="owner")
        person.memberships.all().delete()
        tokens = [granted(client) for client in ("web", "web", "spa", "spa")]
        browser = Client()
        browser.force_login(person)

        def work(runner: int) -> int:
            if runner == 0:
                return browser.post("/accounts/delete/").status_code  # noqa: B023 - at once
            client = "web" if runner in (1, 2) else "spa"
            return App(client).refresh(tokens[runner - 1]).status_code  # noqa: B023

        statuses = race(work, 5)
        assert statuses[0] == 302, number
        assert set(statuses[1:]) <= {200, 400}
        assert not User.objects.filter(pk=person.pk).exists()
        assert not Authorization.objects.exists()
        assert not AccessToken.objects.filter(authorization__isnull=False).exists()
        User.objects.create_user("owner", "owner@people.example")
