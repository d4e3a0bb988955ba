"""A database that is empty, or not there: what operators are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.test import Client as Http

from common.database_errors import advice, lacks_tables
from tests.idp.test_settings import run

ISSUER = "http://localhost:8000"
COMMANDS = {
    "rotatekeys": (),
    "cleartokens": (),
    "explain": ("web", "https://api.example"),
    "deliverevents": ("--once",),
    "delivermail": ("--once",),
    "resealfactors": (),
    "applyconfig": ("docs/configuration.yaml",),
}


LACKING = "The database lacks tables of this version. Run 'manage.py migrate' first."


def told(name: str, trouble: str) -> str:
    """What the command says when the first statement meets this trouble."""

    def refuse(*_call: object) -> None:
        raise OperationalError(trouble)

    with connection.execute_wrapper(refuse), pytest.raises(CommandError) as raised:
        call_command(name, *COMMANDS.get(name, ()))
    assert raised.value.returncode == 1
    return str(raised.value)


@pytest.mark.any_database
@pytest.mark.django_db
@pytest.mark.parametrize("name", COMMANDS)
def test_without_tables_a_command_asks_for_migrate(name: str) -> None:
    assert told(name, "no such table: clients_client") == LACKING


@pytest.mark.any_database
@pytest.mark.django_db
@pytest.mark.parametrize("name", [*COMMANDS, "quickstart"])
def test_without_a_database_a_command_names_the_variable(name: str) -> None:
    said = told(name, "connection failed: Connection refused\n\tIs the server running?")
    assert said == (
        "The database cannot be used: connection failed: Connection refused Is the server running. "
        "Check DATABASE_URL, and whether the database runs."
    )


def test_in_a_process_of_its_own_it_ends_with_that_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    done = run("manage.py", "applyconfig", "docs/configuration.yaml", DATABASE_URL=url, IDP_ISSUER=ISSUER)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"CommandError: {LACKING}")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["rotatekeys", "quickstart"])
def test_in_a_process_of_its_own_it_ends_with_that_and_shows_no_password(name: str) -> None:
    url = "postgres://vestibule:topsecret@127.0.0.1:1/vestibule"
    done = run("manage.py", name, DATABASE_URL=url, IDP_ISSUER=ISSUER)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("CommandError: The database cannot be used: ")
    assert last.endswith(". Check DATABASE_URL, and whether the database runs.")
    assert "migrate" not in last
    assert "Traceback" not in done.stderr
    assert "topsecret" not in done.stderr


def test_commands_of_django_say_so_too(tmp_path: Path) -> None:
    empty = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    given = {"DATABASE_URL": empty, "IDP_ISSUER": ISSUER, "DJANGO_SUPERUSER_PASSWORD": "long enough"}
    done = run("manage.py", "createsuperuser", "--noinput", "--username", "a", "--email", "a@people.example", **given)
    assert done.returncode == 1
    assert done.stderr == "The database lacks tables of this version. Run 'manage.py migrate' first.\n"

    done = run("manage.py", "migrate", DATABASE_URL="postgres://127.0.0.1:1/vestibule", IDP_ISSUER=ISSUER)
    assert done.returncode == 1
    assert done.stderr.startswith("The database cannot be used: ")
    assert done.stderr.endswith(". Check DATABASE_URL, and whether the database runs.\n")


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["SELECT * FROM nowhere", "SELECT missing FROM clients_signingkey"])
def test_a_missing_table_or_column_is_told_from_other_trouble(statement: str) -> None:
    with pytest.raises((OperationalError, ProgrammingError)) as raised, transaction.atomic():
        connection.cursor().execute(statement)
    assert lacks_tables(raised.value)
    with pytest.raises((OperationalError, ProgrammingError)) as raised, transaction.atomic():
        connection.cursor().execute("SELEKT")
    assert not lacks_tables(raised.value)


def test_trouble_of_several_lines_is_told_in_one() -> None:
    assert advice(OperationalError("it failed:\n\tIs it running?\n")) == (
        "The database cannot be used: it failed: Is it running. Check DATABASE_URL, and whether the database runs."
    )


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("no such table: clients_signingkey", "The database lacks tables of this version: run manage.py migrate."),
        ("connection refused", "The database does not answer."),
    ],
)
@pytest.mark.django_db
def test_not_ready_says_which(trouble: str, reason: str) -> None:
    def refuse(*_call: object) -> None:
        raise OperationalError(trouble)

    with connection.execute_wrapper(refuse):
        response = Http().get("/healthz/ready")
    assert (response.status_code, response.json()["reason"]) == (503, reason)
