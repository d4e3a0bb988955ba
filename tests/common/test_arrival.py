"""What a request is called: as a proxy of ours says, else by a short id of its own."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import RequestFactory

from common.arrival import arrival_of

MADE = re.compile(r"[0-9a-f]{8}")
PROXY, GIVEN = "10.0.0.1", "5f1c9b7e-0d1e.A_b:c=1"


def named(sent: str, peer: str = PROXY) -> str:
    request = RequestFactory(REMOTE_ADDR=peer).get("/", HTTP_X_REQUEST_ID=sent)
    arrival = arrival_of(request)
    assert arrival_of(request) is arrival, "the same one each time"
    return arrival.id


@pytest.fixture(autouse=True)
def _behind_a_proxy(settings: Any) -> None:
    settings.IDP_TRUSTED_PROXIES = ["10.0.0.0/8"]


def test_a_proxy_of_ours_names_requests() -> None:
    assert named(GIVEN) == GIVEN


def test_nobody_else_does() -> None:
    assert MADE.fullmatch(named(GIVEN, peer="192.0.2.1"))


@pytest.mark.parametrize("sent", ["", "a b", "a\nforged line", "<b>", "x" * 65, 'a"', "ä"])
def test_a_name_that_could_be_read_as_something_else_is_none(sent: str) -> None:
    assert MADE.fullmatch(named(sent))


def test_two_requests_are_two() -> None:
    assert named("", "192.0.2.1") != named("", "192.0.2.1")
