"""An Apache of its own on loopback, with the site of docs/integrate.md and an application behind it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tests.plugins.places import APACHE, APACHE_MODULES

MODULES = (
    "mpm_event",
    "authn_core",
    "authz_core",
    "authz_user",
    "headers",
    "proxy",
    "proxy_http",
    "auth_openidc",
)
AROUND = """
ServerRoot "{folder}"
DefaultRuntimeDir "{folder}"
PidFile "{folder}/apache.pid"
ErrorLog "{log}"
ServerName 127.0.0.1
StartServers 1
MinSpareThreads 1
ThreadsPerChild 8
MaxRequestWorkers 8
"""


class _Application(BaseHTTPRequestHandler):
    """Knows nothing of OpenID Connect: shows the headers it was sent."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({name.lower(): value for name, value in self.headers.items()}).encode())

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def application() -> Iterator[int]:
    """The port of an application that shows what it is told about the person."""
    with HTTPServer(("127.0.0.1", 0), _Application) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(folder: Path, site: str, port: int, environ: dict[str, str]) -> Iterator[None]:
    """Apache with this site, until it is left. What it has to say is in `error.log` of the folder."""
    log = folder / "error.log"
    modules = "".join(f'LoadModule {name}_module "{APACHE_MODULES}/mod_{name}.so"\n' for name in MODULES)
    # Apache does not serve anybody as root: started by root, its workers are nobody.
    user = "User nobody\nGroup nogroup\n" if os.getuid() == 0 else ""
    configuration = folder / "apache.conf"
    configuration.write_text(modules + AROUND.format(folder=folder, log=log) + user + site)
    command = [str(APACHE), "-DFOREGROUND", "-f", str(configuration)]
    with log.open("ab") as said, subprocess.Popen(command, env=environ, stdout=said, stderr=said) as process:
        try:
            _wait(process, port, log)
            yield
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _attempt in range(600):
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"Apache does not answer: {log.read_text()}")
