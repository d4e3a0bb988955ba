"""The load generator: wrk with one script, one thread, a few connections."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.figures import Run
from tests.benchmarks.flows import ITEM, Flow, Items
from tests.benchmarks.machine import cpu_seconds, cpu_seconds_below

SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Call:
    """One request of a flow at one peer; {item} in it stands for a token or code."""

    flow: Flow
    origin: str
    path: str
    body: str
    authorization: str
    wanted: str

    @property
    def url(self) -> str:
        return self.origin + self.path

    def once(self, item: str = "") -> str:
        """Send it by hand and look at the answer: error answers are quick, and must not be taken for speed."""
        body = self.body.replace(ITEM, item).encode() or None
        headers = {"Authorization": self.authorization.replace(ITEM, item)} if self.authorization else {}
        if self.flow.proof:
            headers["DPoP"] = item
        request = urllib.request.Request(self.url, body, headers, method=self.flow.method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = str(response.read(), "utf-8")
        except urllib.error.HTTPError as error:
            raise WrongAnswer(f"{error.code} {error.read()[:300]!r}") from None
        dead = re.search(r'"active"\s*:\s*false', answer)
        if self.wanted not in answer or dead:
            raise WrongAnswer(f"no good answer, it has only: {', '.join(json.loads(answer))}")
        return answer


class WrongAnswer(Exception):
    """Not what the flow is about; the point is left out of the figures."""


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def press(
    call: Call, items: Sequence[str], *, session: int, seconds: int, connections: int, database: int | None = None
) -> Run:
    """As many requests as the server answers in these seconds. `database` is the first process of one."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(items))
        file.flush()
        environment = {
            "BENCH_METHOD": call.flow.method,
            "BENCH_PATH": call.path,
            "BENCH_BODY": call.body,
            "BENCH_AUTHORIZATION": call.authorization,
            "BENCH_KIND": str(call.flow.items),
            "BENCH_PROOF": "yes" if call.flow.proof else "",
            "BENCH_ITEMS": "" if call.flow.items is Items.NONE else file.name,
        }
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT)]
        before, database_before = cpu_seconds(session), cpu_seconds_below(database)
        result = subprocess.run(
            [*command, call.origin], env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        used, database_used = cpu_seconds(session) - before, cpu_seconds_below(database) - database_before
    found = re.search(r"^FIGURES( \d+){7}$", result.stdout, re.MULTILINE)
    if not found:
        raise WrongAnswer(f"wrk said: {result.stdout[-300:]}{result.stderr[-300:]}")
    requests, micros, p50, p99, refused, broken, ran_out = map(int, found[0].split()[1:])
    return Run(requests, refused, broken, micros / 1e6, p50 / 1000, p99 / 1000, used, database_used, ran_out)
