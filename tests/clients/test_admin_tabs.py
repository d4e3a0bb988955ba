"""The page of an app in tabs: on each of its parts, for whoever may look, leading to what is there."""

from __future__ import annotations

import re

import pytest

from clients.admin.tabs import TABS, address
from tests.console import browser, client, page

pytestmark = [pytest.mark.usefixtures("console"), pytest.mark.any_database]


def tabs_of(html: str) -> dict[str, bool]:
    """Their labels, and whether each is the one that is shown."""
    [found] = re.findall(r'<nav class="tabs".*?</nav>', html, re.DOTALL)
    links = re.findall(r'<a href="[^"]+"([^>]*)>([^<]+)</a>', found)
    return {label: "aria-current" in attributes for attributes, label in links}


@pytest.mark.parametrize("username", ["root", "owner", "editor", "viewer"])
def test_each_part_stands_under_its_tab(username: str) -> None:
    http = browser(username)
    for _key, label, part in TABS:
        html = http.get(address(client(), part)).content.decode()
        assert [shown for shown, here in tabs_of(html).items() if here] == [str(label)]
        assert "data-copy-this>web<" in html
        assert (f'href="{address(client(), "switch")}"' in html) is (username != "viewer")


def test_an_outsider_finds_no_part_of_it() -> None:
    http = browser("outsider")
    for key, _label, part in TABS:
        answer = http.get(address(client(), part))
        assert answer.status_code in (302, 404), key
        assert "Acme web" not in answer.content.decode()


@pytest.mark.parametrize("page_of_it", ["history", "delete"])
def test_its_history_and_its_end_say_of_which_app(page_of_it: str) -> None:
    html = browser("editor").get(page(f"clients_client_{page_of_it}", client().pk)).content.decode()
    assert tabs_of(html)["Advanced"]
    assert "data-copy-this>web<" in html


def test_the_tab_of_keys_leads_to_them_where_they_prove_the_app() -> None:
    app = client()
    assert address(app, "secrets") == page("clients_client_secrets", app.pk)
    app.token_endpoint_auth_method = "private_key_jwt"
    assert address(app, "secrets") == page("clients_client_keys", app.pk)
