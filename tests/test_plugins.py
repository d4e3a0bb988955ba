"""The tests' own guards hold: no network but loopback, no skip that nobody agreed to."""

from __future__ import annotations

import itertools
import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from tests import migrated, sweep
from tests.console import browser, page, problems, project, send
from tests.plugins.loopback import NotLoopbackError, is_loopback
from tests.plugins.numbering import begins
from tests.plugins.places import needs_this_run

ROOT = Path(__file__).parent.parent


@dataclass
class Row:
    """One of a table."""

    said: dict[str, str]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost", "app.localhost", b"::1"]
)
def test_this_machine_may_be_reached(host: str | bytes) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "::ffff:192.0.2.1", "0.0.0.0", "app.example", "notlocalhost", "localhost.example"]
)
def test_any_other_machine_may_not(host: str) -> None:
    assert not is_loopback(host)


def test_connecting_elsewhere_is_refused_before_a_packet_leaves() -> None:
    with socket.socket() as sock, pytest.raises(NotLoopbackError, match=re.escape("192.0.2.1")):
        sock.connect(("192.0.2.1", 80))
    with socket.socket() as sock, pytest.raises(NotLoopbackError):
        sock.connect_ex(("192.0.2.1", 80))


def test_sending_elsewhere_is_refused() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(NotLoopbackError):
        sock.sendto(b"x", ("192.0.2.1", 53))


def test_a_foreign_name_is_not_even_looked_up() -> None:
    with pytest.raises(NotLoopbackError, match=re.escape("app.example")):
        socket.create_connection(("app.example", 443))


def test_loopback_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def run(directory: Path, *options: str, ci: bool = True, **files: str) -> subprocess.CompletedProcess[str]:
    """A pytest run of its own over the given files, with only the guard against skips."""
    for name, source in files.items():
        (directory / f"test_{name}.py").write_text(f"import pytest\n\ndef test_passes(): pass\n\n{source}\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CI": "true" if ci else ""}
    for inherited in [name for name in environment if name.startswith("PYTEST_")]:
        del environment[inherited]
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "tests.plugins.skips", "-p", "no:cacheprovider"]
    command += [f"--rootdir={directory}", "-c", os.devnull, *options, str(directory)]
    return subprocess.run(command, cwd=directory, env=environment, text=True, capture_output=True, check=False)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_every_silent_test_fails_the_run_and_is_named(tmp_path: Path, workers: str) -> None:
    result = run(
        tmp_path,
        "-n",
        workers,
        inside="def test_a(): pytest.skip('too tired')",
        marked="@pytest.mark.skip(reason='too hot')\ndef test_a(): pass",
        whole="pytest.skip('too cold', allow_module_level=True)",
        expected="@pytest.mark.xfail(reason='too hard')\ndef test_a(): assert 0",
    )
    assert result.returncode == 1, result.stdout + result.stderr
    _, _, named = result.stdout.partition("skips that are not on the list")
    assert re.findall(r"test_(\w+)\.py.*: too (\w+)", named) == [
        ("expected", "hard"),
        ("inside", "tired"),
        ("marked", "hot"),
        ("whole", "cold"),
    ]


def test_one_skipped_file_alone_fails_the_run(tmp_path: Path) -> None:
    result = run(tmp_path, whole="pytest.skip('too cold', allow_module_level=True)")
    assert result.returncode == 1, result.stdout + result.stderr


def test_an_agreed_skip_does_not_fail_the_run(tmp_path: Path) -> None:
    result = run(tmp_path, "-n", "2", agreed="def test_a(): pytest.skip('needs PostgreSQL')")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("ci", "status"), [(True, 1), (False, 0)])
def test_a_missing_browser_is_excused_only_outside_the_gate(tmp_path: Path, ci: bool, status: int) -> None:
    result = run(tmp_path, ci=ci, browser="def test_a(): pytest.skip('needs Chromium')")
    assert result.returncode == status, result.stdout + result.stderr


@pytest.mark.parametrize("workers", ["0", "2"])
def test_programs_of_others_run_when_they_are_asked_for_and_are_named_when_not(tmp_path: Path, workers: str) -> None:
    options = ("-n", workers, "-p", "tests.plugins.programs")
    theirs = "@pytest.mark.programs\ndef test_a(): assert 0"
    result = run(tmp_path, *options, theirs=theirs)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 tests with programs of others are left out: run by `make foreign`" in result.stdout
    result = run(tmp_path, *options, "--programs", theirs=theirs)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "left out" not in result.stdout


def test_what_the_second_database_does_not_get_is_counted(tmp_path: Path) -> None:
    asks = "@pytest.mark.django_db\ndef test_a(): pass\n\n"
    asks += "@pytest.mark.django_db\n@pytest.mark.any_database\ndef test_b(): assert 0"
    result = run(tmp_path, "-p", "tests.plugins.places", "--database-only", asks=asks)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 tests could not tell this database from SQLite, where they run, and are left out" in result.stdout
    assert "1 passed" in result.stdout


@pytest.mark.parametrize(
    ("fixtures", "marks", "kept"),
    [
        ((), (), False),
        (("settings", "tmp_path"), ("parametrize",), False),
        (("world", "db"), (), True),
        (("live_server",), (), True),
        ((), ("django_db",), True),
        ((), ("foreign",), True),
        (("world", "db"), ("django_db", "any_database"), False),
    ],
)
def test_the_second_database_gets_the_tests_that_could_tell_it_from_the_first(
    fixtures: tuple[str, ...], marks: tuple[str, ...], kept: bool
) -> None:
    assert needs_this_run(fixtures, marks) is kept


@pytest.mark.parametrize("row", ["a\0b", {"a": ["\udcff"]}, {("x" * 256,)}, 2**31, Row({"name": "9" * 30}), {"\0": 1}])
def test_what_a_database_may_refuse_goes_to_both(row: object) -> None:
    assert needs_this_run(("db",), ("any_database",), row)


@pytest.mark.parametrize("row", [None, "a", b"\0", {"a": [1, ("b", True)]}, Row({"name": ""}), Row, 999_999_999])
def test_what_every_database_takes_does_not(row: object) -> None:
    assert not needs_this_run(("db",), ("any_database",), row)


def test_a_test_is_told_of_pages_and_not_of_what_stands_in_their_fields(console: None) -> None:
    told = {str(one.name) for one in browser("owner").get(page("clients_client_add")).templates}
    assert "admin/change_form.html" in told
    assert not [name for name in told if name.startswith("django/forms/")]


def test_a_form_that_comes_back_is_drawn_for_who_looks(console: None) -> None:
    new = {"project": project().pk, "name": "New", "client_id": "two words", "grant_types": ["client_credentials"]}
    answer = send(browser("owner"), page("clients_client_add"), new)
    assert list(problems(answer)) == ["client_id"]
    assert b"two words" in answer.content


@pytest.mark.parametrize("seed", ["", "1", "another"])
def test_numbers_of_rows_are_those_of_no_other_table_and_nothing_else(seed: str) -> None:
    tables = [f"table_{number}" for number in range(200)]
    first = sorted(begins(tables, seed).values())
    assert begins(tables[::-1], seed) == begins(tables, seed), "in each run the same"
    assert all(after - before > 5_000_000 for before, after in itertools.pairwise(first))
    assert 10**6 < first[0] < first[-1] < 2**31 - 5_000_000
    assert max(begins(tables, "small").values()) < 1010


@pytest.mark.django_db
def test_rows_of_postgresql_are_numbered_so() -> None:
    assert (User.objects.create(username="one").pk > 10**6) is (connection.vendor == "postgresql")


def test_of_other_code_no_database_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    of_this = migrated.digest()
    monkeypatch.setattr(migrated, "LAYERS", ("common",))
    assert migrated.digest() != of_this


@pytest.mark.parametrize(("many", "others"), [(3, 5), (5, 3), (4, 4), (1, 4)])
def test_of_pairs_each_side_has_its_turn_on_the_second_database(many: int, others: int) -> None:
    pairs = sweep.meeting(range(many), range(others))
    assert len(pairs) == many * others
    both = [one.values for one in pairs if not one.marks]
    assert {one for one, _ in both} == set(range(many))
    assert {other for _, other in both} == set(range(others))
    assert len(both) == max(many, others)


def test_taking_turns_lets_every_two_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = ("by nobody", "by somebody", "posted")
    tried = {(m, n, way) for m in range(7) for n in range(5) for way in sweep.taking_turns(ways, m + n)}
    assert {(m, n) for m, n, _ in tried} == {(m, n) for m in range(7) for n in range(5)}
    assert {(m, way) for m, _, way in tried} == {(m, way) for m in range(7) for way in ways}
    assert {(n, way) for _, n, way in tried} == {(n, way) for n in range(5) for way in ways}
    monkeypatch.setattr(sweep, "EVERYTHING", True)
    assert sweep.taking_turns(ways, 1) == ways


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
def test_a_server_beside_a_test_has_connections_of_its_own(live_server: Any) -> None:
    """Else both would wait for each other for ever, some day."""
    assert not live_server.thread.connections_override
