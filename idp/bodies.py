"""Request bodies: read whole before the application is called, up to a size."""

from __future__ import annotations

import io
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY = 1_000_000  # as DATA_UPLOAD_MAX_MEMORY_SIZE; also for forms with files, as no form takes any


class BufferedBodies:
    """Calls the application once the body has arrived, and never with a part of it.

    A body is read by the thread that will answer, and granian waits for its bytes as long as the client keeps the
    connection. `idp.watchdog` replaces a worker whose threads all wait.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > MAX_BODY:
            message = f"The request body is too large. At most {MAX_BODY:,} bytes are taken."
            return _refuse("413 Content Too Large", message, start_response)
        if length:
            body = bytes(environ["wsgi.input"].read(length))
            if len(body) < length:  # the client has gone, and half a form may say something else
                return _refuse("400 Bad Request", "The request body ended early.", start_response)
            environ["wsgi.input"] = io.BytesIO(body)
        return self._application(environ, start_response)


def _refuse(status: str, message: str, start_response: StartResponse) -> list[bytes]:
    length = str(len(message))
    headers = [("Content-Type", "text/plain"), ("X-Content-Type-Options", "nosniff"), ("Content-Length", length)]
    start_response(status, headers)
    return [message.encode()]
