"""What every peer has: a server of its own, clients in the roles of the flows, and a way to codes in bulk."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psycopg

from tests.benchmarks import databases
from tests.benchmarks.flows import FLOWS, Flow, Items
from tests.benchmarks.load import Call, basic
from tests.benchmarks.machine import Cores, parent_of
from tests.benchmarks.processes import free_port, running, wait_for
from tests.benchmarks.proofs import assertions, proofs

ROOT = databases.ROOT
CACHE = ROOT / ".bench"  # installed peers and logs; not in git
PYTHON = sys.executable
GOOD_FOR_ALL = "a-secret-of-the-benchmark-0123456789abcdef0123456789abcdef"


@dataclass
class Setting:
    """What a run offers its peers. `stack` ends everything that was begun."""

    stack: ExitStack
    cores: Cores
    workers: int
    private_postgres: bool
    clients: int = 100_000  # in a full installation
    tokens: int = 1_000_000
    shared: dict[str, object] = field(default_factory=dict)

    @cached_property
    def postgres(self) -> str:
        return self.stack.enter_context(databases.postgres(private=self.private_postgres))

    @cached_property
    def database_process(self) -> int | None:
        """The first process of our own PostgreSQL. What one that others use spends its time on is not known."""
        if not self.private_postgres:
            return None
        with psycopg.connect(self.postgres) as connection:
            return parent_of(connection.info.backend_pid)

    @cached_property
    def redis(self) -> str:
        return self.stack.enter_context(databases.redis())

    def database(self) -> str:
        return self.stack.enter_context(databases.database(self.postgres))


class Peer(ABC):
    """`flows` it can do; `paths` of its endpoints; `extra` is added to the body of a flow."""

    name = ""
    title = ""
    flows: Sequence[str] = tuple(FLOWS)
    paths: Mapping[str, str] = {}
    extra: Mapping[str, str] = {}
    wanted: Mapping[str, str] = {}  # what stands in a good answer where it is not what the flow says
    programs: Mapping[str, str] = {}  # what it needs: program -> Debian package
    root = ROOT  # the checkout its server runs from
    slow = False  # answers take a second: it is measured for longer
    origin = ""
    session = 0

    @abstractmethod
    def start(self, setting: Setting) -> None:
        """Bring up server and data; `origin` and `session` are known afterwards."""

    def credentials(self, role: str) -> tuple[str, str]:
        """Client id and secret of the client in this role."""
        return f"bench-{role}", GOOD_FOR_ALL

    @property
    def issuer(self) -> str:
        """What its proofs are for."""
        return self.origin

    @abstractmethod
    def codes(self, role: str, count: int) -> list[str]:
        """Unused codes of a person for the client in this role, by the quickest way the peer has.

        Authorization codes; of the role `device` device codes that somebody allowed.
        """

    def call(self, flow: Flow) -> Call:
        authorization = ""
        if flow.client:
            authorization = basic(*(quote(part, safe="") for part in self.credentials(flow.client)))
        elif flow.path == "userinfo":
            authorization = "Bearer {item}"
        body = flow.body + self.extra.get(flow.key, "")
        wanted = self.wanted.get(flow.key, flow.wanted)
        return Call(flow, self.origin, self.paths[flow.path], body, authorization, wanted)

    def exchanged(self, role: str, count: int) -> list[dict[str, str]]:
        """That many codes exchanged for tokens at the token endpoint."""
        call = self.call(replace(FLOWS["code"], client=role))
        return [json.loads(call.once(code)) for code in self.codes(role, count)]

    def items(self, flow: Flow, count: int) -> list[str]:
        """Codes or tokens nobody has used. Access tokens are those of the client that people sign in to."""
        if flow.items is Items.NONE:
            return []
        if flow.proof:
            return proofs(self.issuer + self.paths[flow.path], count)
        if flow.assertion:
            return assertions(self.credentials("key")[0], self.issuer, count)
        if flow.items is Items.ONCE:
            return self.codes(flow.client or "web", count)
        role = flow.client if flow.token == "refresh_token" and flow.client else "web"
        return [answer[flow.token] for answer in self.exchanged(role, count)]

    def serve(self, setting: Setting, command: Sequence[str], environment: Mapping[str, str], port: int) -> None:
        """Run the server under test on its core until the run ends."""
        CACHE.mkdir(exist_ok=True)
        log = CACHE / f"{self.name}.log"
        log.write_bytes(b"")
        line = [*setting.cores.put_there(), *command]
        self.session = setting.stack.enter_context(running(line, environment, self.root, log))
        self.origin = f"http://127.0.0.1:{port}"
        wait_for(self.origin + self.paths["jwks"], log)


def new_port() -> int:
    return free_port()


def package(name: str) -> Path:
    return Path(__file__).parent.parent / name
