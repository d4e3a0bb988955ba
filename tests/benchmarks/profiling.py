"""Processor time per request in one process, without a server: `.venv/bin/python -m tests.benchmarks --profile`.

Runs by itself in the process that has the installation's environment; arguments are flows, standard input the secrets.
"""

from __future__ import annotations

import cProfile
import io
import json
import pstats
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from tests.benchmarks import vestibule_data as data
from tests.benchmarks.flows import FLOWS, ITEM, Flow, Items
from tests.benchmarks.load import Call, WrongAnswer
from tests.benchmarks.peers.vestibule import Installation, Vestibule

from idp.wsgi import application  # isort: skip - the line above sets Django up

WARM_UP, BATCHES, BATCH = 50, 10, 50
FUNCTIONS = 12


def answered(call: Call, item: str) -> str:
    """What `call` is answered without a connection."""
    body = call.body.replace(ITEM, quote(item, safe="")).encode()
    environ = {
        "REQUEST_METHOD": call.flow.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": call.path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost:8000",
        "HTTP_AUTHORIZATION": call.authorization.replace(ITEM, item),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if not call.authorization:
        del environ["HTTP_AUTHORIZATION"]
    if call.flow.proof:
        environ["HTTP_DPOP"] = item
    statuses: list[str] = []
    start: Any = lambda status, _headers, _error=None: statuses.append(status)  # noqa: E731
    response: Any = application(environ, start)
    answer = b"".join(response).decode()
    if hasattr(response, "close"):
        response.close()
    if statuses != ["200 OK"] or call.wanted not in answer:
        raise WrongAnswer(f"{call.flow.key}: {statuses} {answer[:300]}")
    return answer


class Inside(Vestibule):
    """Ourselves in this process."""

    def __init__(self, secrets: dict[str, str]) -> None:
        super().__init__("inside", "Vestibule in one process")
        self.installation = Installation({}, secrets)

    @property
    def issuer(self) -> str:
        return "http://localhost:8000"

    def codes(self, role: str, count: int) -> list[str]:
        return data.codes(f"bench-{role}", count)

    def exchanged(self, role: str, count: int) -> list[dict[str, str]]:
        call = self.call(replace(FLOWS["code"], client=role))
        return [json.loads(answered(call, code)) for code in self.codes(role, count)]


@dataclass
class Requests:
    """One request after the other."""

    call: Call
    items: list[str]

    def __call__(self) -> None:
        item = self.items.pop(0) if self.items else ""
        answer = answered(self.call, item)
        if self.call.flow.items is Items.CHAIN:
            item = json.loads(answer)[self.call.flow.token]
        if self.call.flow.items in (Items.CHAIN, Items.CYCLE):
            self.items.append(item)


def batch(request: Callable[[], None]) -> float:
    """Microseconds of this processor for one."""
    before = time.process_time()
    for _ in range(BATCH):
        request()
    return (time.process_time() - before) / BATCH * 1e6


def profile(peer: Inside, flow: Flow) -> str:
    count = WARM_UP + (BATCHES + 1) * BATCH if flow.items is Items.ONCE else 20
    request = Requests(peer.call(flow), peer.items(flow, count))
    for _ in range(WARM_UP):
        request()
    found = [batch(request) for _ in range(BATCHES)]
    profiler = cProfile.Profile()
    profiler.runcall(batch, request)
    return f"{flow.title}: {min(found):,.0f} µs at least, median {median(found):,.0f} µs\n{functions(profiler)}"


def functions(profiler: cProfile.Profile) -> str:
    """Those that take longest themselves, as a part of all; the profiler's own cost is in it."""
    stats: Any = pstats.Stats(profiler)
    rows = sorted(((own, calls, name) for name, (_, calls, own, _, _) in stats.stats.items()), reverse=True)
    return "".join(
        f"  {own / stats.total_tt:6.1%}  {calls / BATCH:6.1f} calls  {said(name)}\n"
        for own, calls, name in rows[:FUNCTIONS]
    )


def said(name: tuple[str, int, str]) -> str:
    file, line, function = name
    return f"{'/'.join(Path(file).parts[-3:])}:{line} {function}" if line else function


if __name__ == "__main__":
    inside = Inside(json.load(sys.stdin))
    for key in sys.argv[1:]:
        sys.stdout.write(profile(inside, FLOWS[key]) + "\n")
        sys.stdout.flush()
