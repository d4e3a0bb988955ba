"""Asking the provider over HTTP, standard library only: https, no redirects, limits on time and size."""

from __future__ import annotations

import http.client
import re
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from vestibule_verifier.errors import Unavailable
from vestibule_verifier.parsing import json_object

MAX_BYTES = 262_144
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])")


@dataclass(frozen=True, slots=True)
class Reply:
    document: dict[str, object]
    max_age: int | None  # of Cache-Control, in seconds


def checked_url(url: object) -> str:
    """`url` when keys and credentials may travel there: https, or http on this machine. Raises ValueError."""
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not secure or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise ValueError("An address of the provider must be https (http only on a loopback host).")
    return parts.geturl()


def fetch(
    url: str, timeout: float, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """GET, or POST a form. The answer must be a JSON object with status 200; everything else is Unavailable."""
    body = urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(  # noqa: S310 - checked_url allows https and loopback only
        url, body, {"Accept": "application/json", "User-Agent": "vestibule-verifier", **(headers or {})}
    )
    deadline = time.monotonic() + timeout
    try:
        with _opener().open(request, timeout=timeout) as response:
            if response.status != 200:
                raise Unavailable(f"{url} answered with status {response.status}.")
            text = _read(response, url, deadline)
            found = _MAX_AGE.search(response.headers.get("Cache-Control", ""))
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{url} does not answer: {error!r}.") from error
    try:
        return Reply(json_object(text), int(found[1]) if found else None)
    except ValueError as error:
        raise Unavailable(f"{url} did not answer with a JSON object: {error}.") from error


def _opener() -> urllib.request.OpenerDirector:
    """Only http and https, by way of a proxy where the environment names one. Redirects are answers like any other."""
    opener = urllib.request.OpenerDirector()
    handlers: tuple[type[urllib.request.BaseHandler], ...] = (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.UnknownHandler,
    )
    for handler in handlers:
        opener.add_handler(handler())
    return opener


def _read(response: http.client.HTTPResponse, url: str, deadline: float) -> bytes:
    """The whole body; a server that drips or never ends is one that does not answer."""
    text = b""
    while chunk := response.read1(65_536):
        text += chunk
        if len(text) > MAX_BYTES:
            raise Unavailable(f"{url} answered with more than {MAX_BYTES} bytes.")
        if time.monotonic() > deadline:
            raise Unavailable(f"{url} takes too long to answer.")
    if response.length:
        raise Unavailable(f"The answer of {url} was cut off.")
    return text
