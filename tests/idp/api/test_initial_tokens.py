"""Initial access tokens by the API: made by owners, shown once, revoked."""

from __future__ import annotations

from typing import Any

import pytest

from clients.models import Client, InitialAccessToken, KeptAnswer
from projects.events import SecurityEvent
from tests.idp.api.caller import kinds, path, person
from tests.idp.api.test_people import items
from tests.provider.registering import Registrar
from tests.world import ORDERS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
TOKENS = path("projects", "acme", "initial-access-tokens")


def test_a_token_is_shown_once_and_apps_register_with_it_until_it_is_revoked() -> None:
    owner = person("owner")
    wanted = {"label": "partners", "scope": "openid orders.read", "audience": [ORDERS], "most": 2, "days": 7}
    made = owner.post(TOKENS, wanted, Idempotency_Key="one")
    said = made.json()
    assert (made.status_code, said["most"], said["used"], said["audience"]) == (201, 2, 0, [ORDERS])
    token = said["initial_access_token"]
    app = Registrar(token).register().json()
    assert Client.objects.get(client_id=app["client_id"]).home.key == "acme"
    shown = owner.get(f"{TOKENS}/{said['id']}").json()
    assert (shown["used"], shown["clients"]) == (1, [app["client_id"]])
    again = owner.post(TOKENS, wanted, Idempotency_Key="one")
    assert (again.status_code, again["Location"]) == (409, made["Location"])
    everywhere = str(KeptAnswer.objects.values()) + str(SecurityEvent.objects.values()) + again.content.decode()
    assert token not in everywhere + owner.get(TOKENS).content.decode()
    assert [owner.delete(f"{TOKENS}/{said['id']}").status_code for _time in range(2)] == [204, 404]
    assert Registrar(token).register().status_code == 401
    assert items(owner.get(TOKENS))[0]["revoked_at"]
    assert kinds("initial_token.") == ["initial_token.made", "initial_token.revoked"]


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"most": 0}, "/most"),
        ({"most": "2"}, "/most"),
        ({"days": 366}, "/days"),
        ({"days": True}, "/days"),
        ({"scope": "unknown.scope"}, "/scope"),
        ({"audience": ["https://unknown.example"]}, "/audience/0"),
        ({"label": "x" * 101}, "/label"),
        ({"token": "chosen"}, "/token"),
    ],
)
def test_what_no_token_gives_is_said_where_it_stands(said: dict[str, Any], pointer: str) -> None:
    refused = person("owner").post(TOKENS, said)
    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, [pointer])
    assert not InitialAccessToken.objects.exists()


def test_where_nobody_registers_no_token_is_made(settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "off"
    assert person("owner").post(TOKENS).status_code == 422
