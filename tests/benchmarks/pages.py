"""Every page of the console and of the account in a full installation: `make bench-pages`, or with --help after
`.venv/bin/python -m tests.benchmarks.pages`.

Processor time of one request in one process, without a server: the least of some, so that a busy machine weighs little.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import django

from tests.benchmarks import databases, machine, report

if TYPE_CHECKING:
    from django.test import Client as Http

DOCUMENT = databases.ROOT / "docs" / "performance.md"
LIMIT = 250  # milliseconds of a page
SECTIONS = {"sqlite": "pages-sqlite", "postgresql": "pages-postgresql"}


@dataclass(frozen=True)
class Page:
    who: str
    name: str
    address: str


@dataclass(frozen=True)
class Figure:
    """`own`: milliseconds of this process. `theirs`: of the database's, where that is another one."""

    page: Page
    own: float
    theirs: float
    statements: int
    kilobytes: float
    status: int

    @property
    def whole(self) -> float:
        return self.own + self.theirs


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pages", description=__doc__)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL: the one that answers, else one of ours")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="an SQLite file, filled if it is not there yet")
    parser.add_argument("--only", default="", help="pages whose name has this in it")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--profile", action="store_true", help="say what each page spends its time on")
    parser.add_argument("--statements", action="store_true", help="show the slowest statements of each page")
    parser.add_argument("--write", action="store_true", help=f"put the results into {DOCUMENT.name}")
    return parser.parse_args()


# --- The pages -----------------------------------------------------------------------------------------------------


def pages() -> Iterator[Page]:
    from tests.benchmarks import pages_list

    for who in ("root", "member"):
        for name, address in pages_list.of_console():
            yield Page(who, name, address)
    for name, address in pages_list.of_account():
        yield Page("user0000", name, address)


def figure(http: Http, page: Page, rounds: int) -> Figure:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        answer = http.get(page.address)
    statements, own, theirs = len(asked), [], []
    for _round in range(rounds):
        began, theirs_began = time.process_time(), of_backend()
        answer = http.get(page.address)
        size = len(answer.getvalue())
        own.append((time.process_time() - began) * 1000)
        theirs.append(of_backend() - theirs_began)
    return Figure(page, min(own), min(theirs), statements, size / 1000, answer.status_code)


def of_backend() -> float:
    """Milliseconds that PostgreSQL's process of our connection was on a core; SQLite has none."""
    from django.db import connection

    if connection.vendor == "sqlite":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        [pid] = cursor.fetchone()
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1_000_000


def looked_into(http: Http, page: Page) -> None:
    profile = cProfile.Profile()
    profile.runcall(http.get, page.address)
    pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


def slowest(http: Http, page: Page) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        http.get(page.address)
    for one in sorted(asked.captured_queries, key=lambda one: -float(one["time"]))[:5]:
        say(f"  {one['time']} s: {one['sql'][:1500]}")


def say(text: str) -> None:
    sys.stderr.write(text + "\n")


# --- One run -------------------------------------------------------------------------------------------------------


def neutral(url: str) -> None:
    """What the shell says about a deployment must not reach what is measured."""
    for name in list(os.environ):
        if name.startswith(("IDP_", "DATABASE_", "CACHE_", "EMAIL_", "SECRET_KEY")) or name in ("DEBUG", "LOG_LEVEL"):
            del os.environ[name]
    own = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "IDP_KEY_SECRETS")}
    if "sqlite" in url:  # a file that is kept has keys which these secrets open
        own = dict.fromkeys(own, "of-a-benchmark-whose-keys-sign-nothing-at-all")
    os.environ.update(own, DATABASE_URL=url, IDP_ISSUER="http://localhost:8000", LOG_LEVEL="CRITICAL")
    os.environ["DJANGO_SETTINGS_MODULE"] = "idp.settings"


def filled() -> None:
    from django.core.management import call_command
    from django.db import connection

    from accounts.models import User

    call_command("migrate", verbosity=0)
    if User.objects.exists():
        return
    say("Filling the database ...")
    from tests.benchmarks import pages_data

    pages_data.fill(pages_data.Size())
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("analyze")


def measured(chosen: argparse.Namespace) -> list[Figure]:
    from django.test import Client as Http

    from accounts.models import User

    found, browsers = [], {}
    for page in pages():
        if chosen.only not in page.name:
            continue
        if page.who not in browsers:
            browsers[page.who] = Http(SERVER_NAME="localhost")
            browsers[page.who].force_login(User.objects.get(username=page.who))
        one = figure(browsers[page.who], page, chosen.rounds)
        say(f"{one.own:7.0f} ms {one.theirs:6.0f} ms {one.statements:4}  {one.status} {page.who:8} {page.name}")
        found.append(one)
        if chosen.profile:
            looked_into(browsers[page.who], page)
        if chosen.statements:
            slowest(browsers[page.who], page)
    return found


def told(found: list[Figure]) -> str:
    """The slowest first; what somebody may not see has no row."""
    seen = sorted((one for one in found if one.status == 200), key=lambda one: -one.whole)
    rows = [
        [
            one.page.name,
            one.page.who,
            f"{one.own:.0f}",
            f"{one.theirs:.0f}" if one.theirs else "-",
            str(one.statements),
            f"{one.kilobytes:.0f}",
        ]
        for one in seen
    ]
    head = ["page", "who looks", "processor ms", "PostgreSQL ms", "statements", "kB"]
    over = sum(one.whole > LIMIT for one in seen)
    where = f"{datetime.now(UTC):%Y-%m-%d}. {os.cpu_count()} cores, {machine.processor()}."
    said = f"{where} {len(seen)} pages, {over} over {LIMIT} ms; the thirty slowest:"
    return f"{said}\n\n{report.table(head, rows[:30])}"


def run(chosen: argparse.Namespace, url: str) -> None:
    from django.conf import settings
    from django.db import connection

    neutral(url)
    django.setup()
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    filled()
    found = measured(chosen)
    text = told(found)
    sys.stdout.write(text + "\n")
    if chosen.write:
        report.write(DOCUMENT, SECTIONS[connection.vendor], text)
    connection.close()
    if any(one.whole > LIMIT for one in found):
        sys.exit(1)


def main() -> None:
    chosen = arguments()
    with ExitStack() as stack:
        if chosen.postgres:
            url = stack.enter_context(databases.database(stack.enter_context(databases.postgres(private=False))))
        else:
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="vestibule-pages-"))
            url = f"sqlite:///{(chosen.keep or Path(home, 'pages.sqlite3')).absolute()}"
        run(chosen, url)


if __name__ == "__main__":
    main()
