"""django-oauth-toolkit as its tutorial sets it up: the library this project stands on, without us."""

from __future__ import annotations

from collections.abc import Mapping

from tests.benchmarks.flows import FLOWS
from tests.benchmarks.peers import keys
from tests.benchmarks.peers.base import PYTHON, ROOT, Peer, Setting, new_port
from tests.benchmarks.processes import ask

_SHARED = "toolkit"
WORKERS = 2  # one answers while the other waits for the database


class Toolkit(Peer):
    """Both kinds of secret hashes are in one database and one server answers for both: the clients differ."""

    paths = {
        "token": "/o/token/",
        "introspect": "/o/introspect/",
        "userinfo": "/o/userinfo/",
        "jwks": "/o/.well-known/jwks.json",
    }
    flows = tuple(key for key in FLOWS if key not in ("jwt", "kept", "device", "exchange", "dpop", "private_key_jwt"))

    environment: Mapping[str, str]

    def __init__(self, name: str, title: str, *, role_suffix: str, slow: bool = False) -> None:
        self.name, self.title, self.suffix, self.slow = name, title, role_suffix, slow

    def start(self, setting: Setting) -> None:
        known = setting.shared.get(_SHARED)
        if isinstance(known, Toolkit):
            self.origin, self.session, self.environment = known.origin, known.session, known.environment
            return
        self.environment = {
            "DATABASE_URL": setting.database(),
            "BENCH_RSA_KEY": str(keys.private_keys()["RS256"]),
            "DJANGO_SETTINGS_MODULE": "tests.benchmarks.toolkit.settings",
        }
        self._data("prepare")
        port = new_port()
        gunicorn = [PYTHON, "-m", "gunicorn", "tests.benchmarks.toolkit.wsgi", "--workers", str(WORKERS)]
        quiet = ["--log-level", "error", "--no-control-socket"]
        self.serve(setting, [*gunicorn, "--bind", f"127.0.0.1:{port}", *quiet], self.environment, port)
        setting.shared[_SHARED] = self

    def credentials(self, role: str) -> tuple[str, str]:
        client_id, secret = super().credentials(role)
        return client_id + self.suffix, secret

    def codes(self, role: str, count: int) -> list[str]:
        return self._data("codes", self.credentials(role)[0], str(count)).split()

    def _data(self, *arguments: str) -> str:
        return ask([PYTHON, "-m", "tests.benchmarks.toolkit.data", *arguments], self.environment, ROOT)
