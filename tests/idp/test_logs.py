"""What is told in one line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.test import Client as Http

from tests.idp.test_settings import run

SAID = "the database is gone:\n\tIs it running?\n"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return caplog.text.splitlines()


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
    assert "the rest" in done.stdout
    assert "Python threads" not in done.stdout + done.stderr
