"""Request bodies: read whole before the application is called, up to a size and within a time."""

from __future__ import annotations

import io
import logging
import os
import threading
import time
from collections.abc import Iterable
from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY = 1_000_000  # as DATA_UPLOAD_MAX_MEMORY_SIZE; also for forms with files, as no form takes any
MAX_WAIT = 30  # seconds
logger = logging.getLogger(__name__)


class BufferedBodies:
    """Calls the application once the body has arrived, and never with a part of it.

    A body is read by the thread that will answer, and granian waits for its bytes as long as the client keeps the
    connection. When every thread of a worker has waited too long, the worker can do nothing else. It exits, which
    closes its connections, and is started again.
    """

    def __init__(self, application: WSGIApplication, threads: int, max_wait: float = MAX_WAIT) -> None:
        self._application = application
        self._threads = threads
        self._max_wait = max_wait
        self._waiting: dict[int, float] = {}  # since when, by thread
        threading.Thread(target=self._watch, name="bodies", daemon=True).start()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > MAX_BODY:
            message = f"The request body is too large. At most {MAX_BODY:,} bytes are taken."
            return _refuse("413 Content Too Large", message, start_response)
        if length:
            body = self._read(environ["wsgi.input"], length)
            if len(body) < length:  # the client has gone, and half a form may say something else
                return _refuse("400 Bad Request", "The request body ended early.", start_response)
            environ["wsgi.input"] = io.BytesIO(body)
        return self._application(environ, start_response)

    def _read(self, stream: InputStream, length: int) -> bytes:
        thread = threading.get_ident()
        self._waiting[thread] = time.monotonic()
        try:
            return bytes(stream.read(length))
        finally:
            del self._waiting[thread]

    def stuck(self) -> bool:
        since = list(self._waiting.values())
        return len(since) >= self._threads and max(since) < time.monotonic() - self._max_wait

    def _watch(self) -> None:
        while True:
            time.sleep(self._max_wait / 10)
            if self.stuck():
                logger.error(
                    "Every thread has waited %s seconds for the body of a request. "
                    "Let the proxy take in requests before it passes them on.",
                    self._max_wait,
                )
                if self.stuck():  # no body arrived in the meantime, so no request is being answered
                    os._exit(1)


def _refuse(status: str, message: str, start_response: StartResponse) -> list[bytes]:
    length = str(len(message))
    headers = [("Content-Type", "text/plain"), ("X-Content-Type-Options", "nosniff"), ("Content-Length", length)]
    start_response(status, headers)
    return [message.encode()]
