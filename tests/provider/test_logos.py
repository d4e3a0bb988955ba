"""Logos of clients: fetched by us, seldom, and shown only when they are pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client as Http

from clients.models import Client
from projects.facts import OUTSIDE
from provider import logos
from provider.facts import find_client
from tests.provider.key_server import KeyServer, serving_keys
from tests.world import Browser

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]
PNG = b"\x89PNG\r\n\x1a\n..."
PICTURES = {
    PNG: "image/png",
    b"\xff\xd8\xff..": "image/jpeg",
    b"GIF89a": "image/gif",
    b"RIFF....WEBPVP8 ": "image/webp",
}


@pytest.fixture
def server(settings: Any) -> Iterator[KeyServer]:
    settings.IS_LOCAL = True
    logos.forget()
    with serving_keys() as server:
        Client.objects.filter(client_id="web").update(logo_uri=server.url)
        yield server
    logos.forget()


@pytest.mark.parametrize("picture", PICTURES, ids=PICTURES.get)
def test_a_picture_is_shown_as_what_it_is_and_asked_for_once(server: KeyServer, picture: bytes) -> None:
    server.body = picture
    server.headers = {"Content-Type": "text/html"}
    for _ in range(2):
        answer = Http().get("/oauth2/logo/web")
        assert (answer.status_code, answer["Content-Type"], answer.content) == (200, PICTURES[picture], picture)
        assert (answer["X-Content-Type-Options"], "sandbox" in answer["Content-Security-Policy"]) == ("nosniff", True)
    assert server.asked == 1


@pytest.mark.parametrize("body", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", PNG + b"x" * 65_536])
def test_what_is_no_picture_is_not_shown_nor_asked_for_again(server: KeyServer, body: bytes) -> None:
    server.body = body
    assert [Http().get("/oauth2/logo/web").status_code for _ in range(2)] == [404, 404]
    assert server.asked == 1


def test_a_client_without_a_logo_a_disabled_one_and_nobody_have_none(server: KeyServer) -> None:
    server.body = PNG
    Client.objects.filter(client_id="retired").update(logo_uri=server.url)
    for name in ("sibling", "retired", "nobody", "a/b", "%00"):
        assert Http().get(f"/oauth2/logo/{name}").status_code in (400, 404)
    assert server.asked == 0


def test_nobody_vouches_for_the_logo_of_a_guest(server: KeyServer) -> None:
    web = find_client("web")
    assert web is not None
    assert logos.address_of(web) == server.url
    assert logos.find(replace(web, project=OUTSIDE)) is None


def test_while_others_are_fetched_nobody_waits(server: KeyServer) -> None:
    server.body = PNG
    taken = [logos._fetches.acquire(blocking=False) for _ in range(logos.MAX_FETCHES)]
    try:
        assert Http().get("/oauth2/logo/web").status_code == 404
    finally:
        for _ in taken:
            logos._fetches.release()
    assert Http().get("/oauth2/logo/web").status_code == 200, "it was not held against the address"


def test_the_consent_page_leads_browsers_to_us_and_nowhere_else(server: KeyServer) -> None:
    page = Browser("owner").authorize("web").content.decode()
    assert ' src="/oauth2/logo/web?' in page
    assert server.url not in page
