"""A WSGI application that tells what its server made of a request."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from typing import Any

SECRET = "x" * 40  # the value of every secret in the environment of a test
TOLD = (
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "REMOTE_ADDR",
    "SERVER_PROTOCOL",
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "wsgi.url_scheme",
)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """A generator would be run after the application was called."""
    if environ["PATH_INFO"] == "/stuck":
        time.sleep(60)
    return _telling(environ, start_response)


def _telling(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/slow":
        yield b"begun"
        time.sleep(1)
        yield b" and done"
        return
    secrets = [name for name, value in (environ | os.environ).items() if value == SECRET]
    told = {name: environ[name] for name in TOLD if name in environ}
    headers = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    query = environ["QUERY_STRING"]
    yield json.dumps(
        {**told, **headers, "query": query, "body": body, "process": os.getpid(), "secrets": secrets}
    ).encode()
