"""Initial access tokens in the console: owners make them, see what came of them, and revoke them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from clients.models import Client, InitialAccessToken, SecurityEvent
from tests.console import ORDERS, REPORTS, browser, page, problems, project, send
from tests.provider.registering import Registrar
from tests.world import Response

pytestmark = [pytest.mark.usefixtures("console"), pytest.mark.any_database]
LIST, ADD = "clients_initialaccesstoken_changelist", "clients_initialaccesstoken_add"


@pytest.fixture(autouse=True)
def _switched_on(settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "tokens"


def make(username: str = "owner", **said: Any) -> Response:
    return send(browser(username), page(ADD), {"project": project().pk, "label": "Partner", **said})


def token_on(response: Response) -> str:
    found = re.search(r'id="shown-token"[^>]*value="([^"]+)"', response.content.decode())
    assert found
    return found[1]


def test_it_is_shown_once_and_registers_what_it_says() -> None:
    token = token_on(make(scope="openid\norders.read", audiences=ORDERS, most=2, days=7))
    row = InitialAccessToken.objects.get()
    assert (row.scope, row.audiences, row.most, row.require_pkce) == ("openid orders.read", [ORDERS], 2, True)
    made = Registrar(token).made()
    http = browser("owner")
    listed, shown = (http.get(page(*where)).content.decode() for where in ((LIST,), (LIST.replace("list", ""), row.pk)))
    assert "1 of 2" in listed
    assert made["client_id"] in shown
    assert token not in listed + shown
    client = Client.objects.get(client_id=made["client_id"])
    about = http.get(page("clients_client_change", client.pk)).content.decode()
    assert "Itself, with the initial access token “Partner”." in about
    assert SecurityEvent.objects.get(kind="initial_token.made").sub


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"scope": "reports.read"}, "scope"),
        ({"audiences": REPORTS}, "audiences"),
        ({"audiences": "urn:acme:queue"}, "audiences"),
        ({"most": 1001}, "most"),
        ({"days": 0}, "days"),
    ],
)
def test_what_the_project_may_not_give_stands_at_its_field(said: dict[str, Any], field: str) -> None:
    assert list(problems(make(**said))) == [field]
    assert not InitialAccessToken.objects.exists()


@pytest.mark.parametrize("username", ["editor", "viewer"])
def test_only_owners_make_them(username: str) -> None:
    assert browser(username).get(page(ADD)).status_code in (302, 403)
    make()
    row = InitialAccessToken.objects.get()
    browser(username).post(page(LIST), {"action": "revoke", "_selected_action": row.pk})
    row.refresh_from_db()
    assert row.revoked_at is None


def test_a_revoked_one_registers_no_more_apps() -> None:
    token = token_on(make())
    answer = browser("owner").post(
        page(LIST), {"action": "revoke", "_selected_action": InitialAccessToken.objects.get().pk}, follow=True
    )
    assert "Tokens revoked: 1." in answer.content.decode()
    assert "revoked" in answer.content.decode()
    assert Registrar(token).register().status_code == 401


def test_none_is_made_where_the_deployment_lets_no_app_register_itself(settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "off"
    assert "IDP_DYNAMIC_REGISTRATION" in make().content.decode()
    assert not InitialAccessToken.objects.exists()
