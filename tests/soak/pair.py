"""A PostgreSQL pair that fails over by itself: Patroni, and etcd to agree in. docs/operations.md has the settings."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tests.soak.guard import guarded
from tests.soak.place import Failed, Place, Running, free_port, listens, say, until

Settings: TypeAlias = dict[str, object]
SUPERUSER, REPLICATION = "postgres", "replicator"
NAMES = ("db1", "db2")
DISK = 600  # megabytes of each member, where we may say so
TTL = 20  # seconds until the standby takes over from one that says nothing: the least that Patroni takes
IN_CLUSTER: Settings = {
    "ttl": TTL,
    "loop_wait": 2,
    "retry_timeout": 5,
    "maximum_lag_on_failover": 1_048_576,
    "synchronous_mode": True,
    "failsafe_mode": True,
    "postgresql": {
        "use_pg_rewind": True,
        "parameters": {
            "max_connections": 100,
            "wal_sender_timeout": "5s",
            "wal_receiver_timeout": "5s",
            "wal_log_hints": "on",
            "wal_keep_size": "64MB",
            "max_wal_size": "128MB",
            "tcp_keepalives_idle": 10,
            "tcp_keepalives_interval": 5,
            "tcp_keepalives_count": 3,
        },
    },
}


def programs() -> Path:
    """Where Debian keeps those of the newest PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise Failed("PostgreSQL is not installed")
    return found[-1].parent


@dataclass
class Member:
    """One server and the Patroni beside it."""

    place: Place
    name: str
    port: int
    rest: int
    data: Path
    configuration: Path
    patroni: Running

    @property
    def home(self) -> Path:
        return self.data.parent

    def status(self) -> dict[str, object]:
        """What Patroni says of it; {} when it says nothing."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}/patroni", timeout=2) as answer:
                said: dict[str, object] = json.load(answer)
                return said
        except (OSError, ValueError):
            return {}

    @property
    def leads(self) -> bool:
        said = self.status()
        return said.get("role") == "master" and said.get("state") == "running"

    @property
    def follows(self) -> bool:
        said = self.status()
        return said.get("role") == "replica" and said.get("state") == "running"

    def postmaster(self) -> int | None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            number = int((self.data / "postmaster.pid").read_text().split()[0])
            if Path(f"/proc/{number}").exists():
                return number
        return None

    def signal_database(self, number: signal.Signals) -> None:
        """To the server and every process of it; to the children first, for who sees a child die starts anew."""
        if main := self.postmaster():
            for one in [*children(main), main]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, number)

    def kill(self) -> None:
        """Both, without a word, as when the machine is gone."""
        self.patroni.send(signal.SIGSTOP)
        self.signal_database(signal.SIGSTOP)
        self.signal_database(signal.SIGKILL)
        self.patroni.kill()

    def hang(self) -> None:
        self.patroni.hang()
        self.signal_database(signal.SIGSTOP)

    def go_on(self) -> None:
        self.signal_database(signal.SIGCONT)
        self.patroni.go_on()

    def start(self) -> None:
        self.patroni = self.place.start(self.name, ["patroni", self.configuration])


def children(process: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


@dataclass
class Pair:
    place: Place
    members: list[Member]
    password: str
    etcd: Running
    etcd_command: Sequence[str | Path]

    def start_etcd(self) -> None:
        self.etcd = self.place.start("etcd", self.etcd_command)

    def leader(self) -> Member:
        for member in self.members:
            if member.leads:
                return member
        raise Failed("no member leads")

    def other(self, member: Member) -> Member:
        return next(one for one in self.members if one is not member)

    def healthy(self) -> bool:
        """One leads, the other follows, and what is committed is on both."""
        leading = [one for one in self.members if one.leads]
        if len(leading) != 1 or not self.other(leading[0]).follows:
            return False
        said = leading[0].status().get("replication")
        return isinstance(said, list) and any(
            isinstance(one, dict) and one.get("sync_state") in ("sync", "quorum") for one in said
        )

    def wait_healthy(self, seconds: float = 90) -> float:
        return until(self.healthy, seconds, "the pair is whole again")

    def control(self, *arguments: str) -> str:
        return self.place.run(["patronictl", "-c", self.members[0].configuration, *arguments])

    def end(self) -> None:
        """Patroni first, or it would start what we end."""
        for member in self.members:
            member.go_on()
            member.patroni.kill()
        for member in self.members:
            member.signal_database(signal.SIGKILL)
        self.etcd.end()


def _settings(place: Place, name: str, port: int, rest: int, etcd: int, password: str) -> Settings:
    login = {"superuser": (SUPERUSER, password), "replication": (REPLICATION, password)}
    return {
        "scope": "vestibule",
        "name": name,
        "restapi": {"listen": f"127.0.0.1:{rest}", "connect_address": f"127.0.0.1:{rest}"},
        "etcd": {"host": f"127.0.0.1:{etcd}"},
        "bootstrap": {"dcs": IN_CLUSTER, "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"]},
        "postgresql": {
            "listen": f"127.0.0.1:{port}",
            "connect_address": f"127.0.0.1:{port}",
            "data_dir": str(place.folder / name / "data"),
            "bin_dir": str(programs()),
            "pgpass": str(place.folder / name / "pgpass"),
            "authentication": {key: {"username": user, "password": word} for key, (user, word) in login.items()},
            "parameters": {"unix_socket_directories": ""},
            "pg_hba": [
                f"host replication {REPLICATION} 127.0.0.1/32 scram-sha-256",
                "host all all 127.0.0.1/32 scram-sha-256",
            ],
        },
    }


def _etcd(place: Place) -> tuple[Sequence[str | Path], int]:
    """With the second version of its API.

    By the third one Patroni before 3.0.3 writes itself into the lock without looking who has it: a primary that wakes
    up after another one took over takes it back, with what was acknowledged meanwhile (patroni/patroni#2693).
    """
    client, peer = free_port(), free_port()
    urls = {"client": f"http://127.0.0.1:{client}", "peer": f"http://127.0.0.1:{peer}"}
    command: list[str | Path] = ["etcd", "--name", "soak", "--data-dir", place.make("etcd")]
    command += ["--enable-v2", "--logger", "zap", "--log-level", "warn"]
    command += ["--listen-client-urls", urls["client"], "--advertise-client-urls", urls["client"]]
    command += ["--listen-peer-urls", urls["peer"], "--initial-advertise-peer-urls", urls["peer"]]
    return [*command, "--initial-cluster", f"soak={urls['peer']}"], client


@contextmanager
def pair(place: Place, password: str) -> Iterator[Pair]:
    with guarded([place.folder / name / "data" / "postmaster.pid" for name in NAMES]), _made(place, password) as made:
        yield made


@contextmanager
def _made(place: Place, password: str) -> Iterator[Pair]:
    command, client = _etcd(place)
    made = Pair(place, [], password, place.start("etcd", command), command)
    until(lambda: listens(client), 30, "etcd listens")
    try:
        for name in NAMES:
            home = place.make(name)
            place.small_disk(home, DISK)
            port, rest = free_port(), free_port()
            written = place.make(f"{name}.yaml", json.dumps(_settings(place, name, port, rest, client, password)))
            patroni = place.start(name, ["patroni", written])
            made.members.append(Member(place, name, port, rest, home / "data", written, patroni))
            if name == NAMES[0]:
                until(lambda: made.members[0].leads, 90, "PostgreSQL is made")
        took = made.wait_healthy()
        say(f"the pair is whole ({took:.0f} s after the second server)")
        time.sleep(1)
        yield made
    finally:
        made.end()
