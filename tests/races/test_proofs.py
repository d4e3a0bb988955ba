"""The same DPoP proof at the same moment, on three processes: one token, and none is shown twice (rule D5)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from clients.models import AccessToken
from tests.provider.proving import Holder
from tests.races.conftest import ROUNDS
from tests.world import SECRETS

pytestmark = pytest.mark.postgresql
PARALLEL = 8


def issuer_of(address: str) -> str:
    return address.replace("127.0.0.1", "localhost")


def at_once(method: str, url: str, headers: dict[str, str], **sent: object) -> list[tuple[int, str]]:
    """The same request from so many connections that wait for each other: statuses, and errors."""
    start = threading.Barrier(PARALLEL)

    def send(_number: int) -> tuple[int, str]:
        start.wait(timeout=60)
        response = requests.request(method, url, headers=headers, timeout=30, **sent)  # type: ignore[arg-type]
        return response.status_code, response.json().get("error", "")

    with ThreadPoolExecutor(PARALLEL) as pool:
        return sorted(pool.map(send, range(PARALLEL)))


def test_of_one_proof_shown_at_once_one_is_accepted(servers: str) -> None:
    holder = Holder()
    for round_ in range(1, ROUNDS + 1):
        proof = holder.proof(f"{issuer_of(servers)}/oauth2/token")
        form = {"grant_type": "client_credentials"}
        auth = ("service", SECRETS["service"])
        answers = at_once("POST", f"{servers}/oauth2/token", {"DPoP": proof}, data=form, auth=auth)
        assert answers == [(200, ""), *[(400, "invalid_dpop_proof")] * (PARALLEL - 1)]
        assert AccessToken.objects.count() == round_


def test_at_a_protected_resource_too(servers: str) -> None:
    holder = Holder()
    proof = holder.proof(f"{issuer_of(servers)}/oauth2/token")
    auth = ("service", SECRETS["service"])
    form = {"grant_type": "client_credentials"}
    answer = requests.post(f"{servers}/oauth2/token", form, auth=auth, headers={"DPoP": proof}, timeout=30)
    token, url = answer.json()["access_token"], "/oauth2/userinfo"
    for _round in range(ROUNDS):
        headers = {"Authorization": f"DPoP {token}", "DPoP": holder.proof(f"{issuer_of(servers)}{url}", "GET", token)}
        answers = at_once("GET", f"{servers}{url}", headers)
        assert answers == [(200, ""), *[(401, "invalid_dpop_proof")] * (PARALLEL - 1)]
