"""`manage.py doctor`: looks at everything that has to work together, and says what to do about what does not."""

from __future__ import annotations

import functools

from django.core.management.base import CommandParser

from common.command import DatabaseCommand, Refused, as_name, wrong_use
from common.command_output import number
from idp.doctor import FAILED, OK, WARNING, Check, Finding, database, examine, installation, neighbours, outside

CHECKS: dict[str, Check] = {
    "settings": installation.settings,
    "database": database.reachable,
    "schema": database.schema,
    "clock": database.clock,
    "connections": database.connections,
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
    help = "Look at database, cache, mail, keys, issuer, proxy, clock, timers and disk. Exits with 1 when one failed."
    needs_database = False  # it says so itself
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--send-to", metavar="ADDRESS", help="also send a mail there; else none is sent")
        parser.add_argument("--only", action="append", choices=CHECKS, help="only this check; may be repeated")
        super().add_arguments(parser)

    def handle(self, *, send_to: str | None, only: list[str] | None, **options: object) -> None:
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


def _lines(name: str, one: Finding) -> list[str]:
    indent = " " * (len(WARNING) + NAMES + 4)
    return [f"{one.state:<{len(WARNING)}}  {name:<{NAMES}}  {one.said}", *([indent + one.remedy] if one.remedy else [])]


def _as_dict(name: str, one: Finding) -> dict[str, object]:
    return {"check": name, "state": one.state, "said": one.said, "remedy": one.remedy or None}
