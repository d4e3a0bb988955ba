"""Requests with the same code or refresh token at the same moment, on three processes: one outcome, no fault."""

from __future__ import annotations

import collections
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from accounts.models import User
from clients.models import Authorization, RefreshToken
from provider.facts import find_client
from provider.keys import mint
from provider.protocol.facts import ClientFacts
from provider.store import authorizations
from tests.races.conftest import ROUNDS
from tests.world import REDIRECTS, SECRETS, VERIFIER, Browser

pytestmark = pytest.mark.postgresql
PARALLEL = 8
THINGS = 24  # that a page loads at once, each through a copy of the app's session
Answer = tuple[int, dict[str, Any]]


def at_once(address: str, client_id: str, form: dict[str, str], times: int = PARALLEL) -> list[Answer]:
    """Send the same token request from so many connections that wait for each other."""
    start = threading.Barrier(times)

    def send(_number: int) -> Answer:
        start.wait(timeout=60)
        response = requests.post(f"{address}/oauth2/token", form, auth=(client_id, SECRETS[client_id]), timeout=30)
        return response.status_code, json.loads(response.text)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(send, range(times)))


def new_authorization(client_id: str) -> tuple[Authorization, str]:
    client = find_client(client_id)
    assert isinstance(client, ClientFacts)
    token = mint.opaque()
    scopes = ("openid", "offline_access")
    return authorizations.grant_refresh_token(client, User.objects.get(username="owner"), scopes, token), token


def refresh(address: str, client_id: str, token: str) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return requests.post(f"{address}/oauth2/token", form, auth=(client_id, SECRETS[client_id]), timeout=30)


def test_of_parallel_refreshes_all_get_the_same_successor(servers: str) -> None:
    for _round in range(ROUNDS):
        authorization, token = new_authorization("desk")
        answers = at_once(servers, "desk", {"grant_type": "refresh_token", "refresh_token": token}, THINGS)
        assert [status for status, _body in answers] == [200] * THINGS, answers
        assert len({body["access_token"] for _status, body in answers}) == THINGS
        (successor,) = {body["refresh_token"] for _status, body in answers}
        authorization.refresh_from_db()
        assert (authorization.generation, authorization.ended_at) == (1, None)
        assert refresh(servers, "desk", successor).status_code == 200


def test_one_a_generation_older_ends_everything(servers: str) -> None:
    authorization, token = new_authorization("desk")
    answers = at_once(servers, "desk", {"grant_type": "refresh_token", "refresh_token": token})
    assert refresh(servers, "desk", answers[0][1]["refresh_token"]).status_code == 200
    refused = refresh(servers, "desk", token)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    authorization.refresh_from_db()
    assert authorization.ended_because == "refresh token used twice"


def test_a_refresh_token_that_does_not_rotate_serves_them_all(servers: str) -> None:
    authorization, token = new_authorization("web")
    answers = at_once(servers, "web", {"grant_type": "refresh_token", "refresh_token": token})
    assert [status for status, _body in answers] == [200] * PARALLEL
    assert len({body["access_token"] for _status, body in answers}) == PARALLEL
    assert RefreshToken.objects.filter(authorization=authorization).count() == 1


def test_of_parallel_exchanges_of_a_code_one_succeeds_and_the_others_end_nothing(servers: str) -> None:
    for _round in range(ROUNDS):
        code = Browser("owner").code("web", prompt="consent")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECTS["web"],
            "code_verifier": VERIFIER,
        }
        answers = at_once(servers, "web", form)
        statuses = collections.Counter(status for status, _body in answers)
        assert statuses == {200: 1, 400: PARALLEL - 1}, answers
        assert {body["error"] for status, body in answers if status == 400} == {"invalid_grant"}
        (token,) = [body["access_token"] for status, body in answers if status == 200]
        userinfo = requests.get(f"{servers}/oauth2/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=30)
        assert userinfo.status_code == 200, "the same party asked more than once"
