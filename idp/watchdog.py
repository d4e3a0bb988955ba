"""Ends a worker that can do nothing any more, or that nobody looks after. The server starts another one."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import threading
import time
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

MAX_WAIT = 30  # seconds
logger = logging.getLogger(__name__)


class Watched:
    """The application, and a thread that watches those which answer.

    A thread waits for the body of a request, for the database, the cache. Not every such wait has an end of its own: a
    client may stop in the middle, and a connection may stay open without a word. When every thread has waited too
    long, nobody is answered any more, so the worker exits, which closes its connections.
    """

    def __init__(
        self, application: WSGIApplication, threads: int, max_wait: float, main: int, stop_within: float
    ) -> None:
        """`main` is the process that started this one, and `stop_within` the seconds for requests in hand."""
        self._application = application
        self._threads = threads
        self._max_wait = max_wait
        self._main = main
        self._stop_within = stop_within
        self._busy: dict[int, float] = {}  # since when, by thread
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        thread = threading.get_ident()
        self._busy[thread] = time.monotonic()
        try:
            return self._application(environ, start_response)
        finally:
            del self._busy[thread]

    def stuck(self) -> bool:
        since = list(self._busy.values())
        return len(since) >= self._threads and max(since) < time.monotonic() - self._max_wait

    def _watch(self) -> None:
        while os.getppid() == self._main:
            time.sleep(min(1, self._max_wait / 10))
            if self.stuck():
                self._give_up()
        self._stop()

    def _give_up(self) -> None:
        logger.error(
            "Every thread has waited %s seconds: for the database, for the cache, or for the body of a request, which "
            "the proxy should take in before it passes it on. Another process replaces this one. They wait here:",
            self._max_wait,
        )
        faulthandler.dump_traceback()  # lines of code, no values
        if self.stuck():  # nobody was answered in the meantime
            os._exit(1)

    def _stop(self) -> None:
        """The main process was killed: stop, or we would go on to serve with its code, secrets and port."""
        logger.error("The main process has gone, so this worker stops.")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(self._stop_within)
        os._exit(1)
