"""Runs the server: `python -m idp.server`.

What depends on the machine comes from the command line or from `WEB_CONCURRENCY`. docs/operations.md says what to set,
and decision 0095 explains the other values.
"""

from __future__ import annotations

import argparse
import errno
import gc
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels

from common import issuer
from common.meter import Watching
from idp import VERSION
from idp.bodies import BufferedBodies
from idp.environment import Environment
from idp.logs import drop_thread_count_warning, server_logging
from idp.variables import misspelt
from idp.watchdog import MAX_WAIT, Watched

logger = logging.getLogger(__name__)


def at_least_one(text: str) -> int:
    """A number of processes or threads, from an argument or a variable."""
    if not text.strip().isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {text!r}.")
    return int(text)


def _workers() -> int:
    try:
        return at_least_one(os.environ.get("WEB_CONCURRENCY") or str(len(os.sched_getaffinity(0))))
    except argparse.ArgumentTypeError as error:
        sys.exit(f"WEB_CONCURRENCY {error}")


# One per core: Python runs one thread of a process at a time, and two processes compete for the core's caches.
WORKERS = _workers()
# A thread answers while others wait for the database or a body. Each keeps a database connection of its own.
THREADS = 8
# How long granian keeps a connection that is idle, or whose headers arrive slowly. Longer than proxies keep idle ones
# (nginx: 60), so that they close them and not we. No thread waits meanwhile.
KEEP_ALIVE_SECONDS = 75
# The whole head of a request. The longest is an authorization request: MAX_QUERY bytes of query
# (provider/endpoints/authorize.py), beside the cookies of a browser. More is answered 431.
MAX_HEAD = 32_768
# At TERM, workers take no new requests and have this long to finish those they have.
STOP_SECONDS = 30  # seconds

TRACED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")  # one of them says where traces go
OF_COLLECTOR = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")  # they may hold its key
SECRETS = ("SECRET_KEY", "IDP_KEY_SECRETS", "DATABASE_URL", "CACHE_URL", "EMAIL_URL", "ADMIN_PASSWORD", *OF_COLLECTOR)

GRANIAN_OPTIONS: dict[str, Any] = {
    "interface": Interfaces.WSGI,
    "http": HTTPModes.http1,
    "websockets": False,
    "address": "127.0.0.1",
    "port": 8000,
    "workers": WORKERS,
    "blocking_threads": THREADS,
    "blocking_threads_idle_timeout": 600,  # seconds, as CONN_MAX_AGE: a thread that ends closes its connection
    # One thread more reads and writes for all connections of a worker.
    "runtime_mode": RuntimeModes.mt,
    "runtime_threads": 1,
    "runtime_blocking_threads": 1,
    "loop": Loops.asyncio,  # made, but never run: there is nothing asynchronous here
    "backlog": 1024,
    "backpressure": 512,  # connections a worker holds; more wait in the backlog
    "http1_settings": HTTP1Settings(header_read_timeout=KEEP_ALIVE_SECONDS * 1000, max_buffer_size=MAX_HEAD),
    "respawn_failed_workers": True,
    "workers_kill_timeout": STOP_SECONDS,
    "log_level": LogLevels.info,
    "log_access": False,  # proxies write one, and URIs may hold what logs should not
}


def serve(application: str = "idp.wsgi.application", max_wait: float = MAX_WAIT, **overrides: object) -> None:
    """Serve until TERM. `overrides` are arguments of granian that replace ours.

    The application is loaded before the workers are forked, so that they share its memory and start at once. Loading it
    opens no connection.
    """
    options = GRANIAN_OPTIONS | overrides
    loaded = import_string(application)
    options |= _live_at("")
    for sentence in misspelt(Environment.read):
        logger.warning(sentence)
    if apps.ready:  # otherwise every worker would load them with its first request
        import_module(settings.ROOT_URLCONF)
    options |= _live_at(issuer.path() if apps.ready else "")
    if apps.ready and settings.IDP_METRICS_LISTEN:
        import_string("idp.metrics.process.start")(*settings.IDP_METRICS_LISTEN, options["port"])
    if apps.ready and any(os.environ.get(name) for name in TRACED):
        import_string("idp.tracing.start")()
    for name in SECRETS:
        os.environ.pop(name, None)  # granian copies its environment into every request
    gc.collect()
    gc.freeze()
    logging.getLogger("_granian").addFilter(drop_thread_count_warning)
    if apps.ready:
        options["log_dictconfig"] = server_logging(settings.IDP_LOG_FORMAT)
    server = Granian(application, **options)
    server.serve(target_loader=_watched(loaded, options["blocking_threads"], max_wait), wrap_loader=False)


def _live_at(base: str) -> dict[str, Any]:
    """A file of granian's own, which no thread of ours has to serve: `live` answers while they all wait."""
    routes = [f"{one}/healthz/live" for one in sorted({"", base})]
    return {
        "static_path_route": routes,
        "static_path_mount": [Path(__file__).parent / "live"] * len(routes),
        "static_path_dir_to_file": "status.json",
        "static_path_expires": 0,
    }


def _watched(application: WSGIApplication, threads: int, max_wait: float) -> Callable[[], WSGIApplication]:
    """What each worker calls after the fork."""
    main = os.getpid()

    def serve_here() -> WSGIApplication:
        if apps.ready:
            import_string("provider.store.refusals.start_writer")()
            import_string("provider.store.tallies.start_writer")()
            import_string("provider.telling.long_polling.begin")(threads)
        for meter in Watching.meters:
            meter.begin()
        endpoints = import_string("idp.fast_path.BY_PATH") if apps.ready else ()
        return Watched(BufferedBodies(application, endpoints), threads, max_wait, main, STOP_SECONDS)

    return serve_here


def require_free(address: str, port: int) -> None:
    """Exit with a sentence when we cannot listen there. Servers of the same user do not count: they share the port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            if error.errno == errno.EADDRINUSE:
                sys.exit(f"{where} is in use by another program. Stop it, or choose another --port.")
            sys.exit(f"{where} cannot be listened on: {error.strerror}. Choose another --address or --port.")


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be an IP address such as 127.0.0.1, not {text!r}.") from None


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m idp.server", description="Serve Vestibule to a reverse proxy.")
    parser.add_argument(
        "--address", type=_address, default=GRANIAN_OPTIONS["address"], help="where to listen (%(default)s)"
    )
    parser.add_argument("--port", type=_port, default=GRANIAN_OPTIONS["port"], help="where to listen (%(default)s)")
    parser.add_argument(
        "--workers", type=at_least_one, default=WORKERS, help="processes (WEB_CONCURRENCY, or %(default)s)"
    )
    parser.add_argument("--threads", type=at_least_one, default=THREADS, help="threads of each process (%(default)s)")
    parser.add_argument("--version", action="version", version=f"Vestibule {VERSION}")
    parser.add_argument("--quiet", action="store_true", help="log errors only")
    chosen = parser.parse_args()
    require_free(chosen.address, chosen.port)
    try:
        serve(
            address=chosen.address,
            port=chosen.port,
            workers=chosen.workers,
            blocking_threads=chosen.threads,
            log_level=LogLevels.error if chosen.quiet else LogLevels.info,
        )
    except ImproperlyConfigured as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
