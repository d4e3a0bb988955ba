"""A process is killed while apps refresh: what was answered holds, what was in flight is asked again."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
import requests

from clients.models import Authorization
from tests.races.conftest import Servers
from tests.races.test_tokens import new_authorization
from tests.world import SECRETS, App

pytestmark = pytest.mark.postgresql
APPS = 6
KILLS = 3
CALM = 0.7  # seconds of traffic before each


@dataclass
class Chain:
    """What one app was answered, refreshing as fast as it can with a token that rotates."""

    authorization: Authorization
    token: str
    access_tokens: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    in_flight: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    def go_on(self, address: str, over: threading.Event) -> None:
        with requests.Session() as session:
            while not over.is_set():
                self.refresh(session, address)

    def refresh(self, session: requests.Session, address: str) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": self.token}
        try:
            answer = session.post(f"{address}/oauth2/token", form, auth=("desk", SECRETS["desk"]), timeout=60)
        except (requests.ConnectionError, requests.Timeout):
            self.in_flight += 1  # whether it was done nobody knows: the same token is sent again
            return
        if answer.status_code != 200:
            self.refused.append((answer.status_code, answer.text))
            return
        self.used.append(self.token)
        self.token = answer.json()["refresh_token"]
        self.access_tokens.append(answer.json()["access_token"])


def workers_of(process: subprocess.Popen[bytes]) -> set[int]:
    done = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True)
    return {int(line) for line in done.stdout.split()}


def replaced(process: subprocess.Popen[bytes], victim: int, before: set[int]) -> bool:
    now = workers_of(process)
    return victim not in now and len(now) == len(before)


def test_killed_processes_lose_nothing_that_was_answered(servers: Servers) -> None:
    chains = [Chain(*new_authorization("desk")) for _ in range(APPS)]
    over = threading.Event()
    with ThreadPoolExecutor(APPS) as pool:
        running = [pool.submit(chain.go_on, servers, over) for chain in chains]
        try:
            for victim in sorted(workers_of(servers.process))[-KILLS:]:
                time.sleep(CALM)
                before = workers_of(servers.process)
                os.kill(victim, signal.SIGKILL)
                until = time.monotonic() + 20
                while not replaced(servers.process, victim, before):
                    assert time.monotonic() < until, "the worker was not started again"
                    time.sleep(0.05)
            time.sleep(CALM)
        finally:
            over.set()
    for one in running:
        one.result()

    assert [chain.refused for chain in chains] == [[]] * APPS
    assert sum(chain.in_flight for chain in chains) <= KILLS * APPS, "those in flight, and no others"
    for chain in chains:
        assert len(chain.access_tokens) > 10
        chain.authorization.refresh_from_db()
        assert chain.authorization.ended_at is None
        assert len(set(chain.access_tokens)) == len(chain.access_tokens)
        for access_token in (chain.access_tokens[0], chain.access_tokens[-1]):
            assert App("desk").introspect(access_token).json()["active"]
        answer = App("desk").refresh(chain.used[0])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), "rotated before the first kill"
