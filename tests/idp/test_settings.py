"""What the environment says, and the sentences about what it should not say."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from common.issuer import checked_issuer

ROOT = Path(__file__).parent.parent.parent
KEPT = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command with these variables of ours and no others."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    asked = [sys.executable, *command]
    return subprocess.run(asked, cwd=ROOT, env=kept | environment, capture_output=True, text=True, timeout=60)


def value_of(name: str, **environment: str) -> str:
    done = run("-c", f"from idp import settings; print(settings.{name})", **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("environment", "forgotten"),
    [
        ({}, "False"),
        ({"DATABASE_URL": "postgres://db.example/v"}, "True"),
        ({"DATABASE_URL": "postgres://db.example/v", "IDP_ISSUER": "http://localhost:8000"}, "False"),
    ],
)
def test_a_database_without_an_issuer_is_noticed(environment: dict[str, str], forgotten: str) -> None:
    assert value_of("IDP_ISSUER_FORGOTTEN", **environment) == forgotten


@pytest.mark.parametrize(
    ("value", "origin"),
    [
        ("https://id.example.com:443", "https://id.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://id.example.com:", "https://id.example.com"),
        ("https://id.example.com:08443", "https://id.example.com:8443"),
    ],
)
def test_an_issuer_that_browsers_write_otherwise_is_refused(value: str, origin: str) -> None:
    """The origin that a passkey names would not be ours."""
    with pytest.raises(ImproperlyConfigured, match=f"as browsers write it, {re.escape(origin)}, not"):
        checked_issuer(value)
    assert checked_issuer(origin) == origin


@pytest.mark.parametrize("issuer", ["http://localhost:443", "https://id.example.com:80", "http://[::1]:8000"])
def test_an_unusual_port_stays_in_the_issuer(issuer: str) -> None:
    assert checked_issuer(issuer) == issuer


def test_every_line_for_cron_in_the_documents_loads_the_environment() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("* * ")]
    assert lines
    assert [line for line in lines if "set -a && . /etc/vestibule.env && " not in line] == []


def test_levels_may_be_written_small() -> None:
    assert value_of("LOGGING['root']['level']", LOG_LEVEL="debug") == "DEBUG"


@pytest.mark.parametrize(
    ("meant", "values"),
    [(True, ("true", "True", "yes", "1", " on ")), (False, ("false", "No", "0", "off", ""))],
)
def test_switches_are_on_or_off(meant: bool, values: tuple[str, ...]) -> None:
    for value in values:
        assert value_of("IDP_SIGNUP_OPEN", IDP_SIGNUP_OPEN=value) == str(meant), value


WRONG = {
    "LOG_LEVEL": ("chatty", "LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL, not 'chatty'."),
    "DATABASE_URL": ("garbage", "DATABASE_URL must look like postgres://user:password@db.example.com/vestibule, .*"),
    "CACHE_URL": ("garbage", "CACHE_URL must look like redis://cache.example.com:6379/0, .*"),
    "EMAIL_URL": ("smtp://mail.example:abc", r"EMAIL_URL must look like smtp\+tls://.*"),
    "SECRET_KEY_FILE": ("/nowhere/key", r"SECRET_KEY_FILE names .*: /nowhere/key \(No such file or directory\)."),
    "DATABASE_URL_FILE": ("/nowhere/url", r"DATABASE_URL_FILE names .*: /nowhere/url \(No such file or directory\)."),
    "IDP_REFRESH_GRACE_SECONDS": ("abc", "IDP_REFRESH_GRACE_SECONDS must be a whole number. .*"),
    "IDP_SIGNUP_OPEN": ("ture", "IDP_SIGNUP_OPEN must be true or false."),
    "IDP_ISSUER": (
        "https://id.example.com:443",
        "IDP_ISSUER must be written as browsers write it, https://id.example.com, not 'https://id.example.com:443'.",
    ),
    "IDP_CLIENT_CERTIFICATE_HEADER": (
        "X_Client_Cert",
        "IDP_CLIENT_CERTIFICATE_HEADER must be the name of a header, such as ClientCert, not 'X_Client_Cert'.",
    ),
    "IDP_MTLS_URL": (
        "https://mtls.example.com/elsewhere",
        "IDP_MTLS_URL must have the path of IDP_ISSUER: 'https://mtls.example.com/elsewhere'.",
    ),
    "IDP_INVITATION_DAYS": ("99999999", "IDP_INVITATION_DAYS must be 36,500 at most, not 99999999."),
    "EMAIL_TIMEOUT": ("0", "EMAIL_TIMEOUT must be 1 or more, not 0."),
    "DEFAULT_FROM_EMAIL": ("nobody", "DEFAULT_FROM_EMAIL must look like no-reply@example.com or .*"),
    "IDP_TRUSTED_PROXIES": ("proxy.example", "IDP_TRUSTED_PROXIES takes addresses and networks, not names: .*"),
}


@pytest.mark.parametrize("command", [("manage.py", "rotatekeys"), ("-m", "idp.server", "--port", "{port}")])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_variable_is_named_in_one_sentence(name: str, command: tuple[str, ...]) -> None:
    value, sentence = WRONG[name]
    done = run(*(one.format(port=free_port()) for one in command), **{name: value})
    assert done.returncode == 1
    assert re.fullmatch(sentence + "\n", done.stderr), done.stderr


@pytest.mark.parametrize("url", ["postgre://u:topsecret@h/d", "postgres://u:topsecret@h:topsecret/d"])
def test_a_wrong_address_of_a_database_shows_no_password(url: str) -> None:
    done = run("manage.py", "check", DATABASE_URL=url)
    assert done.returncode == 1
    assert "topsecret" not in done.stderr + done.stdout


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("argument", "value", "sentence"),
    [
        ("--port", "99999", "must be a number from 1 to 65535, not '99999'."),
        ("--address", "localhost", "must be an IP address such as 127.0.0.1, not 'localhost'."),
        ("--workers", "0", "must be a whole number above 0, not '0'."),
        ("--threads", "many", "must be a whole number above 0, not 'many'."),
    ],
)
def test_a_wrong_argument_of_the_server_is_named(argument: str, value: str, sentence: str) -> None:
    done = run("-m", "idp.server", argument, value)
    assert done.returncode == 2
    assert done.stderr.endswith(f"argument {argument}: {sentence}\n"), done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_number_of_processes_is_named() -> None:
    done = run("-m", "idp.server", WEB_CONCURRENCY="abc")
    assert (done.returncode, done.stderr) == (1, "WEB_CONCURRENCY must be a whole number above 0, not 'abc'.\n")


def test_a_port_of_another_program_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("-m", "idp.server", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr == (f"127.0.0.1:{port} is in use by another program. Stop it, or choose another --port.\n"), (
        done.stderr
    )
