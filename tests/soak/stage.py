"""Everything that a soak runs: the pair, what stands around it, three nodes, and the load."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from tests.soak import neighbours, world
from tests.soak.client import trusting
from tests.soak.ledger import Ledger
from tests.soak.load import Load
from tests.soak.neighbours import Neighbour
from tests.soak.nodes import Nodes, nodes
from tests.soak.pair import SUPERUSER, Pair, pair
from tests.soak.place import Place, free_port, say

NODES = 3
WITH_WORKER = (1, 2)
# The role has the limit, for a pooler does not pass it on. Commands may take longer.
STATEMENT_TIMEOUT = "5s"
UNLIMITED = "options=-c%20statement_timeout%3D0"


@dataclass
class Stage:
    place: Place
    password: str
    pair: Pair
    primary: Neighbour
    bouncer: Neighbour
    redis: Neighbour
    nodes: Nodes
    web: Neighbour
    load: Load

    @property
    def direct(self) -> str:
        """For commands: not through the pooler."""
        return direct(self.password, self.primary.port)

    def command(self, *arguments: str) -> str:
        return self.nodes.command(*arguments, DATABASE_URL=self.direct)

    def administrate(self, statement: sql.SQL, database: str = "postgres") -> None:
        with psycopg.connect(self.superuser(database), autocommit=True) as connection:
            connection.execute(statement)

    def superuser(self, database: str) -> str:
        return f"postgres://{SUPERUSER}:{self.password}@127.0.0.1:{self.primary.port}/{database}"


def direct(password: str, port: int) -> str:
    return f"postgres://vestibule:{password}@127.0.0.1:{port}/vestibule?{UNLIMITED}"


def _make_database(password: str, port: int) -> None:
    address = f"postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/postgres?connect_timeout=5"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("create role vestibule login password {}").format(sql.Literal(password)))
        limit = sql.Literal(STATEMENT_TIMEOUT)
        connection.execute(sql.SQL("alter role vestibule set statement_timeout = {}").format(limit))
        connection.execute("create database vestibule owner vestibule")


@contextmanager
def stage(place: Place) -> Iterator[Stage]:
    with ExitStack() as stack:
        password = secrets.token_hex(16)
        say("Starting PostgreSQL twice, with Patroni and etcd ...")
        made = stack.enter_context(pair(place, password))
        primary = stack.enter_context(neighbours.primary(place, made.members))
        _make_database(password, primary.port)
        bouncer = stack.enter_context(neighbours.bouncer(place, primary.port, password))
        redis = stack.enter_context(neighbours.redis(place))
        pooled = f"postgres://vestibule:{password}@127.0.0.1:{bouncer.port}/vestibule?DISABLE_SERVER_SIDE_CURSORS=True"
        public = free_port()
        say("Making the installation ...")
        served = stack.enter_context(nodes(place, public, pooled, f"redis://127.0.0.1:{redis.port}/0"))
        known = _installed(place, served, direct(password, primary.port))
        say("Starting three nodes ...")
        ports = [free_port() for _ in range(NODES)]
        for number, port in enumerate(ports, start=1):
            served.members.append(served.start(number, port, worker=number in WITH_WORKER))
        for node in served.members:
            served.wait_ready(node)
        web = stack.enter_context(neighbours.web(place, public, served.certificate, ports))
        load = Load(Ledger(), served.issuer, public, ports, trusting(served.certificate), known)
        try:
            yield Stage(place, password, made, primary, bouncer, redis, served, web, load)
        finally:
            load.end()


def _installed(place: Place, served: Nodes, address: str) -> dict[str, str]:
    """Tables, keys and the world; the secrets of its clients."""
    served.command("quickstart", "--no-demo", DATABASE_URL=address)
    written = place.make("world.yaml", world.document(served.issuer))
    said = json.loads(served.command("applyconfig", str(written), "--format", "json", DATABASE_URL=address))
    found: dict[str, str] = said["generated_secrets"]
    return found
