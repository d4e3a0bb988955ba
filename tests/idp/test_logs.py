"""What is told in one line."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.test import Client as Http
from django.urls import reverse

from common.arrival import Arrival, current
from idp.logs import JsonFormatter, TextFormatter
from tests.idp.test_settings import KEPT, ROOT, run

SAID = "the database is gone:\n\tIs it running?\n"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return caplog.text.splitlines()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/accounts/login/", "/oauth2/token", "/.well-known/jwks.json"])
def test_another_host_is_one_line_that_names_the_issuer(path: str, caplog: pytest.LogCaptureFixture) -> None:
    Http(HTTP_HOST="evil.example" + "x" * 1000).get(path)
    (line,) = lines(caplog)
    assert "Refused a request for 'evil.examplex" in line
    assert line.endswith("x': that host is not IDP_ISSUER's.")
    assert len(line) < 300


@pytest.fixture(params=[OperationalError, InterfaceError])
def gone(db: None, request: pytest.FixtureRequest) -> Iterator[None]:
    def refuse(*_call: Any) -> Any:
        raise request.param(SAID)

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.parametrize(
    "path",
    [
        "/oauth2/authorize?client_id=a",
        "/oauth2/logout?client_id=a&post_logout_redirect_uri=b",
        "/oauth2/userinfo",
    ],
)
def test_an_outage_of_the_database_is_a_few_lines(path: str, gone: None, caplog: pytest.LogCaptureFixture) -> None:
    response = Http(HTTP_AUTHORIZATION="Bearer x").get(path)
    assert response.status_code == 503
    assert len(lines(caplog)) <= 2
    assert "The database does not answer: the database is gone: Is it running" in caplog.text


def test_so_it_is_on_pages(gone: None, caplog: pytest.LogCaptureFixture) -> None:
    http = Http(raise_request_exception=False)
    http.cookies[settings.SESSION_COOKIE_NAME] = "somebody"
    assert http.get("/").status_code == 503
    (line,) = lines(caplog)
    assert line.endswith("Service Unavailable: / (the database: the database is gone: Is it running)")


def test_other_faults_keep_their_traceback(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise RuntimeError("a fault nobody foresaw")
    except RuntimeError:
        logging.getLogger("django.request").exception("Internal Server Error: /")
    assert "Traceback" in caplog.text


def test_granians_advice_on_threads_is_left_out_and_nothing_else() -> None:
    """Where a machine has four cores or more it gives none; so it is asked here about a thousand threads."""
    code = (
        "import logging, sys; from granian.server import mp; from idp import server;"
        "mp.MPServer.__base__.serve = lambda *_given: logging.getLogger('_granian').warning('the rest');"
        "server.serve(blocking_threads=1000)"
    )
    done = run("-c", code, DJANGO_SETTINGS_MODULE="idp.settings")
    assert done.returncode == 0, done.stderr
    assert "the rest" in done.stderr
    assert "Python threads" not in done.stdout + done.stderr


# --- Lines for people, JSON for programs ---------------------------------------------------------------------------


def formatted(formatter: logging.Formatter, **more: Any) -> str:
    record = logging.LogRecord("vestibule.requests", logging.WARNING, "", 0, "Refused: %s", ("no\nline",), None)
    vars(record).update(more)
    return formatter.format(record)


FIELDS = {"rid": "5f1c9b7e", "event": "refused", "endpoint": "token", "status": 400, "ms": 1.5}


def test_json_has_the_fields_of_a_refusal_beside_those_of_every_line() -> None:
    said = json.loads(formatted(JsonFormatter(), fields=FIELDS))
    assert datetime.fromisoformat(said.pop("ts")).tzinfo is not None
    assert said == {**FIELDS, "level": "WARNING", "logger": "vestibule.requests"}


def test_json_is_one_line_whatever_happened() -> None:
    try:
        raise RuntimeError("a fault\nof two lines")
    except RuntimeError:
        line = formatted(JsonFormatter(), exc_info=sys.exc_info())
    assert "\n" not in line
    assert "Traceback" in json.loads(line)["exception"]


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_every_line_of_a_request_bears_its_id(formatter: logging.Formatter) -> None:
    token = current.set(Arrival("5f1c9b7e", 0.0))
    try:
        assert "5f1c9b7e" in formatted(formatter)
    finally:
        current.reset(token)
    assert "5f1c9b7e" not in formatted(formatter)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
@pytest.mark.parametrize(
    "link", [("account_reset_password_from_key", "3", "canary-a1"), ("account_confirm_email", "canary:1")]
)
def test_the_key_of_a_mail_is_on_no_line_when_its_page_fails(
    link: tuple[str, ...], formatter: logging.Formatter, gone: None, caplog: pytest.LogCaptureFixture
) -> None:
    """The database was away, so the key is good for another try: for whoever reads it."""
    name, *arguments = link
    path = reverse(name, args=arguments)
    http = Http(raise_request_exception=False)
    http.cookies[settings.SESSION_COOKIE_NAME] = "somebody"
    assert http.get(path).status_code == 503
    said = [formatter.format(record) for record in caplog.records]
    assert any(f"Service Unavailable: {path.partition('canary')[0].removesuffix('3-')}" in line for line in said)
    assert "canary" not in "".join(said)


@pytest.mark.parametrize(("chosen", "starts"), [("text", "2"), ("json", "{"), ("JSON", "{")])
def test_the_environment_says_how_the_log_looks(chosen: str, starts: str) -> None:
    code = "import django, logging; django.setup(); logging.getLogger('x').error('said')"
    done = run("-c", code, DJANGO_SETTINGS_MODULE="idp.settings", IDP_LOG_FORMAT=chosen)
    assert done.stderr.startswith(starts), done.stderr
    assert "said" in done.stderr


def test_another_format_is_refused_with_a_sentence() -> None:
    done = run("manage.py", "check", IDP_LOG_FORMAT="xml")
    assert "IDP_LOG_FORMAT must be text or json, not 'xml'." in done.stderr


def test_a_server_writes_nothing_but_objects(tmp_path: Path) -> None:
    """What granian says when it starts and ends, too; and nothing to standard output."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    environment = {**kept, "IDP_LOG_FORMAT": "json", "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3"}
    environment |= {"IDP_ISSUER": "http://localhost:8000", "SECRET_KEY": "s" * 40, "IDP_KEY_SECRETS": "k" * 40}
    asked = [sys.executable, "-m", "idp.server", "--port", port, "--workers", "1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(asked, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True) as server:
        assert server.stderr is not None
        begun = []
        for line in server.stderr:
            begun.append(line)
            if "Started worker" in line:
                break
        server.terminate()
        out, rest = server.communicate(timeout=60)
    said = [json.loads(line) for line in [*begun, *rest.splitlines()]]
    assert out == ""
    assert {"Starting granian", "Listening at:"} <= {" ".join(one["message"].split()[:2]) for one in said}
