"""What a test needs around it: PostgreSQL, a Chromium, Node, Apache. Where one is missing the skip says so."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from django.conf import settings

from tests.plugins.left_out import LeftOut

DATABASE_FIXTURES = frozenset({"db", "transactional_db", "live_server"})
DATABASE_MARKS = frozenset({"django_db", "browser", "foreign", "postgresql"})
SENTENCE = "{count} tests could not tell this database from SQLite, where they run, and are left out"
REFUSED = re.compile("[\0\ud800-\udfff]")  # NUL, and half a character
MAX_LENGTH, MAX_DIGITS = 255, 9  # columns have lengths, and integers 32 bits
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
NODE_PACKAGES = Path(__file__).parents[1] / "foreign" / "node" / "node_modules"
APACHE = Path("/usr/sbin/apache2")  # where Debian's package apache2-bin puts it
APACHE_MODULES = Path("/usr/lib/apache2/modules")


def chromium() -> str | None:
    """The browser to drive: VESTIBULE_CHROMIUM, else the first on the PATH."""
    named = os.environ.get("VESTIBULE_CHROMIUM")
    return named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def has_node() -> bool:
    return shutil.which("node") is not None and (NODE_PACKAGES / ".requirements").exists()  # .ci/node writes it last


def has_apache() -> bool:
    return APACHE.exists() and (APACHE_MODULES / "mod_auth_openidc.so").exists()


def pytest_addoption(parser: pytest.Parser) -> None:
    help_text = (
        "leave out tests to which the database makes no difference: another run on another database had them already"
    )
    parser.addoption("--database-only", action="store_true", help=help_text)


def needs_this_run(fixtures: Iterable[str], marks: Iterable[str], parameters: object = None) -> bool:
    """Whether a test asks for a database, by mark or by fixture, and may tell this one from the other."""
    marked = set(marks)
    asks = not (DATABASE_FIXTURES.isdisjoint(fixtures) and DATABASE_MARKS.isdisjoint(marked))
    return asks and ("any_database" not in marked or may_be_refused(parameters))


def may_be_refused(value: object) -> bool:
    """Whether there is a text or a number in it that some databases do not take: such a row always goes to both."""
    if isinstance(value, str):
        return len(value) > MAX_LENGTH or (value.isdigit() and len(value) > MAX_DIGITS) or bool(REFUSED.search(value))
    if isinstance(value, int):
        return len(str(abs(value))) > MAX_DIGITS
    if isinstance(value, Mapping):
        return any(may_be_refused(one) for pair in value.items() for one in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(may_be_refused, value))
    if is_dataclass(value) and not isinstance(value, type):
        return any(may_be_refused(getattr(value, one.name)) for one in fields(value))
    return False


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--database-only"):
        config.pluginmanager.register(LeftOut("pure", _ran_already, SENTENCE), "pure-left-out")


def _ran_already(item: pytest.Item) -> bool:
    row = getattr(getattr(item, "callspec", None), "params", None)
    return not needs_this_run(getattr(item, "fixturenames", ()), (mark.name for mark in item.iter_markers()), row)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = {
        "postgresql": "" if settings.DATABASES["default"]["ENGINE"].endswith("postgresql") else "needs PostgreSQL",
        "browser": "" if chromium() else "needs Chromium",
        "node": "" if has_node() else "needs Node and its packages",
        "apache": "" if has_apache() else "needs Apache with mod_auth_openidc",
    }
    for item in items:
        for marker, reason in missing.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
