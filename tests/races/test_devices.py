"""A device code at the same moment on three processes: one gets the tokens, and one person owns it."""

from __future__ import annotations

import collections

import pytest

from accounts.models import User
from clients.models import Authorization
from common import counters
from tests.provider.devices import BOX, GRANT, Device, add_devices, answer, connect, page
from tests.races.conftest import ROUNDS
from tests.races.racing import race
from tests.races.test_tokens import at_once
from tests.world import Browser, Response

pytestmark = pytest.mark.postgresql


@pytest.fixture
def devices(transactional_db: None, world: None) -> None:
    add_devices()


def test_of_parallel_polls_one_gets_the_tokens(devices: None, servers: str) -> None:
    for _round in range(ROUNDS):
        counters.shared().clear()  # one network begins fewer devices than there may be rounds
        device = Device(BOX).begin(scope="openid offline_access")
        connect(device)
        answers = at_once(servers, BOX, {"grant_type": GRANT, "device_code": device.said["device_code"]})
        statuses = collections.Counter(status for status, _body in answers)
        assert statuses == {200: 1, 400: len(answers) - 1}, answers
        assert {body["error"] for status, body in answers if status == 400} == {"invalid_grant"}
        row = Authorization.objects.get(client__client_id=BOX, device_grants__digest=device.row.digest)
        assert (row.ended_at, row.refresh_tokens.count(), row.access_tokens.count()) == (None, 1, 1)


def test_of_parallel_answers_one_counts(devices: None) -> None:
    """Two people, or one who says yes and no: the first is the only one."""
    for _round in range(ROUNDS):
        counters.shared().clear()  # one network begins fewer devices than there may be rounds
        device = Device(BOX).begin()
        browsers = [Browser("owner"), Browser("member")] * 2
        pages = [page(browser, device.code) for browser in browsers]

        def say(number: int, browsers: list[Browser] = browsers, pages: list[Response] = pages) -> str:
            return str(answer(browsers[number], pages[number], "deny" if number == 3 else "allow")["Location"])

        answers = race(say, 4)
        assert sum(location.startswith("/device/done") for location in answers) == 1, answers
        row = device.row
        made = Authorization.objects.filter(client__client_id=BOX, created_at__gte=row.created)
        assert [one.pk for one in made] == ([row.authorization_id] if row.authorization_id else [])
        assert User.objects.filter(authorizations__in=made).count() <= 1
