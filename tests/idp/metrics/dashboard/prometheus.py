"""A Prometheus of its own on loopback, which ends with the block: what it is told, and what it answers."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.benchmarks.processes import ask, free_port, running, wait_for

EVERY = 1  # seconds between two looks; a real one looks every 15 or 30
WINDOW = "30s"  # what Grafana puts in place of $__rate_interval, for such a short life


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **params: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urlencode(params)}", timeout=30) as answer:
            return json.load(answer)["data"]

    def series(self, expression: str) -> int:
        """How many there are now of which there is a number; NaN is none."""
        found = self.get("query", query=expression)["result"]
        return sum(one["value"][1] != "NaN" for one in found)

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]


def installed() -> bool:
    return all(map(shutil.which, ("prometheus", "promtool")))


@contextmanager
def prometheus(folder: Path, target: str, alerts: Path, consoles: Path) -> Iterator[Prometheus]:
    """It looks at one server. Raises SystemExit: what it is told cannot be."""
    told = {
        "global": {"scrape_interval": f"{EVERY}s", "evaluation_interval": f"{EVERY}s"},
        "rule_files": [str(alerts)],
        "scrape_configs": [{"job_name": "vestibule", "static_configs": [{"targets": [target]}]}],
    }
    file, port, log = folder / "prometheus.yml", free_port(), folder / "prometheus.log"
    file.write_text(yaml.safe_dump(told))
    ask(["promtool", "check", "config", str(file)], {}, folder)
    command = [
        *("prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'numbers'}"),
        *(f"--web.listen-address=127.0.0.1:{port}", f"--web.console.templates={consoles}"),
        *(f"--web.console.libraries={consoles}", "--log.level=warn"),
    ]
    with running(command, {}, folder, log):
        wait_for(f"http://127.0.0.1:{port}/-/ready", log)
        yield Prometheus(f"http://127.0.0.1:{port}")
