"""node oidc-provider, certified and well-known, with its records in Redis or in the memory of its process."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path
from urllib.parse import quote

from tests.benchmarks.flows import API, CHALLENGE, REDIRECT_URI
from tests.benchmarks.peers import keys
from tests.benchmarks.peers.base import CACHE, GOOD_FOR_ALL, Peer, Setting, new_port, package
from tests.benchmarks.proofs import public_jwk


def installed() -> Path:
    """Its packages as the lock file says, in a directory outside git."""
    place, source = CACHE / "node", package("node")
    lock, stamp = source / "package-lock.json", place / "installed"
    place.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "server.mjs"):
        shutil.copy(source / name, place / name)
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=place, check=True)
        stamp.write_bytes(lock.read_bytes())
    return place


class Node(Peer):
    paths = {"token": "/token", "introspect": "/token/introspection", "userinfo": "/me", "jwks": "/jwks"}
    extra = {"jwt": f"&resource={quote(API, safe='')}"}

    def __init__(self, name: str, title: str, *, store: str) -> None:
        self.name, self.title, self.store = name, title, store
        self.programs = {"node": "nodejs", "npm": "npm", "redis-server": "redis-server"}

    def start(self, setting: Setting) -> None:
        port = new_port()
        keys.private_keys()
        clients = {"secret": GOOD_FOR_ALL, "redirect_uri": REDIRECT_URI, "challenge": CHALLENGE, "jwk": public_jwk()}
        environment = {
            "PORT": str(port),
            "STORE": self.store,
            "REDIS_URL": f"{setting.redis}/0" if self.store == "redis" else "",
            "KEYS": str(CACHE),
            "CLIENTS": json.dumps(clients),
            "NODE_ENV": "production",
        }
        self.serve(setting, ["node", str(installed() / "server.mjs")], environment, port)

    def codes(self, role: str, count: int) -> list[str]:
        with urllib.request.urlopen(f"{self.origin}/bench/codes/bench-{role}/{count}", timeout=120) as answer:
            return str(answer.read(), "utf-8").split()
