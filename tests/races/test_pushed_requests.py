"""A pushed request that comes several times at the same moment, on three processes: one code (rule P6)."""

from __future__ import annotations

import collections
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.conf import settings

from clients.models import Grant, PushedRequest
from tests.races.conftest import ROUNDS
from tests.world import CHALLENGE, REDIRECTS, SECRETS, Browser

pytestmark = pytest.mark.postgresql
PARALLEL = 8


def push(address: str) -> str:
    form = {
        "response_type": "code",
        "redirect_uri": REDIRECTS["web"],
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    answer = requests.post(f"{address}/oauth2/par", form, auth=("web", SECRETS["web"]), timeout=30)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["request_uri"])


def come_at_once(address: str, reference: str, session: str) -> list[requests.Response]:
    start = threading.Barrier(PARALLEL)
    cookies = {f"vestibule-session-{urlsplit(address).port}": session}
    query = {"client_id": "web", "request_uri": reference}

    def come(_number: int) -> requests.Response:
        start.wait(timeout=60)
        address_of_page = f"{address}/oauth2/authorize"
        return requests.get(address_of_page, query, cookies=cookies, allow_redirects=False, timeout=30)

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(come, range(PARALLEL)))


def test_one_reference_brings_one_code(servers: str) -> None:
    browser = Browser("owner")
    browser.code("web")
    session = browser.http.cookies[settings.SESSION_COOKIE_NAME].value
    before = Grant.objects.count()
    for number in range(1, ROUNDS + 1):
        answers = come_at_once(servers, push(servers), session)
        statuses = collections.Counter(answer.status_code for answer in answers)
        assert statuses == {302: 1, 400: PARALLEL - 1}, [answer.text[:300] for answer in answers]
        (there,) = [answer.headers["Location"] for answer in answers if answer.status_code == 302]
        assert "code" in parse_qs(urlsplit(there).query), there
        assert Grant.objects.count() == before + number
    assert not PushedRequest.objects.exists()
