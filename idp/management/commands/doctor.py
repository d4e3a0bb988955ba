"""`manage.py doctor`: looks at everything that has to work together, and says what to do about what does not."""

from __future__ import annotations

import functools
from pathlib import Path
from urllib.parse import urlsplit

from django.core.management.base import CommandParser

from common.command import DatabaseCommand, Refused, as_name, learn_the_time, wrong_use
from common.command_output import number
from idp.conformance import FAILED as NOT_CONFORMING
from idp.conformance import CannotRun
from idp.conformance.examination import examine as examine_conformance
from idp.doctor import (
    FAILED,
    OK,
    WARNING,
    Check,
    Finding,
    database,
    examine,
    installation,
    neighbours,
    outside,
    partitions,
)
from projects.commands import operator

CHECKS: dict[str, Check] = {
    "settings": installation.settings,
    "database": database.reachable,
    "schema": database.schema,
    "clock": database.clock,
    "connections": database.connections,
    "partitions": partitions.parts,
    "cache": neighbours.cache,
    "mail": neighbours.mail,
    "keys": installation.keys,
    "issuer": outside.discovery,
    "proxy": outside.addresses,
    "timers": installation.timers,
    "disk": neighbours.disk,
}
NAMES = max(map(len, CHECKS))


class Command(DatabaseCommand):
    help = (
        "Look at database, cache, mail, keys, issuer, proxy, clock, divided tables, timers and disk; with "
        "--conformance, in their place, whether the running installation does what the specifications say. "
        "Exits with 1 when one failed."
    )
    needs_database = False  # it says so itself
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--send-to", metavar="ADDRESS", help="also send a mail there; else none is sent")
        parser.add_argument("--only", action="append", choices=CHECKS, help="only this check; may be repeated")
        conformance = parser.add_argument_group("conformance", "in a throw-away project, which is removed afterwards")
        conformance.add_argument("--conformance", action="store_true", help="ask the issuer as apps and browsers do")
        conformance.add_argument("--url", default="", help="ask there: a node behind the proxy")
        conformance.add_argument("--report", default="", metavar="FILE", help="also write a page of HTML")
        conformance.add_argument("--quick", action="store_true", help="leave out what waits for half a minute")
        super().add_arguments(parser)

    def handle(self, *, send_to: str | None, only: list[str] | None, **options: object) -> None:
        url, report, quick = str(options["url"]), str(options["report"]), bool(options["quick"])
        if options["conformance"]:
            if only or send_to:
                raise wrong_use(
                    "--conformance looks at all of it, and at nothing else: leave --only and --send-to out."
                )
            self._conformance(url, report, quick=quick)
            return
        if url or report or quick:
            raise wrong_use("--url, --report and --quick belong to --conformance.")
        checks = {name: check for name, check in CHECKS.items() if only is None or name in only}
        if send_to is not None:
            if "@" not in send_to or as_name(send_to) != send_to:
                raise wrong_use("--send-to takes a mail address.")
            checks["sending"] = functools.partial(neighbours.sent_to, send_to)
        found = []
        for name, one in examine(checks):
            self.progress(f"looked at {name}")
            found.append((name, one))
        sums = {state: sum(one.state == state for _name, one in found) for state in (OK, WARNING, FAILED)}
        document = {"checks": [_as_dict(name, one) for name, one in found], **sums}
        last = f"{sums[OK]} ok, {number(sums[WARNING], 'warning')}, {sums[FAILED]} failed"
        self.answer(document, [*(line for name, one in found for line in _lines(name, one)), last])
        if sums[FAILED]:
            raise Refused("Not everything is well.")

    def _conformance(self, url: str, report: str, *, quick: bool) -> None:
        there = urlsplit(url)
        if url and (
            there.scheme not in ("http", "https") or not there.hostname or there.path.strip("/") or there.query
        ):
            raise wrong_use("--url takes the address of a node: a scheme, a host, perhaps a port.")
        if report and not Path(report).absolute().parent.is_dir():
            raise wrong_use("--report: there is no such directory.")
        learn_the_time()
        try:
            found = examine_conformance(operator("doctor"), self.progress, url=url, quick=quick)
        except CannotRun as error:
            raise Refused(str(error)) from None
        if report:
            _write(Path(report), found.page)
        self.answer(found.document, found.lines)
        if found.sums[NOT_CONFORMING]:
            raise Refused("Not everything is as it has to be.")


def _write(file: Path, page: str) -> None:
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Refused(f"The report could not be written ({type(error).__name__}).") from None


def _lines(name: str, one: Finding) -> list[str]:
    indent = " " * (len(WARNING) + NAMES + 4)
    return [f"{one.state:<{len(WARNING)}}  {name:<{NAMES}}  {one.said}", *([indent + one.remedy] if one.remedy else [])]


def _as_dict(name: str, one: Finding) -> dict[str, object]:
    return {"check": name, "state": one.state, "said": one.said, "remedy": one.remedy or None}
