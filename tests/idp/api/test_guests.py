"""Guest apps and blocked hosts by the API."""

from __future__ import annotations

import pytest

from clients import guests
from clients.models import BlockedHost
from projects.guests import place_of
from tests.guests import AGENT_CB, make_guest
from tests.idp.api.caller import Api, kinds, path, person
from tests.idp.api.test_people import items

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]


def test_a_guest_is_switched_off_for_good_and_on_again(everything: Api) -> None:
    guest = make_guest(guests.DCR)
    address = path("guests", guest.client_id)
    shown = everything.get(address)
    said = shown.json()
    assert (said["places"], said["source"], said["enabled"]) == ([place_of(AGENT_CB), "localhost"], "dcr", True)
    assert everything.patch(address, {"enabled": False}, If_Match=shown["ETag"]).json()["enabled"] is False
    guest.refresh_from_db()
    assert guest.tokens_not_before is not None
    assert everything.patch(address, {"enabled": None}).json()["enabled"] is True
    assert everything.patch(address, {"client_name": "X"}).status_code == 422
    assert kinds("client.disabled", "client.enabled") == ["client.disabled", "client.enabled"]
    assert everything.get(path("guests", "web")).status_code == 404, "a project's app is no guest"
    assert everything.patch(path("guests", "web"), {"enabled": False}).status_code == 404


def test_a_guest_whose_id_is_an_address_is_found_by_it(everything: Api) -> None:
    guest = make_guest()
    assert everything.get(path("guests", guest.client_id)).json()["client_id"] == guest.client_id
    assert [one["client_id"] for one in items(everything.get(path("guests")))] == [guest.client_id]
    assert items(person("owner").get(path("projects", "acme", "guests"))) == [], "nobody allowed it anything there"


def test_a_host_is_blocked_once_and_lifted_once(everything: Api) -> None:
    address = path("blocked-hosts", "agent.example:8443")
    assert [everything.ask("PUT", address).status_code for _time in range(2)] == [201, 200]
    assert kinds("guest_host.") == ["guest_host.blocked"]
    assert [one["host"] for one in items(everything.get(path("blocked-hosts")))] == ["agent.example:8443"]
    assert [everything.delete(address).status_code for _time in range(2)] == [204, 404]
    assert BlockedHost.objects.get().lifted_at is not None
    assert everything.ask("PUT", address).status_code == 201
    refused = everything.ask("PUT", path("blocked-hosts", "https://agent.example/"))
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/host"]
