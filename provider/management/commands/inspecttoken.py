"""`manage.py inspecttoken`: what a token is, for whom, and whether it is alive; or which step says that it is not.

It is read from standard input or a file, so that it stands in no history of a shell and in no list of processes. It is
never printed, logged or recorded.
"""

from __future__ import annotations

import getpass
import sys
from datetime import datetime
from pathlib import Path

from django.core.management.base import CommandParser

from common.command import DatabaseCommand, Refused, wrong_use
from common.command_output import told
from common.json_type import Json
from provider.inspection import inspect
from provider.inspection.held import Inspection
from provider.inspection.pasted import MOST, words_of
from provider.inspection.why import ACCESS

WORDS = {
    "client_id": "client",
    "project": "project",
    "username": "person",
    "sub": "sub",
    "audience": "audience",
    "scope": "scope",
    "cnf": "bound to",
    "act": "passed on by",
    "claims": "also says",
    "issued_at": "issued",
    "expires_at": "expires",
    "authorization": "authorization",
    "claimed_iss": "says it is of",
}


class Command(DatabaseCommand):
    help = "Say what a token or code is, and whether it is alive. Reads standard input. Exits with 1 when it is not."

    def add_arguments(self, parser: CommandParser) -> None:
        where = "a file with the token; without one, standard input. Never the token itself"
        parser.add_argument("file", nargs="?", default="-", metavar="FILE", help=where)
        super().add_arguments(parser)

    def handle(self, *, file: str, **options: object) -> None:
        found = inspect(_token(_read(file)))
        self.answer(_as_dict(found), _lines(found))
        if not found.active:
            raise Refused("Not active.")


def _read(file: str) -> str:
    """Nothing of it is ever said in an error: whoever types the token as an argument has told too many already."""
    if file == "-" and sys.stdin.isatty():
        return getpass.getpass("Token: ")
    try:
        if file == "-":
            data = sys.stdin.buffer.read(MOST + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(MOST + 1)
    except (OSError, ValueError):
        sentence = "There is no such file, or it cannot be read. Give the token on standard input, not as an argument."
        raise wrong_use(sentence) from None
    if len(data) > MOST:
        raise wrong_use(f"That is no token: it has more than {MOST:,} bytes.")
    return data.decode(errors="replace")


def _token(text: str) -> str:
    """The token alone, also out of a whole Authorization header."""
    words = words_of(text)
    if len(words) != 1:
        raise wrong_use("There is no token." if not words else "That is more than one token.")
    return words[0]


def _as_dict(found: Inspection) -> dict[str, object]:
    why = found.why
    return {
        "active": found.active,
        "kind": found.kind.replace(" ", "_").lower() or None,
        "format": found.form.lower() or None,
        "step": why.step if why else None,
        "reason": why.reason if why else None,
        **found.facts,
    }


def _lines(found: Inspection) -> list[str]:
    what = found.kind or "nothing of this provider"
    form = f" ({found.form})" if found.form else ""
    lines = [f"{what}{form}: {'active' if found.active else 'not active'}"]
    if found.why:
        lines += [f"{'decided by':<15}{found.why.step}", f"{'':<15}{found.why.reason}"]
    shown = ((WORDS[name], _shown(name, value)) for name, value in found.facts.items() if name in WORDS)
    lines += [f"{word:<15}{text}" for word, text in shown if text]
    if found.kind == ACCESS and not found.facts.get("cnf"):
        lines.append(f"{'bound to':<15}nothing: whoever has it may use it")
    return lines


def _shown(name: str, value: Json) -> str:
    if name.endswith("_at") and isinstance(value, str):
        return told(datetime.fromisoformat(value))
    if name == "claims" and isinstance(value, dict):
        return "; ".join(f"{claim}: {_shown('', one) or 'none'}" for claim, one in value.items())
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value or "")
