"""docs/operations.md names every limit, with the number that the code has."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from django.conf import settings

from accounts import guesses
from common.counters import Limit
from projects import quotas

TITLES = ("Limits on guesses", "Limits of projects and clients")
OPERATIONS = Path(__file__).parent.parent / "docs" / "operations.md"


def rows() -> dict[str, str]:
    """What the table says, by the name of the constant or setting."""
    text = OPERATIONS.read_text()
    sections = [text.partition(f"### {title}\n")[2].partition("\n##")[0] for title in TITLES]
    lines = [line for section in sections for line in section.splitlines() if "`" in line]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[2].strip("`"): row[1] for row in cells if len(row) == 3}


def value_of(name: str) -> object:
    """A constant of a module, a setting, or an entry of one."""
    where, _dot, last = name.rpartition(".")
    if not where:
        return getattr(settings, last)
    if where.isupper():
        return getattr(settings, where)[last]
    return getattr(import_module(where), last)


def test_every_number_is_the_one_of_the_code() -> None:
    for name, said in rows().items():
        value = value_of(name)
        shown = f"{value.amount} in {value.seconds} seconds" if isinstance(value, Limit) else str(value)
        assert said == shown, name


def test_no_limit_is_missing() -> None:
    ours = {f"accounts.guesses.{name}" for name, value in vars(guesses).items() if isinstance(value, Limit)}
    theirs = {f"ACCOUNT_RATE_LIMITS.{name}" for name, rate in settings.ACCOUNT_RATE_LIMITS.items() if rate}
    others = {"IDP_SLOW_HASHES", "provider.throttle.PER_CLIENT", "common.slow.MAX_WAIT"}
    quota = {f"projects.quotas.{name}" for name, value in vars(quotas).items() if isinstance(value, int)}
    assert ours | theirs | others | quota <= rows().keys()
