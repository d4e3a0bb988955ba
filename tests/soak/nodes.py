"""The product as production runs it: servers and workers of one installation, each in processes of its own."""

from __future__ import annotations

import datetime
import ipaddress
import secrets
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.soak.place import Place, Running, until

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("accounts", "clients", "common", "idp", "projects", "provider", "templates", "verifier")
PARTS = (*FOLDERS, "manage.py", "pyproject.toml")
FIRST = "release-1"
HOST = "id.soak.example"
STARTS_WITHIN = 90  # seconds


@dataclass(frozen=True)
class Release:
    """A copy of the code, as a deployment has it in a directory of its own."""

    folder: Path

    @classmethod
    def copy(cls, place: Place, name: str, *, of: Path = ROOT) -> Release:
        folder = place.make(name)
        for part in PARTS:
            if (of / part).is_dir():
                shutil.copytree(of / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "tests"))
            elif (of / part).exists():
                shutil.copy(of / part, folder / part)
        for path in [folder, *folder.rglob("*")]:
            place.own(path)
        return cls(folder)


@dataclass
class Node:
    """A server, and a worker where there is one."""

    number: int
    port: int
    server: Running
    release: Release
    worker: Running | None = None

    @property
    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz/ready", timeout=2):
                return True
        except OSError:
            return False


@dataclass
class Nodes:
    place: Place
    issuer: str
    certificate: Path
    environment: dict[str, str]
    release: Release
    members: list[Node] = field(default_factory=list)

    def command(self, *arguments: str, release: Release | None = None, **settings: str) -> str:
        """What `manage.py` answers."""
        folder = (release or self.release).folder
        return self.place.run([sys.executable, "manage.py", *arguments], self.environment | settings, folder, ours=True)

    def start(self, number: int, port: int, *, worker: bool) -> Node:
        serve = [sys.executable, "-m", "idp.server", "--port", str(port), "--workers", "1", "--quiet"]
        server = self.place.start(f"node{number}", serve, self.environment, self.release.folder, ours=True)
        node = Node(number, port, server, self.release)
        if worker:
            work = [sys.executable, "manage.py", "worker"]
            node.worker = self.place.start(f"worker{number}", work, self.environment, self.release.folder, ours=True)
        return node

    def wait_ready(self, node: Node) -> float:
        return until(lambda: node.ready, STARTS_WITHIN, f"node {node.number} is ready")

    def again(self, node: Node) -> None:
        """In its place, with the environment and the release of this moment."""
        self.members[node.number - 1] = self.start(node.number, node.port, worker=node.worker is not None)

    def stop(self) -> None:
        for node in self.members:
            for running in filter(None, (node.worker, node.server)):
                running.end(40)

    def roll(self) -> None:
        """One after the other, as operations.md says: the next one when this one is ready."""
        for node in list(self.members):
            node.server.end(40)
            if node.worker:
                node.worker.end(40)
            self.again(node)
            self.wait_ready(self.members[node.number - 1])

    def end(self) -> None:
        for node in self.members:
            for running in filter(None, (node.worker, node.server)):
                running.end()


@contextmanager
def nodes(place: Place, public: int, database: str, cache: str, count: int = 3) -> Iterator[Nodes]:
    """An installation with tables and keys. Its servers are started by `start`."""
    environment = {
        "IDP_ISSUER": f"https://{HOST}:{public}",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "IDP_KEY_SECRETS": secrets.token_urlsafe(48),
        "ADMIN_PASSWORD": secrets.token_urlsafe(24),
        "DATABASE_URL": database,
        "CACHE_URL": cache,
        "EMAIL_URL": f"filemail:///{place.make('mails')}",
        "IDP_TRUSTED_PROXIES": "127.0.0.1",
        "IDP_LOG_FORMAT": "json",
    }
    made = Nodes(place, environment["IDP_ISSUER"], certificate(place), environment, Release.copy(place, FIRST))
    try:
        yield made
    finally:
        made.end()


def certificate(place: Place) -> Path:
    """For the host of the issuer, with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return place.make("certificate.pem", (made.public_bytes(serialization.Encoding.PEM) + private).decode())
