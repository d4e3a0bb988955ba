"""`manage.py report`: what an auditor asks, as one document or as lists to read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.core.management.base import CommandParser

from common import clock
from common.command import DatabaseCommand
from common.command_arguments import A_TIME, past
from common.command_output import columns, told
from provider.report import Row, sections


class Command(DatabaseCommand):
    help = "Report who may what, who changed what, what is not used, where second steps are missing, and refusals."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", metavar="TIME", default="90d", help=f"what changed or was used since: {A_TIME} (%(default)s)"
        )
        super().add_arguments(parser)

    def handle(self, *, since: str, **options: object) -> None:
        moment, now = past(since, "--since"), clock.now()
        found: dict[str, list[Row]] = {}
        for one in sections():
            self.progress(one.title)
            found[one.name] = list(one.rows(moment))
        self.answer({"since": moment, "at": now, **found}, _lines(found, moment, now))


def _lines(found: dict[str, list[Row]], since: datetime, now: datetime) -> Iterator[str]:
    yield f"From {told(since)} to {told(now)}"
    for one in sections():
        rows = found[one.name]
        yield from ("", f"{one.title}: {len(rows):,}")
        if rows:
            heads = [name.replace("_", " ") for name in rows[0]]
            yield from (f"  {line}" for line in columns([heads, *(list(map(_cell, row.values())) for row in rows)]))


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return told(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "-" if value in (None, "") else str(value)
