"""One assertion, or one `jti` in several, sent at the same moment to three processes: it proves its client once."""

from __future__ import annotations

import collections
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.provider.assertions import assertion, proving, registered
from tests.races.conftest import ROUNDS

pytestmark = pytest.mark.postgresql
PARALLEL = 8


def at_once(address: str, tokens: list[str]) -> list[tuple[int, str]]:
    """Each in a request of its own, from connections that wait for each other."""
    start = threading.Barrier(len(tokens))

    def send(token: str) -> tuple[int, str]:
        start.wait(timeout=60)
        form = proving(token, grant_type="client_credentials")
        answer = requests.post(f"{address}/oauth2/token", form, timeout=30)
        return answer.status_code, answer.json().get("error", "")

    with ThreadPoolExecutor(len(tokens)) as pool:
        return list(pool.map(send, tokens))


def test_an_assertion_proves_its_client_once_a4(servers: str) -> None:
    registered()
    for turn in range(ROUNDS):
        tokens = [
            assertion(aud=str(servers).replace("127.0.0.1", "localhost"), jti=f"turn-{turn}") for _ in range(PARALLEL)
        ]
        outcomes = collections.Counter(at_once(servers, tokens))
        assert outcomes == {(200, ""): 1, (401, "invalid_client"): PARALLEL - 1}
