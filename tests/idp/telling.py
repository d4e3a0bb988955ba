"""A WSGI application that tells what its server made of a request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/slow":
        yield b"begun"
        yield b" and read " + environ["wsgi.input"].read()
        return
    told = {
        "query": len(environ["QUERY_STRING"]),
        "scheme": environ["wsgi.url_scheme"],
        "script": environ["SCRIPT_NAME"],
        "path": environ["PATH_INFO"],
    }
    yield json.dumps(told).encode()
