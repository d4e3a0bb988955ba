"""A database from before the first release: whoever starts anything with it is told to start anew; it is left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client as Http

from common.unreleased import REASON, is_unreleased, start_anew
from tests.idp.test_settings import ROOT, run

APPLIED = (
    "auth.0001_initial",
    "accounts.0001_initial",
    "account.0001_initial",
    "clients.0012_one_more",
)
COMMANDS = {
    "migrate": (),
    "makemigrations": ("--check", "--dry-run"),
    "quickstart": (),
    "applyconfig": ("docs/configuration.yaml",),
    "rotatekeys": (),
}


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The file as the demo of an earlier version left it, as far as migrations look at it."""
    file = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE django_migrations (id integer PRIMARY KEY, app text, name text, applied text)")
        rows = [(*one.split("."), "2026-11-20 12:00:00") for one in APPLIED]
        database.executemany("INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, ?)", rows)
        database.commit()
    return file


def tables(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as database:
        return [name for (name,) in database.execute("SELECT name FROM sqlite_master")]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_in_one_sentence_to_start_anew(earlier: Path, name: str) -> None:
    given = {"DATABASE_URL": f"sqlite:///{earlier}", "IDP_ISSUER": "http://localhost:8000"}
    done = run("manage.py", name, *COMMANDS[name], **given)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1].removeprefix("CommandError: ")
    assert last == f"{REASON}; start anew: delete {earlier} and run the command again."
    assert "Traceback" not in done.stderr
    assert tables(earlier) == ["django_migrations"], "nothing was migrated half"


def test_the_file_is_named_as_one_types_it() -> None:
    demo: Any = SimpleNamespace(vendor="sqlite", settings_dict={"NAME": str(Path.cwd() / "var" / "db.sqlite3")})
    assert start_anew(demo) == f"{REASON}; start anew: delete var/db.sqlite3 and run the command again."


def test_where_there_is_no_file_an_empty_database_is_asked_for() -> None:
    postgresql: Any = SimpleNamespace(vendor="postgresql")
    assert start_anew(postgresql) == (
        f"{REASON}; start anew: create an empty database, name it in DATABASE_URL and run the command again."
    )


@pytest.mark.django_db
def test_a_server_with_such_a_database_is_not_ready(keys: None) -> None:
    assert not is_unreleased(connection)
    assert Http().get("/healthz/ready").status_code == 200
    MigrationRecorder(connection).record_applied("accounts", "0001_initial")
    response = Http().get("/healthz/ready")
    assert (response.status_code, response.json()["reason"]) == (503, f"{REASON}: manage.py migrate says what to do.")


def test_no_migration_has_the_name_by_which_such_a_database_is_told() -> None:
    """A new `0001_initial` would make every database one of those."""
    ours = [Path(config.path) for config in apps.get_app_configs() if Path(config.path).parent == ROOT]
    assert [path for path in ours if (path / "migrations" / "0001_initial.py").exists()] == []
    assert settings.BASE_DIR / "accounts" in ours
