"""The server as configured, around a small application that tells what it was asked."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from common.meter import Watching
from idp import server as configured
from idp.bodies import MAX_BODY
from idp.management.commands.quickstart import ADMIN_PASSWORD
from idp.server import SECRETS
from provider.endpoints.authorize import MAX_QUERY
from tests.idp.telling import SECRET

ROOT = Path(__file__).parent.parent.parent
STARTS_WITHIN = 30  # seconds
START = "from idp.server import serve; serve({application!r}, {waits}, port={port}, workers=1, blocking_threads=2)"
HOST = b"Host: localhost\r\n"


def test_bodies_are_refused_at_the_size_pages_refuse_them() -> None:
    assert MAX_BODY == settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_the_number_of_processes_is_taken_from_the_environment() -> None:
    def said(**environment: str) -> str:
        command = [sys.executable, "-c", "from idp import server; print(server.WORKERS)"]
        environment = os.environ | environment
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True, text=True)
        return done.stdout.strip()

    assert said(WEB_CONCURRENCY="7") == "7"
    assert said(WEB_CONCURRENCY="") == str(len(os.sched_getaffinity(0)))


def test_the_command_line_says_where_and_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(configured, "serve", asked.update)
    line = "server --address 0.0.0.0 --port 9000 --workers 3 --threads 5 --quiet"
    monkeypatch.setattr(sys, "argv", line.split())
    monkeypatch.setattr(configured, "require_free", lambda *_where: None)
    configured.main()
    wanted = {"address": "0.0.0.0", "port": 9000, "workers": 3, "blocking_threads": 5, "log_level": "error"}
    assert asked == wanted


@dataclass
class Server:
    port: int
    process: subprocess.Popen[str]

    @contextlib.contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            yield connection

    def says(self, *sent: bytes) -> bytes:
        """Everything it answers until it closes the connection."""
        with self.connection() as connection:
            for part in sent:
                connection.sendall(part)
            return everything(connection)

    def told(self, *head: bytes, path: bytes = b"/", method: bytes = b"GET", body: bytes = b"") -> dict[str, Any]:
        lines = [method + b" " + path + b" HTTP/1.1", HOST.strip(), b"Connection: close", *head]
        answer = self.says(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        found = re.search(rb"\{.*\}", answer)
        assert found
        told: dict[str, Any] = json.loads(found[0])
        return told


def everything(connection: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):  # what we still sent when it had said enough
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


Start = Callable[..., Server]


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(_running(**options))


@contextlib.contextmanager
def _running(application: str = "tests.idp.telling.application", waits: float = 30, port: int = 0) -> Iterator[Server]:
    if not port:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
    code = START.format(application=application, waits=waits, port=port)
    environment = {**os.environ, **dict.fromkeys((*SECRETS, ADMIN_PASSWORD), SECRET)}
    command = [sys.executable, "-c", code]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        server = Server(port, process)
        _wait_for(server)
        yield server
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _wait_for(server: Server) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and server.process.poll() is None:
        try:
            with server.connection():
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not start")


@pytest.fixture(scope="module")
def server(start: Start) -> Server:
    return start()


# --- What reaches the application ------------------------------------------------------------------------------------
def test_the_longest_authorization_request_gets_through(server: Server) -> None:
    told = server.told(path=b"/oauth2/authorize/?" + b"x" * MAX_QUERY)
    assert (told["PATH_INFO"], len(told["query"])) == ("/oauth2/authorize/", MAX_QUERY)


def test_no_header_says_where_a_request_comes_from_or_goes_to(server: Server) -> None:
    sent = (b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-Proto: https", b"X-Forwarded-Prefix: /elsewhere")
    told = server.told(*sent, b"Forwarded: for=192.0.2.1;proto=https", b"SCRIPT_NAME: /elsewhere")
    assert (told["REMOTE_ADDR"], told["wsgi.url_scheme"], told["SCRIPT_NAME"]) == ("127.0.0.1", "http", "")
    assert told["HTTP_HOST"] == "localhost"


def test_no_request_holds_the_secrets_of_the_environment(server: Server) -> None:
    """Whatever shows or logs a request would show them, too."""
    assert server.told()["secrets"] == []


def test_a_path_is_decoded_once(server: Server) -> None:
    told = server.told(path=b"/a%2Fb%2500/%C3%A4?c=%2F%C3%A4")
    assert told["PATH_INFO"].encode("latin-1") == "/a/b%00/ä".encode()
    assert told["query"] == "c=%2F%C3%A4"


def test_two_headers_of_one_name_are_one_with_a_comma(server: Server) -> None:
    told = server.told(b"Authorization: Basic YTpi", b"authorization: Bearer c")
    assert told["HTTP_AUTHORIZATION"] == "Basic YTpi,Bearer c"


def test_a_header_with_underscores_passes_for_one_with_dashes(server: Server) -> None:
    """Of X-Forwarded-For operations.md asks the proxy to drop these. When this changes, it need not any more."""
    assert server.told(b"X_Forwarded-For: 192.0.2.1")["HTTP_X_FORWARDED_FOR"] == "192.0.2.1"
    assert server.told(b"Content_Length: 3", b"Content_Type: a/b").get("CONTENT_LENGTH") is None


@pytest.mark.parametrize("header", ["Authorization: Bearer ä", "Cookie: a=ä; b=c", "X-Forwarded-For: ä, 192.0.2.1"])
def test_a_header_that_is_not_ascii_is_empty(server: Server, header: str) -> None:
    """All of it, not the letter: operations.md and decision 0095 say what that means for the last two."""
    name = header.partition(":")[0].upper().replace("-", "_")
    assert server.told(header.encode())[f"HTTP_{name}"] == ""


def test_a_form_arrives(server: Server) -> None:
    told = server.told(b"Content-Length: 3", b"Content-Type: text/plain", method=b"POST", body=b"a=b")
    assert (told["body"], told["CONTENT_LENGTH"], told["CONTENT_TYPE"]) == ("a=b", "3", "text/plain")


def test_a_body_in_chunks_has_no_length(server: Server) -> None:
    told = server.told(b"Transfer-Encoding: chunked", method=b"POST", body=b"3\r\na=b\r\n0\r\n\r\n")
    assert (told["body"], told.get("CONTENT_LENGTH")) == ("", None)


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(server: Server) -> None:
    with server.connection() as connection:
        lines = (
            b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(lines)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(b"a=b")
        assert b'"body": "a=b"' in everything(connection)


def test_http_1_0_gets_an_answer_and_the_end_of_the_connection(server: Server) -> None:
    assert server.says(b"GET / HTTP/1.0\r\n" + HOST + b"\r\n").startswith(b"HTTP/1.0 200 OK\r\n")


def test_an_answer_to_head_has_no_body(server: Server) -> None:
    answer = server.says(b"HEAD / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n")


def test_the_server_does_not_tell_its_version(server: Server) -> None:
    answer = server.says(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert re.findall(rb"(?im)^server: (.*)\r$", answer) == [b"granian"]


# --- What does not ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 4\r\n\r\nabcd", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
        (b"GET /?" + b"x" * 2 * configured.MAX_HEAD + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 2 * configured.MAX_HEAD + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: x\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_a_request_that_is_none_is_refused_and_its_connection_ended(server: Server, head: bytes, status: int) -> None:
    answer = server.says(head)
    assert re.fullmatch(rb"HTTP/1\.[01] (\d+) .*", answer.partition(b"\r\n")[0])
    assert [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d+) ", answer)] == [status]


def test_http_2_is_not_spoken(server: Server) -> None:
    assert server.says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == b""


def test_a_length_beside_chunks_begins_no_second_request(server: Server) -> None:
    smuggled = b"0\r\n\r\nGET /second HTTP/1.1\r\n" + HOST + b"\r\n"
    head = b"POST /first HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = server.says(head % len(smuggled) + smuggled)
    assert b"/second" not in answer


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(server: Server) -> None:
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n"
    answer = server.says(head % (MAX_BODY + 1))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"\r\n\r\nThe request body is too large. At most 1,000,000 bytes are taken.")


def test_half_a_body_is_not_taken_for_a_whole_one(server: Server) -> None:
    with server.connection() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\na=b")
        connection.shutdown(socket.SHUT_WR)
        assert b" 200 " not in everything(connection)
    assert server.told()["PATH_INFO"] == "/"


# --- Those who take their time ---------------------------------------------------------------------------------------
def test_slow_heads_keep_nobody_waiting(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(server.connection()).sendall(b"GET / HTTP/1.1\r\nHost:")
        assert server.told()["PATH_INFO"] == "/"


def test_a_worker_that_only_waits_for_bodies_is_replaced(start: Start) -> None:
    server = start(waits=1)
    first = server.told()["process"]
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            slow = stack.enter_context(server.connection())
            slow.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\na=b")
        assert everything(slow) == b""
    assert first != _told_again(server)["process"]


def test_a_worker_whose_threads_all_wait_is_replaced_and_live_answers_meanwhile(start: Start) -> None:
    """Whatever they wait for: a database that says nothing has no end of its own."""
    server = start(waits=2)
    first = server.told()["process"]
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            waiting = stack.enter_context(server.connection())
            waiting.sendall(b"GET /stuck HTTP/1.1\r\n" + HOST + b"\r\n")
        live = server.says(b"GET /healthz/live HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        assert live.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b'{"status":"live"}' in live
        assert b"content-type: application/json" in live.lower()
        assert everything(waiting) == b""
    assert first != _told_again(server)["process"]


def test_no_other_path_is_a_file(server: Server) -> None:
    for path in (b"/healthz/ready", b"/healthz/live/status.json", b"/healthz/live/..%2f..%2fsettings.py"):
        answer = server.says(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        assert b"import" not in answer
    assert server.told(path=b"/healthz/ready")["PATH_INFO"] == "/healthz/ready"


def _told_again(server: Server) -> dict[str, Any]:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        with contextlib.suppress(OSError, AssertionError):
            return server.told()
        time.sleep(0.05)
    raise AssertionError("no worker was started")


def test_one_slow_body_leaves_a_thread_for_others(start: Start) -> None:
    server = start(waits=1)
    with server.connection() as slow:
        slow.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\nConnection: close\r\n\r\na=b")
        first = server.told()["process"]
        time.sleep(2)
        assert server.told()["process"] == first
        slow.sendall(b"&c=d&e=")
        assert b'"body": "a=b&c=d&e="' in everything(slow)


# --- Workers ---------------------------------------------------------------------------------------------------------
def test_connections_are_kept(server: Server) -> None:
    with server.connection() as connection:
        for _ in range(3):
            connection.sendall(b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_clients_that_go_away_end_no_worker(server: Server) -> None:
    first = server.told()["process"]
    for _ in range(5):
        with server.connection() as connection:
            connection.sendall(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
    assert server.told()["process"] == first


def test_a_worker_that_was_killed_is_started_again(start: Start) -> None:
    server = start()
    first = server.told()["process"]
    os.kill(first, signal.SIGKILL)
    assert _told_again(server)["process"] != first


def test_a_request_in_hand_is_finished_at_the_end(start: Start) -> None:
    server = start()
    with server.connection() as connection, server.connection() as idle:
        idle.sendall(b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert idle.recv(1000)
        connection.sendall(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
        answer = b""
        while b"begun" not in answer:
            answer += connection.recv(1000)
        server.process.send_signal(signal.SIGTERM)
        assert b" and done" in everything(connection)
    assert server.process.wait(timeout=60) == 0


def test_no_worker_goes_on_when_the_main_process_was_killed(start: Start) -> None:
    """With the port it would keep the old code and the old secrets in service."""
    server = start()
    worker = server.told()["process"]
    server.process.kill()
    server.process.wait(timeout=60)
    until = time.monotonic() + STARTS_WITHIN
    while Path(f"/proc/{worker}").exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert not Path(f"/proc/{worker}").exists()
    with pytest.raises(ConnectionRefusedError), server.connection():
        pass


# --- Several nodes ---------------------------------------------------------------------------------------------------


def _answered(nodes: list[Server]) -> bool:
    """As the proxy of operations.md asks: the next node where one does not answer, and none is taken out for it."""
    for node in nodes:
        with contextlib.suppress(OSError):
            if node.says(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 "):
                return True
    return False


def test_no_request_is_lost_in_a_rolling_restart() -> None:
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(_running()) for _ in range(2)]
        done, answers = threading.Event(), []

        def ask() -> None:
            while not done.is_set():
                answers.append(_answered(nodes))

        visitor = threading.Thread(target=ask)
        visitor.start()
        try:
            for index, node in enumerate(nodes):
                node.process.terminate()
                node.process.wait(timeout=60)
                nodes[index] = stack.enter_context(_running(port=node.port))
        finally:
            done.set()
            visitor.join()
    assert len(answers) > 10
    assert all(answers)


def test_who_waits_for_events_is_told_how_many_threads_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, tuple[int, ...]]] = []
    monkeypatch.setattr(Watching, "meters", ())
    monkeypatch.setattr(configured, "import_string", lambda name: lambda *given: called.append((name, given)))
    configured._watched(lambda _environ, _start: [], 16, 1.0)
    assert not called, "it is for the worker, after the fork"
    monkeypatch.setattr(configured, "Watched", lambda application, *_given: application)
    configured._watched(lambda _environ, _start: [], 16, 1.0)()
    assert ("provider.telling.long_polling.begin", (16,)) in called
