"""While the database only reads, whatever has to write says so and when to come back: 503, never 500."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Http

from tests import journey
from tests.idp.reading import only_reading
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]

Deed = Callable[[], Any]


def _signed_in() -> Http:
    http = Browser("owner").http
    http.raise_request_exception = False
    return http


def _visitor() -> Http:
    return Http(raise_request_exception=False)


def signing_in() -> Deed:
    return lambda: _visitor().post("/accounts/login/", {"login": "owner", "password": "owner-pw"})


def a_wrong_password() -> Deed:
    return lambda: _visitor().post("/accounts/login/", {"login": "owner", "password": "wrong"})


def signing_out() -> Deed:
    http = _signed_in()
    return lambda: http.post("/accounts/logout/")


def authorizing() -> Deed:
    browser = Browser("owner")
    browser.code("web")
    browser.http.raise_request_exception = False
    return lambda: browser.authorize("web")


def changing_a_password() -> Deed:
    http = _signed_in()
    form = {"oldpassword": "owner-pw", "password1": "another long one 1", "password2": "another long one 1"}
    return lambda: http.post("/accounts/password/change/", form)


def asking_for_a_token() -> Deed:
    return lambda: App("service").token(grant_type="client_credentials")


@pytest.mark.parametrize(
    "prepare",
    [
        signing_in,
        a_wrong_password,
        signing_out,
        authorizing,
        changing_a_password,
        asking_for_a_token,
    ],
)
def test_what_has_to_write_is_unavailable(prepare: Callable[[], Deed]) -> None:
    deed = prepare()
    with only_reading():
        response = deed()
    assert (response.status_code, response["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/.well-known/jwks.json", "/healthz/live"])
def test_what_only_reads_goes_on(path: str) -> None:
    with only_reading():
        assert _visitor().get(path).status_code == 200


@pytest.mark.parametrize("command", journey.READING, ids=" ".join)
def test_what_a_replica_may_be_asked_writes_nothing(command: tuple[str, ...]) -> None:
    """As docs/operations.md says: a report or an export needs no primary."""
    Browser("owner").tokens("web")
    with only_reading():
        assert journey.run(*command)


def test_the_page_names_what_a_replica_may_be_asked() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    chapter = page.partition("\n### A replica that may be read\n")[2].partition("\n### ")[0]
    row = next(line for line in chapter.splitlines() if line.startswith("| `report`"))
    assert re.findall(r"`(\w+)`", row) == [name for name, *_options in journey.READING]
