from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks import peers, report
from tests.benchmarks.figures import Figures
from tests.benchmarks.flows import AT_SCALE, FLOWS
from tests.benchmarks.goals import GOALS, STATEMENTS, compared, number
from tests.benchmarks.measuring import Results, Statements
from tests.benchmarks.peers import PEERS, default

TITLES = {"vestibule": "Vestibule", "node": "node"}
ABOUT = report.Circumstances("2026-01-31", "2 cores", {"Python": "3.11", "Node.js": ""}, "3 rounds")
DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "performance.md"


def figures(*rates: float, cpu_ms: float = 1.0) -> Figures:
    return Figures(rates, p50=1, p99=1, cpu_ms=cpu_ms, errors=0)


def found() -> Results:
    return Results(
        figures={
            "vestibule": {
                "introspect": figures(90, 100, 120, cpu_ms=0.5),
                "kept": figures(500, 600, 700),
                "jwks": figures(4000),
            },
            "node": {"introspect": figures(180, 200, 240)},
        },
        memory={"vestibule": 149.9, "node": 80},
        statements={"vestibule": {"introspect": Statements(1, 0, 1)}},
        signing=(1000, 1000, 1000),
    )


def row(text: str, title: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {title} "))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (0.1234, "0.123"),
        (0.9996, "1.00"),
        (1.234, "1.23"),
        (9.996, "10.0"),
        (99.96, "100"),
        (12345, "12,345"),
    ],
)
def test_numbers_have_three_figures(value: float, said: str) -> None:
    assert number(value) == said


def test_a_ratio_stands_beside_its_goal() -> None:
    assert compared(12.0, 10) == "12.0x (goal 10.0x: met)"
    assert compared(9.94, 10) == "9.94x (goal 10.0x: missed)"
    assert compared(2.5, None) == "2.50x"
    assert compared(None, 10) == "-"


def test_rates_have_their_spread_and_what_was_not_measured_a_dash() -> None:
    text = report.rates(found(), TITLES)
    assert row(text, "introspection") == ["100 ± 15%", "200 ± 15%"]
    assert row(text, "JWKS") == ["4,000 ± 0%", "-"]


def test_ratios_are_ours_to_theirs() -> None:
    text = report.ratios(found(), TITLES)
    assert row(text, "introspection") == ["0.500x (goal 1.00x: missed)"]
    assert row(text, "JWKS") == ["-"]


def test_statements_stand_beside_their_goal() -> None:
    assert row(report.statements(found()), "introspection") == ["1.00", "1.00", "0", "1.00"]


def test_the_whole_says_where_and_what_was_left_out() -> None:
    results = found()
    results.failed.append("node, jwks: no good answer")
    text = report.results(results, TITLES, ABOUT)
    assert text.startswith("2026-01-31. 2 cores. Python 3.11. 3 rounds.\n")
    assert "Vestibule 150 MB, node 80.0 MB" in text
    assert "Left out: node, jwks: no good answer" in text


@pytest.mark.parametrize(("size", "verdict"), [(149.9, "met"), (150.0, "missed")])
def test_memory_is_judged_with_as_many_workers_as_the_goal_is_for(size: float, verdict: str) -> None:
    results = found()
    assert "goal" not in report.memory(results, TITLES)
    results.memory_judged = size
    assert f"less than 150 MB, {verdict})." in report.memory(results, TITLES)


def test_rs256_stands_beside_openssl_and_claims_no_goal() -> None:
    text = report.signing(found())
    assert "openssl makes 1,000 RSA-2048 signatures" in text
    assert "600 requests per second" in text
    assert "60% of that" in text
    assert "met" not in text
    results = found()
    results.signing = (0.0, 0.0, 0.0)
    assert report.signing(results) == "", "there is no openssl"
    assert report.signing(Results(signing=(1000,))) == "", "the flow was not measured"


def at_scale(small: Figures, full: Figures) -> Results:
    return Results(
        figures={"vestibule-small": {"introspect": small, "code": small}, "vestibule-full": {"introspect": full}},
        failed=["vestibule-full, code: refused"],
    )


def test_at_scale_the_part_that_is_kept_is_judged() -> None:
    text = report.scale(at_scale(figures(100), figures(89)), 100_000, 10_000_000)
    assert "100,000 clients, 10,000,000 tokens" in text
    assert row(text, "introspection")[2] == "0.89 (goal 0.9: missed)"
    assert "Left out: vestibule-full, code: refused" in text
    text = report.scale(at_scale(figures(100), figures(90)), 1, 1)
    assert row(text, "introspection")[2] == "0.90 (goal 0.9: met)"


def test_at_scale_the_time_of_the_database_is_said_where_it_is_known() -> None:
    own = replace(figures(100, cpu_ms=0.5), database_ms=0.25)
    text = report.scale(at_scale(own, own), 1, 1)
    assert row(text, "introspection")[3:] == ["0.500 / 0.500", "0.250 / 0.250"]
    text = report.scale(at_scale(figures(100), figures(100)), 1, 1)
    assert row(text, "introspection")[3:] == ["1.00 / 1.00", "-"]


def test_new_results_take_the_place_of_old_ones_and_leave_the_rest() -> None:
    document = "before\n<!-- results -->\nold\n<!-- end of results -->\nafter\n"
    once = report.put(document, "results", "new\n")
    assert once == "before\n<!-- results -->\n\nnew\n\n<!-- end of results -->\nafter\n"
    assert report.put(once, "results", "new\n") == once


@pytest.mark.parametrize("document", ["no marks", "<!-- results --> and no end", "<!-- end of results -->"])
def test_a_document_without_the_place_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match="no section 'results'"):
        report.put(document, "results", "new")


@pytest.mark.parametrize("section", ["results", "scale"])
def test_the_document_has_a_place_for_each(section: str) -> None:
    assert "new" in report.put(DOCUMENT.read_text(), section, "new")


def test_goals_name_peers_and_flows_there_are() -> None:
    assert set(GOALS) <= set(PEERS)
    assert set(default()) <= set(PEERS)
    assert set(peers.AT_SCALE) <= set(PEERS)
    assert {flow for goals in GOALS.values() for flow in goals} <= set(FLOWS)
    assert set(STATEMENTS) == set(FLOWS)
    assert set(AT_SCALE) <= set(FLOWS)


@pytest.mark.parametrize("peer", GOALS)
def test_every_goal_can_be_measured(peer: str) -> None:
    assert set(GOALS[peer]) <= set(PEERS[peer]().flows)


def test_without_ourselves_there_is_nothing_to_compare() -> None:
    assert report.ratios(Results(figures={"node": {"jwks": figures(1)}}), TITLES) == ""
    assert report.ratios(Results(figures={"vestibule": {"jwks": figures(1)}}), TITLES) == ""
