"""What a drill makes of the ledger, and when a soak fails."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.soak import neighbours, report
from tests.soak.__main__ import arguments, chosen_drills
from tests.soak.drills import Drill, Result, While, judged, nothing
from tests.soak.faults import DRILLS
from tests.soak.ledger import Asked, Fault, Ledger

STRUCK, TOLERATED = 10.0, 20.0
AROUND = While(5.0, STRUCK, TOLERATED, 30.0)
KILLED = [(STRUCK, STRUCK + 0.1)]


def request(began: float, ended: float, status: int = 503) -> Asked:
    return Asked("refresh", began, ended, status, status != 200)


@pytest.mark.parametrize(
    ("asked", "allowed", "in_flight", "outside"),
    [
        (request(6, 7, 200), None, 0, 0),
        (request(6, 7), None, 0, 1),  # before anything happened
        (request(6, 7), 5, 0, 1),
        (request(9, 11, 0), None, 1, 0),  # under way when the process was killed
        (request(12, 12.1), None, 0, 1),
        (request(12, 12.1), 5, 0, 0),  # while the database is away
        (request(19, 26), 5, 0, 0),  # it began in time
        (request(21, 21.1), 5, 0, 1),  # it should have been over
    ],
)
def test_requests_fail_in_flight_or_during_or_outside(
    asked: Asked, allowed: float | None, in_flight: int, outside: int
) -> None:
    ledger = Ledger()
    ledger.note(asked)
    result = judged(Drill("one", "One", nothing, allowed), ledger, AROUND, KILLED)
    assert (result.sent, result.in_flight, result.outside) == (1, in_flight, outside)
    assert result.good is (outside == 0)


@pytest.mark.parametrize(("status", "faults"), [(0, 0), (502, 0), (503, 0), (504, 0), (500, 1), (400, 1), (401, 1)])
def test_an_outage_is_told_as_one(status: int, faults: int) -> None:
    ledger = Ledger()
    ledger.note(request(12, 12.1, status))
    assert judged(Drill("one", "One", nothing, 5), ledger, AROUND, KILLED).faults == faults


def test_what_the_clients_found_is_in_the_result_of_the_while_it_was_found_in() -> None:
    ledger = Ledger()
    for fault in Fault:
        ledger.fault(fault, 12.0, "why")
        ledger.fault(fault, 40.0, "later")
    result = judged(Drill("one", "One", nothing), ledger, AROUND, [])
    assert (result.lost, result.revived, result.unverified) == (1, 1, 1)
    assert result.details == ["lost: why", "revived: why", "unverified: why"]


GOOD = Result("One", 10, 0, 0, 0, 0, 0, 0, 0, 0, 0.4, 0.0)


@pytest.mark.parametrize("bad", ["outside", "lost", "revived", "unverified", "faults"])
def test_each_of_these_fails_the_soak(bad: str) -> None:
    assert report.faults([GOOD]) == []
    one = replace(GOOD)
    object.__setattr__(one, bad, 1)
    assert report.faults([one]) != []
    assert not one.good


def test_so_does_a_node_that_is_a_second_behind() -> None:
    assert report.faults([replace(GOOD, stale=1.0)]) == ["One: a node was 1.0 s behind"]
    assert not replace(GOOD, stale=1.0).good


def test_the_table_has_a_row_for_each_fault() -> None:
    shown = report.table([GOOD, replace(GOOD, title="Two", failed=2, recovered=1.25)]).splitlines()
    assert shown[0] == f"| {' | '.join(report.COLUMNS)} |"
    assert shown[2] == "| One | 10 | 0 | 0 | 0 | 0 | 0 | 0 | 400 | at once |"
    assert shown[3].endswith("| 400 | 1.2 |")


def test_the_table_is_written_in_place_of_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}an old one\n{report.END}\nafter\n")
    for _ in range(2):
        report.write([GOOD], page)
    text = page.read_text()
    assert text.startswith(f"before\n{report.BEGIN}10 requests")
    assert text.endswith(f"{report.table([GOOD])}\n{report.END}\nafter\n")
    assert report.BEGIN in report.DOCUMENT.read_text()


@pytest.mark.parametrize("template", [neighbours.WEB, neighbours.PRIMARY, neighbours.BOUNCER])
def test_what_the_documentation_says_is_what_the_soak_runs(template: str) -> None:
    """Addresses aside."""
    chapter = report.DOCUMENT.read_text().partition("### PostgreSQL that fails over")[2].partition("\n## ")[0]
    blocks = "\n".join(re.findall(r"```\n(.*?)```", chapter, re.DOTALL)).splitlines()
    shown = {line.strip() for line in blocks if not re.search(r"10\.0\.0|^backend", line)}
    run = {
        line.strip() for one in (neighbours.WEB, neighbours.PRIMARY, neighbours.BOUNCER) for line in one.splitlines()
    }
    assert shown - run == set()
    assert shown & {line.strip() for line in template.splitlines()}


def test_faults_are_chosen_by_name() -> None:
    keys = [drill.key for drill in DRILLS]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z-]+", key) for key in keys)
    assert chosen_drills(arguments([]).faults) == list(DRILLS)
    assert [one.key for one in chosen_drills(arguments(["--faults", "roll,keys"]).faults)] == ["roll", "keys"]
    with pytest.raises(SystemExit):
        arguments(["--faults", "roll,nothing"])
