"""The listener that Prometheus asks: a process beside the workers, on an address of its own.

It is forked before they are, so it shares their memory, and ends when the server does. Workers write what they count
into small files that it adds up, also of workers that are gone. Should it end before the server does, the process
that waits for it forks another one.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from socket import AF_INET, AF_INET6
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # the library's name for it, read when it is loaded
MADE = "" if os.environ.get(DIRECTORY) else tempfile.mkdtemp(prefix="vestibule-metrics-")
os.environ[DIRECTORY] = MADE or os.environ[DIRECTORY]

from prometheus_client import CollectorRegistry, make_wsgi_app  # noqa: E402 - as the line above says
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402

from common.meter import Watching  # noqa: E402
from idp.metrics.counting import Counts  # noqa: E402
from idp.metrics.gauges import Installation  # noqa: E402

SLOW = 10  # seconds that whoever asks may take for it
AGAIN = 1.0  # seconds until the listener is there again
COUNTED = re.compile(r"(counter|histogram)_[0-9]+\.db")  # what a process counts


class _Handler(WSGIRequestHandler):
    timeout = SLOW

    def log_message(self, format: str, *args: object) -> None:
        """Prometheus asks every few seconds."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, address: str, port: int) -> None:
        self.address_family = AF_INET6 if ":" in address else AF_INET
        super().__init__((address, port), _Handler)


def start(address: str, port: int, public_port: int) -> None:
    """Count in this process and in those forked from it, and have another one answer for all of them."""
    if port == public_port:
        sys.exit(f"IDP_METRICS_LISTEN names port {port}, where the server itself listens. Choose another one.")
    try:
        server = _Server(address, port)
    except OSError as error:
        why = f"IDP_METRICS_LISTEN cannot be listened on ({error.strerror})."
        sys.exit(f"{why} Each server of a machine needs a port of its own: choose another one than {port}.")
    try:
        _empty(Path(os.environ[DIRECTORY]))
    except OSError as error:
        server.server_close()
        sys.exit(f"{DIRECTORY} names a directory that cannot be used ({error.strerror}). Choose another one.")
    main = os.getpid()
    atexit.register(_remove, main)
    if os.fork() == 0:
        _keep_answering(server, main)
    server.server_close()
    counts = Counts(CollectorRegistry())
    counts.listen()
    Watching.meters += (counts,)


def _empty(folder: Path) -> None:
    """Of what an earlier server counted there. It has ended: this one has its address."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if COUNTED.fullmatch(file.name):
            file.unlink()
    tempfile.TemporaryFile(dir=folder).close()


def _keep_answering(server: WSGIServer, main: int) -> None:
    """Until the server ends."""
    for one in (signal.SIGINT, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)  # meant for the server, in the same terminal
    registry, listener = CollectorRegistry(), 0
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    try:
        while os.getppid() == main:
            if not listener or os.waitpid(listener, os.WNOHANG)[0]:
                above = os.getpid()
                listener = os.fork()
                if listener == 0:
                    _answer(server, registry, above)
            time.sleep(AGAIN)
    finally:
        os._exit(0)


def _answer(server: WSGIServer, registry: CollectorRegistry, above: int) -> None:
    threading.Thread(target=_end_with, args=(above,), daemon=True).start()
    registry.register(Installation())
    server.set_app(make_wsgi_app(registry))
    try:
        server.serve_forever()
    finally:
        os._exit(0)


def _end_with(above: int) -> None:
    while os.getppid() == above:
        time.sleep(1)
    os._exit(0)


def _remove(main: int) -> None:
    if MADE and os.getpid() == main:
        shutil.rmtree(MADE, ignore_errors=True)
