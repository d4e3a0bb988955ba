"""Ourselves, as operations.md tells people to run it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.counting import Count, counted
from tests.benchmarks.flows import API
from tests.benchmarks.peers.base import PYTHON, ROOT, Peer, Setting, new_port
from tests.benchmarks.processes import ask

SMALL = (10, 1_000)  # clients and people, access tokens
Command = Callable[[int, int], list[str]]  # port, workers


def as_documented(port: int, workers: int) -> list[str]:
    return [PYTHON, "-m", "idp.server", "--port", str(port), "--workers", str(workers), "--quiet"]


@dataclass(frozen=True)
class Installation:
    """A database with the clients of the benchmark in it; several servers may use it."""

    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    root: Path = ROOT

    @classmethod
    def make(cls, setting: Setting, *, full: bool, root: Path = ROOT) -> Installation:
        environment = {
            "DATABASE_URL": setting.database(),
            "CACHE_URL": f"{setting.redis}/{2 if full else 1}",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "IDP_KEY_SECRETS": secrets.token_urlsafe(48),
            "EMAIL_URL": "dummymail://",
            "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "idp.settings",
        }
        size = (setting.clients, setting.tokens) if full else SMALL
        prepare = [PYTHON, "-m", "tests.benchmarks.vestibule_data", "prepare", *map(str, size)]
        said = ask(prepare, environment, root)
        return cls(environment, json.loads(said), root)

    def codes(self, role: str, count: int) -> list[str]:
        command = [PYTHON, "-m", "tests.benchmarks.vestibule_data", "codes", f"bench-{role}", str(count)]
        return ask(command, self.environment, self.root).split()


class Vestibule(Peer):
    paths = {
        "token": "/oauth2/token",
        "introspect": "/oauth2/introspect",
        "userinfo": "/oauth2/userinfo",
        "jwks": "/.well-known/jwks.json",
    }
    extra = {"jwt": f"&audience={API}"}
    programs = {"redis-server": "redis-server"}

    def __init__(
        self, name: str, title: str, *, command: Command = as_documented, full: bool = False, root: Path = ROOT
    ) -> None:
        self.name, self.title, self.command, self.full, self.root = name, title, command, full, root

    def start(self, setting: Setting) -> None:
        self.installation = self._installation(setting)
        self._serve(setting, self.installation.environment)

    def _installation(self, setting: Setting) -> Installation:
        key = f"{self.root} full={self.full}"
        if key not in setting.shared:
            setting.shared[key] = Installation.make(setting, full=self.full, root=self.root)
        found = setting.shared[key]
        assert isinstance(found, Installation)
        return found

    def _serve(self, setting: Setting, environment: Mapping[str, str]) -> None:
        port = new_port()
        environment = {**environment, "IDP_ISSUER": f"http://localhost:{port}"}
        self.serve(setting, self.command(port, setting.workers), environment, port)

    @property
    def issuer(self) -> str:
        return self.origin.replace("127.0.0.1", "localhost")

    def credentials(self, role: str) -> tuple[str, str]:
        client_id = f"bench-{role}"
        return client_id, self.installation.secrets.get(client_id, "")  # one has a key instead

    def codes(self, role: str, count: int) -> list[str]:
        return self.installation.codes(role, count)

    def counting(self, setting: Setting, stack: ExitStack) -> tuple[Peer, Count]:
        """The same with one worker, on a connection that counts statements; lives as long as the stack."""
        url, count = stack.enter_context(counted(self.installation.environment["DATABASE_URL"]))
        return self.twin("counted", setting, stack, 1, DATABASE_URL=url), count

    def twin(self, name: str, setting: Setting, stack: ExitStack, workers: int, **environment: str) -> Vestibule:
        """Another server on the same installation; lives as long as the stack."""
        twin = Vestibule(f"{self.name}-{name}", self.title, command=self.command, full=self.full, root=self.root)
        twin.installation = self.installation
        theirs = Setting(stack, setting.cores, workers, setting.private_postgres)
        twin._serve(theirs, {**twin.installation.environment, **environment})
        return twin
