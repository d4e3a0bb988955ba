"""Asking the provider: whatever is not a plain JSON answer in time is an outage, never a verdict."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from vestibule_verifier import Unavailable
from vestibule_verifier.fetch import MAX_BYTES, checked_url, fetch

from tests.provider import KEYS, TestProvider


def ask(provider: TestProvider, timeout: float = 5) -> dict[str, Any]:
    return fetch(provider.issuer + KEYS, timeout).document


@pytest.mark.parametrize("status", [201, 204, 206, 301, 302, 307, 308, 400, 401, 403, 404, 429, 500, 503])
def test_only_200_is_an_answer(provider: TestProvider, status: int) -> None:
    assert ask(provider)["keys"]
    provider.fail(KEYS, status)
    with pytest.raises(Unavailable, match=f"status {status}"):
        ask(provider)


def test_a_redirect_is_not_followed(provider: TestProvider) -> None:
    provider.documents["/elsewhere"] = {"keys": []}
    provider.fail(KEYS, 302)
    provider.headers[KEYS] = {"Location": provider.issuer + "/elsewhere"}
    with pytest.raises(Unavailable, match="status 302"):
        ask(provider)
    assert provider.asked("/elsewhere") == 0


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b"{", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_no_json_object(provider: TestProvider, body: bytes) -> None:
    provider.bodies[KEYS] = body
    with pytest.raises(Unavailable, match="JSON object"):
        ask(provider)


def test_an_answer_that_is_too_long(provider: TestProvider) -> None:
    padding = b'{"a": "' + b"x" * (MAX_BYTES - 9) + b'"}'
    provider.bodies[KEYS] = padding
    assert ask(provider)
    provider.bodies[KEYS] = padding + b" "
    with pytest.raises(Unavailable, match="more than"):
        ask(provider)


def test_an_answer_that_was_cut_off(provider: TestProvider) -> None:
    provider.headers[KEYS] = {"Content-Length": "5000"}
    with pytest.raises(Unavailable):
        ask(provider)


def test_a_provider_that_keeps_silent(provider: TestProvider) -> None:
    provider.gate.clear()
    with pytest.raises(Unavailable, match="does not answer"):
        ask(provider, timeout=0.1)


def test_nobody_listening(provider: TestProvider) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unavailable, match="does not answer"):
        fetch(f"http://127.0.0.1:{port}{KEYS}", 5)


@pytest.fixture
def raw() -> Iterator[tuple[str, list[bytes]]]:
    """An address that answers every connection with the bytes of the list, one by one while somebody reads."""
    pieces: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _address = server.accept()
            with connection:
                connection.recv(65_536)
                for piece in pieces:
                    connection.sendall(piece)
        except OSError:
            return  # the other side had enough

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/", pieces
    server.close()
    thread.join(10)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08",
    ],
)
def test_what_is_no_http(raw: tuple[str, list[bytes]], answer: bytes) -> None:
    url, pieces = raw
    pieces.append(answer)
    with pytest.raises(Unavailable):
        fetch(url, 5)


def test_a_server_that_drips_is_given_up_on(raw: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    url, pieces = raw
    pieces += [b"HTTP/1.1 200 OK\r\n\r\n", b'{"a": 1}']
    moments = iter([0.0, 6.0])
    monkeypatch.setattr("vestibule_verifier.fetch.time.monotonic", lambda: next(moments))
    with pytest.raises(Unavailable, match="takes too long"):
        fetch(url, 5)


@pytest.mark.parametrize(
    "url", ["https://id.example/x", "http://localhost:1/x", "http://127.0.0.1/x", "http://[::1]:8000/x"]
)
def test_where_keys_and_credentials_may_travel(url: str) -> None:
    assert checked_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example/x",
        "http://localhost.id.example/x",
        "http://10.0.0.1/x",
        "ftp://localhost/x",
        "file:///etc/hostname",
        "https:///x",
        "https://user:password@id.example/x",
        "https://id.example/x#y",
        "https://[::1",
        "//id.example/x",
        "/x",
        "",
        None,
        7,
        b"https://id.example",
    ],
)
def test_and_where_not(url: object) -> None:
    with pytest.raises(ValueError):
        checked_url(url)
