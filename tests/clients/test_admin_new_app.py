"""A new app in three questions: who may ask them, what becomes of the answers, and where what is wrong is said."""

from __future__ import annotations

import pytest

from clients.models import Client
from clients.policy import metadata_of
from tests.console import ORDERS, browser, form_of, page, send
from tests.world import Response

pytestmark = pytest.mark.django_db
CALLBACK = "https://shop.acme.example/callback"
READ = f"{ORDERS} orders.read"


@pytest.fixture(autouse=True)
def _world(console: None) -> None:
    """Every test begins with the projects and people of tests/console.py."""


def url(project: str = "acme", kind: str = "") -> str:
    return f"{page('clients_client_new')}?project={project}&kind={kind}"


def ask(who: str = "editor", *, project: str = "acme", **said: object) -> Response:
    return send(browser(who), url(project), {"name": "Shop", "redirect_uris": CALLBACK, **said})


def made() -> Client:
    return Client.objects.get(name="Shop")


def test_a_web_app_is_the_first_answer() -> None:
    shown = ask(permissions=READ)
    assert shown.status_code == 200
    client = metadata_of(made())
    assert (client.grant_types, client.public) == (("authorization_code", "refresh_token"), False)
    assert client.scope == "openid profile email offline_access orders.read"
    assert [(one.value, one.default) for one in client.audience] == [(ORDERS, False)]
    assert 'id="shown-secret"' in shown.content.decode()
