"""What stands between a node and its database, beside it, and before it: PgBouncer, Redis and HAProxy."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.soak.pair import Member
from tests.soak.place import Place, Running, free_port, listens, until

# A node that hangs gets nothing new after three seconds. While no node is ready, all are asked all the same: what they
# answer themselves tells a client more than "no server".
WEB = """
global
    maxconn 2000
defaults
    timeout connect 2s
    timeout client 60s
    timeout server 15s
    timeout check 1s
    retries 3
    option redispatch
frontend web
    mode http
    bind 127.0.0.1:{port} ssl crt {certificate}
    timeout http-request 10s
    timeout http-keep-alive 60s
    option http-buffer-request
    http-request del-header X-Forwarded-For
    http-request del-header X_Forwarded_For
    http-request del-header X_Forwarded-For
    http-request del-header X-Forwarded_For
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Request-Id %[uuid()]
    use_backend whoever if {{ nbsrv(ready) eq 0 }}
    default_backend ready
backend ready
    mode http
    option httpchk GET /healthz/ready
    default-server check inter 1s fastinter 500ms fall 2 rise 1
    {nodes}
backend whoever
    mode http
    {nodes}
"""
# The primary is the one whose Patroni says so. Sessions with another one end at once.
PRIMARY = """
global
    maxconn 1000
defaults
    mode tcp
    timeout connect 2s
    timeout client 30m
    timeout server 30m
    timeout check 1s
    retries 0
listen primary
    bind 127.0.0.1:{port}
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 1s fastinter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
    {members}
"""
# Nobody waits longer for a connection than a statement may take; after a failover the next try comes at once.
BOUNCER = """
[databases]
vestibule = host=127.0.0.1 port={primary} dbname=vestibule
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
ignore_startup_parameters = extra_float_digits,options
query_wait_timeout = 5
server_connect_timeout = 3
server_login_retry = 1
server_lifetime = 600
tcp_user_timeout = 5000
admin_users = vestibule
"""


@dataclass
class Neighbour:
    """A program that listens on one port, and can be started again."""

    place: Place
    name: str
    port: int
    command: Sequence[str | Path]
    running: Running

    @classmethod
    def begin(cls, place: Place, name: str, port: int, command: Sequence[str | Path]) -> Neighbour:
        made = cls(place, name, port, command, place.start(name, command))
        made.wait()
        return made

    def wait(self) -> None:
        until(lambda: listens(self.port), 30, f"{self.name} listens")

    def start(self) -> None:
        self.running = self.place.start(self.name, self.command)
        self.wait()


@contextmanager
def _ending(neighbour: Neighbour) -> Iterator[Neighbour]:
    try:
        yield neighbour
    finally:
        neighbour.running.end()


def _haproxy(place: Place, name: str, port: int, text: str) -> Neighbour:
    return Neighbour.begin(place, name, port, ["haproxy", "-db", "-f", place.make(f"{name}.cfg", text)])


def primary(place: Place, members: Sequence[Member]) -> contextlib.AbstractContextManager[Neighbour]:
    """Where the one listens that writes."""
    port = free_port()
    lines = [f"server {one.name} 127.0.0.1:{one.port} check port {one.rest}" for one in members]
    text = PRIMARY.format(port=port, members="\n    ".join(lines))
    made = _haproxy(place, "haproxy-database", port, text)
    time.sleep(4)  # a server counts as up until two checks said otherwise
    return _ending(made)


def web(
    place: Place, port: int, certificate: Path, nodes: Sequence[int]
) -> contextlib.AbstractContextManager[Neighbour]:
    """Where people and apps come."""
    lines = "\n    ".join(f"server node{number} 127.0.0.1:{one}" for number, one in enumerate(nodes, start=1))
    return _ending(_haproxy(place, "haproxy", port, WEB.format(port=port, certificate=certificate, nodes=lines)))


def bouncer(place: Place, primary: int, password: str) -> contextlib.AbstractContextManager[Neighbour]:
    port = free_port()
    users = place.make("pgbouncer.users", f'"vestibule" "{password}"\n')
    text = place.make("pgbouncer.ini", BOUNCER.format(port=port, primary=primary, users=users))
    return _ending(Neighbour.begin(place, "pgbouncer", port, ["pgbouncer", text]))


def redis(place: Place) -> contextlib.AbstractContextManager[Neighbour]:
    port, home = free_port(), place.make("redis")
    command: list[str | Path] = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", home]
    command += ["--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction"]
    return _ending(Neighbour.begin(place, "redis", port, command))
