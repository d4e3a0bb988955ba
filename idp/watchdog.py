"""Ends a worker that can do nothing any more, or that nobody looks after. The server starts another one.

And a worker that stood still does not do late what was asked of it meanwhile.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

MAX_WAIT = 30  # seconds
# A process that was stopped for longer (a paused machine, a frozen container) was given up by its proxy.
MAX_PAUSE = 5  # seconds
WAKES_WITHIN = 1  # seconds, in which it reads what came while it stood still
CHANGES_NOTHING = {"GET", "HEAD", "OPTIONS"}
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # counts the time of a suspended machine, too
SENT_AGAIN = b'{"error":"temporarily_unavailable","error_description":"This process stood still. Ask again."}'
logger = logging.getLogger(__name__)


class Pulse:
    """Whether this process runs all the time: it beats once a second, unless the process stands still."""

    def __init__(self, now: float) -> None:
        self._beat = self._awake = now

    def beat(self, now: float) -> None:
        if now - self._beat > MAX_PAUSE:
            self._awake = now + WAKES_WITHIN
            logger.warning("This process stood still for %.0f seconds.", now - self._beat)
        self._beat = now

    def stood_still(self, now: float) -> bool:
        """Until a moment ago, so that what is read now has been waiting meanwhile."""
        return now - self._beat > MAX_PAUSE or now < self._awake


class Watched:
    """The application, and a thread that watches those which answer.

    A thread waits for the body of a request, for the database, the cache. Not every such wait has an end of its own: a
    client may stop in the middle, and a connection may stay open without a word. When every thread has waited too
    long, nobody is answered any more, so the worker exits, which closes its connections.

    What was sent to a process that stood still has been sent to another one since: a refresh token that rotated there,
    or a code, would pass for stolen here, and end the authorization; somebody who was shut out since would be let in
    again. So what changes something and waited for that long is refused.
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
        self.pulse = Pulse(time.clock_gettime(CLOCK))
        self._watching = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._watching.start()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in CHANGES_NOTHING and self._stood_still():
            headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Retry-After", "1")]
            start_response("503 Service Unavailable", headers)
            return [SENT_AGAIN]
        thread = threading.get_ident()
        self._busy[thread] = time.monotonic()
        try:
            return self._application(environ, start_response)
        finally:
            del self._busy[thread]

    def _stood_still(self) -> bool:
        """Without the thread that beats nobody could tell, and it would never end."""
        return self._watching.is_alive() and self.pulse.stood_still(time.clock_gettime(CLOCK))

    def stuck(self) -> bool:
        since = list(self._busy.values())
        return len(since) >= self._threads and max(since) < time.monotonic() - self._max_wait

    def _watch(self) -> None:
        while os.getppid() == self._main:
            time.sleep(min(1, self._max_wait / 10))
            self.pulse.beat(time.clock_gettime(CLOCK))
            if self.stuck():
                self._give_up()
        self._stop()

    def _give_up(self) -> None:
        logger.error(
            "Every thread has waited %s seconds: for the database, for the cache, or for the body of a request, which "
            "the proxy should take in before it passes it on. Another process replaces this one. They wait here:",
            self._max_wait,
        )
        with suppress(RuntimeError, ValueError, OSError, AttributeError):  # of a process without a place for errors
            faulthandler.dump_traceback()  # lines of code, no values
        if self.stuck():  # nobody was answered in the meantime
            os._exit(1)

    def _stop(self) -> None:
        """The main process was killed: stop, or we would go on to serve with its code, secrets and port."""
        logger.error("The main process has gone, so this worker stops.")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(self._stop_within)
        os._exit(1)
