"""A directory that ends many people at the same moment ends no more than it may, and is stopped once."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from clients.models import Endings
from projects.events import SecurityEvent
from tests.idp.scim.conftest import Scim, provisioner
from tests.races.racing import THREADS, race

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("world"),
]
MOST = 3


def test_no_two_get_the_last_place(settings: Any) -> None:
    """The first of an hour and later ones; and a stop is on record once, whoever asks again meanwhile."""
    settings.IDP_SCIM_ENDINGS_PER_HOUR = MOST
    directory = provisioner()
    people = [str(directory.make("Users", userName=f"person-{number}")["id"]) for number in range(THREADS)]

    def end(number: int) -> int:
        sent = {"op": "replace", "path": "active", "value": False}
        return Scim(directory.token).patch(f"/Users/{people[number]}", sent).status_code

    assert sorted(race(end)) == [200] * MOST + [403] * (THREADS - MOST)
    assert User.objects.filter(sub__in=people, is_active=False).count() == MOST
    assert (Endings.objects.get().number, SecurityEvent.objects.filter(kind="directory.stopped").count()) == (MOST, 1)
