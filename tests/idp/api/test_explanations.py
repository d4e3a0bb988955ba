"""Why an audience is allowed, by the API."""

from __future__ import annotations

import pytest

from tests.idp.api.caller import machine, path, person
from tests.world import BILLING, ORDERS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]


def test_an_audience_is_explained_as_in_the_console() -> None:
    address = path("projects", "acme", "clients", "web", "explanation")
    owner = person("owner")
    good = owner.get(f"{address}?audience={ORDERS}").json()
    assert (good["allowed"], good["values"][0]["api"]["project"], good["user"]) == (True, "acme", None)
    both = owner.get(f"{address}?audience={ORDERS} {BILLING}&scope=openid").json()
    assert [one["asked"] for one in both["values"]] == [ORDERS, BILLING]
    assert owner.get(address).json()["audience"] == ""
    assert owner.get(f"{address}?audience=%00").status_code == 400


def test_an_explanation_tells_nothing_of_other_projects() -> None:
    address = path("projects", "acme", "clients", "web", "explanation")
    for api in (person("owner"), machine("deployer-of-acme", administers=("acme",))):
        told = [
            api.get(f"{address}?audience={audience}").content.decode().replace(audience, "X")
            for audience in ("https://api.other.example/reports", "https://api.other.example/nothing")
        ]
        assert told[0] == told[1]
