"""What the dashboard and the alerts ask, as a Prometheus without Grafana is asked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

import yaml

MONITORING = Path(__file__).parents[4] / "docs" / "monitoring"
DASHBOARD, ALERTS, PICTURE = (MONITORING / name for name in ("dashboard.json", "alerts.yml", "dashboard.png"))
SELECTOR = re.compile(r"\b(?:vestibule_[a-z_]+|up)(?:\{[^}]*\})?")
WHERE_THERE_WERE_FAULTS = 'sum by (endpoint, status) (rate(vestibule_requests_total{status=~"5.."}'  # none, it is hoped
STATIC = "/classic/static"
STYLES = ("rickshaw/rickshaw.min.css", "bootstrap4/css/bootstrap.min.css", "css/prom_console.css")
SCRIPTS = (
    *("d3/d3.min.js", "vendor/rickshaw/vendor/d3.layout.min.js", "rickshaw/rickshaw.min.js"),
    *("jquery/jquery.min.js", "js/prom_console.js"),
)


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    expressions: tuple[str, ...]
    names: tuple[str, ...]


def panels(window: str) -> list[Panel]:
    found = json.loads(DASHBOARD.read_text())["panels"]
    return [
        Panel(
            str(one["title"]),
            tuple(str(target["expr"]).replace("$__rate_interval", window) for target in one["targets"]),
            tuple(str(target["legendFormat"]) for target in one["targets"]),
        )
        for one in found
    ]


def alerts() -> dict[str, str]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def without_values(expression: str) -> set[str]:
    """The numbers that it is about, whatever their labels: no fault and no refusal is no mistake of an alert."""
    return {one.partition("{")[0] for one in SELECTOR.findall(expression)}


def console(found: list[Panel], seconds: int) -> str:
    """A page of Prometheus' own (a console template), with a graph for each panel."""
    head = [f'<link rel="stylesheet" href="{STATIC}/{one}">' for one in STYLES]
    head += ['<script>var PATH_PREFIX = "";</script>', *(f'<script src="{STATIC}/{one}"></script>' for one in SCRIPTS)]
    parts = [_graph(number, one, seconds) for number, one in enumerate(found)]
    style = (
        "main{display:grid;grid-template-columns:1fr 1fr;gap:12px 24px;padding:12px}h1{font-size:18px;margin:0 0 4px}"
    )
    return f"<!doctype html><html><head>{''.join(head)}<style>{style}</style></head><body><main>{''.join(parts)}</main>"


def _graph(number: int, panel: Panel, seconds: int) -> str:
    names = [re.sub(r"{{\s*(\w+)\s*}}", r"[[ \1 ]]", one) for one in panel.names]
    asked = {"expr": list(panel.expressions), "name": names, "duration": seconds, "min": 0, "height": 130}
    text = json.dumps(asked).replace("{{", '{{"{{"}}').replace("<", "\\u003c")
    node = f'node: document.getElementById("graph{number}")'
    script = f"new PromConsole.Graph(Object.assign({text}, {{{node}}}));"
    return f'<section><h1>{escape(panel.title)}</h1><div id="graph{number}"></div><script>{script}</script></section>'
