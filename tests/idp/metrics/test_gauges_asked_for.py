"""The dashboard and the alerts of docs/monitoring ask for numbers that there are, and the page names all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from idp.metrics import gauges
from idp.metrics.counting import Counts

pytestmark = pytest.mark.any_database
DOCS = Path(__file__).parents[3] / "docs"
DASHBOARD = json.loads((DOCS / "monitoring" / "dashboard.json").read_text())
ALERTS = yaml.safe_load((DOCS / "monitoring" / "alerts.yml").read_text())
METRIC = re.compile(r"\bvestibule_[a-z_]+")
SUFFIXES = re.compile(r"_(bucket|sum|count)$")


def there_are() -> set[str]:
    """Counted by processes, and told of the database: those by the text of the module, for some need rows."""
    registry = CollectorRegistry()
    Counts(registry)
    counted = {one.name if one.type == "histogram" else f"{one.name}_total" for one in registry.collect()}
    told = re.findall(r'Number\(\s*"([a-z_]+)"', Path(str(gauges.__file__)).read_text())
    return counted | {f"vestibule_{name}" for name in told}


def asked_for(text: str) -> set[str]:
    return {SUFFIXES.sub("", name) for name in METRIC.findall(text)}


def test_every_panel_and_every_alert_asks_for_numbers_that_there_are() -> None:
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    alerts = [rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]]
    assert len(panels) > 10 < len(alerts)
    assert asked_for(" ".join([*panels, *alerts])) <= there_are()


def test_the_page_names_every_number() -> None:
    page = (DOCS / "operations.md").read_text().partition("\n## Metrics\n")[2].partition("\n## ")[0]
    assert asked_for(page.replace("vestibule-", "")) == there_are()


def test_every_alert_says_what_it_means() -> None:
    rules = [rule for group in ALERTS["groups"] for rule in group["rules"]]
    assert all(rule["annotations"]["summary"].endswith((".", "?")) for rule in rules)
    assert len({rule["alert"] for rule in rules}) == len(rules)


def test_no_alert_is_set_off_by_strangers_or_by_timers_in_place_of_a_worker() -> None:
    said = {rule["alert"]: rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]}
    by_project = re.findall(r"vestibule_requests_total\{([^}]*)\}", said["VestibuleProjectIsRefused"])
    assert by_project
    assert all('endpoint!="authorize"' in one for one in by_project)
    assert "vestibule_workers" not in said["VestibuleNoWorker"]
