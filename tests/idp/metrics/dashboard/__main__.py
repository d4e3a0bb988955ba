"""`make dashboard-check`: a server is used for a while, a Prometheus looks at it, and every question has an answer.

Prometheus is Debian's package, which is not among what the gate needs. With `--picture` the panels are drawn by a page
of its own into docs/monitoring/dashboard.png, which needs Chromium.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import sync_playwright

from tests.benchmarks.processes import ask, free_port, running, wait_for
from tests.browser.small_png import smaller
from tests.idp.metrics.dashboard.panels import (
    ALERTS,
    PICTURE,
    WHERE_THERE_WERE_FAULTS,
    Panel,
    alerts,
    console,
    panels,
    without_values,
)
from tests.idp.metrics.dashboard.prometheus import WINDOW, Prometheus, installed, prometheus
from tests.plugins.places import chromium

ROOT = Path(__file__).parents[4]
MANAGE = (sys.executable, "manage.py")
PAUSE = 0.05  # seconds between two tokens


def main() -> None:
    parser = argparse.ArgumentParser(prog="make dashboard-check", description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="for how long the server is used")
    parser.add_argument("--picture", action="store_true", help="also draw docs/monitoring/dashboard.png")
    options = parser.parse_args()
    if not installed():
        raise SystemExit("There is no prometheus here: apt-get install --no-install-recommends prometheus")
    sys.stdout.write(ask(["promtool", "check", "rules", str(ALERTS)], {}, ROOT))
    found = panels(WINDOW)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "vestibule.html").write_text(console(found, options.seconds))
        with served(folder) as made, prometheus(folder, made.numbers, ALERTS, folder) as asked:
            use(made, options.seconds)
            missing = [*unanswered(asked, found), *unfounded(asked)]
            if options.picture:
                draw(f"{asked.url}/consoles/vestibule.html")
    if missing:
        raise SystemExit("Nothing answers:\n  " + "\n  ".join(missing))


@dataclass(frozen=True, slots=True)
class Served:
    issuer: str
    numbers: str  # where Prometheus asks
    environment: dict[str, str]
    client: tuple[str, str]  # an app that gets tokens for itself

    def command(self, *arguments: str) -> str:
        return ask([*MANAGE, *arguments], self.environment, ROOT)


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A server with its worker."""
    port, numbers = free_port(), free_port()
    environment = {
        "IDP_ISSUER": f"http://localhost:{port}",
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "EMAIL_URL": f"filemail:///{folder / 'mails'}",
        "ADMIN_PASSWORD": "correct horse battery staple",
        "IDP_METRICS_LISTEN": str(numbers),
        "LOG_LEVEL": "ERROR",
    }
    made = Served(environment["IDP_ISSUER"], f"127.0.0.1:{numbers}", environment, ("", ""))
    made.command("quickstart", "--no-demo")
    made.command("createproject", "shop")
    client = json.loads(made.command("createclient", "--type", "machine", "--project", "shop", "--format", "json"))
    server = [sys.executable, "-m", "idp.server", "--port", str(port), "--workers", "2", "--quiet"]
    log = folder / "server.log"
    with (
        running(server, environment, ROOT, log),
        running([*MANAGE, "worker"], environment, ROOT, folder / "worker.log"),
    ):
        wait_for(f"{made.issuer}/healthz/ready", log)
        yield replace(made, client=(client["client_id"], client["client_secret"]))


def use(made: Served, seconds: int) -> None:
    """Tokens all the time, and everything else that people, apps and attackers do: the conformance run does it."""
    until = time.monotonic() + seconds
    over = threading.Event()
    other = threading.Thread(target=_tokens, args=(made, over))
    other.start()
    try:
        while time.monotonic() < until:
            sys.stdout.write(made.command("doctor", "--conformance", "--quick").splitlines()[-1] + "\n")
            sys.stdout.flush()
    finally:
        over.set()
        other.join()


def _tokens(made: Served, over: threading.Event) -> None:
    client_id, secret = made.client
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    while not over.wait(PAUSE):
        request = urllib.request.Request(f"{made.issuer}/oauth2/token", urlencode(form).encode())
        with suppress(OSError), urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()


def unanswered(asked: Prometheus, found: list[Panel]) -> Iterator[str]:
    """Every question of every panel."""
    for panel in found:
        for expression, name in zip(panel.expressions, panel.names, strict=True):
            number = asked.series(expression)
            sys.stdout.write(f"{number:4} series  {panel.title}: {name}\n")
            if not number and WHERE_THERE_WERE_FAULTS not in expression:
                yield f"{panel.title}: {expression}"


def unfounded(asked: Prometheus) -> Iterator[str]:
    """Alerts that cannot be evaluated, or are about numbers that nobody has."""
    for rule in asked.rules():
        sys.stdout.write(f"{rule['state']:>9}  {rule['name']}\n")
        if rule["health"] != "ok":
            yield f"{rule['name']}: {rule.get('lastError', rule['health'])}"
    for name, expression in alerts().items():
        for metric in sorted(without_values(expression)):
            if not asked.series(f"count({metric})"):
                yield f"{name}: {metric}"


def draw(address: str) -> None:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        page, workshop = browser.new_page(viewport={"width": 1280, "height": 900}), browser.new_page()
        page.goto(address)
        page.wait_for_function("document.querySelectorAll('.rickshaw_graph svg path').length > 20")
        PICTURE.write_bytes(smaller(page.screenshot(full_page=True), workshop))
        browser.close()


if __name__ == "__main__":
    main()
