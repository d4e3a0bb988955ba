"""`env:NAME` and `file:/path`: where a secret stands that does not stand in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from idp.variables import text_of
from projects.json_shape import LONGEST_TEXT, Spot, Wrong, text
from projects.rules import text_problem

_ENVIRONMENT = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_FILE = re.compile(r"file:(/[^\0]+)", re.DOTALL)
_MOST = LONGEST_TEXT * 4 + 8  # bytes: of UTF-8, with a mark at the beginning and a line end
# What an editor, or `echo`, adds: a mark in front, and one line end.
_MARK = "\ufeff"


class Unresolved(Exception):
    """There is no secret where the reference leads. The message never shows what is there."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Of one secret: the name of a variable, or the path of a file."""

    variable: str = ""
    path: str = ""

    def resolved(self, environ: Mapping[str, str]) -> str:
        """The secret. Raises Unresolved."""
        found = _in_file(self.path) if self.path else _in_environment(self.variable, environ)
        where = f"The file {self.path}" if self.path else f"The environment variable {self.variable}"
        if not found and self.path:
            raise Unresolved(f"{where} is empty.")
        if not found:
            raise Unresolved(f"{where} is not set. Set it and try again.")
        if text_problem(found, LONGEST_TEXT):
            raise Unresolved(f"{where} is too long, or has a character that cannot be stored (NUL).")
        return found


def reference(spot: Spot) -> Reference:
    said = text(spot)
    if found := _ENVIRONMENT.fullmatch(said):
        return Reference(variable=found[1])
    if found := _FILE.fullmatch(said):
        return Reference(path=found[1])
    raise Wrong(
        "Write 'env:NAME', with the name of an environment variable. "
        "Or write 'file:/PATH', with the absolute path of a file."
    )


def _in_environment(name: str, environ: Mapping[str, str]) -> str:
    try:
        return text_of(name, environ) or ""
    except ImproperlyConfigured as error:
        raise Unresolved(str(error)) from None


def _in_file(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            found = file.read(_MOST + 1).decode()
    except OSError as error:
        raise Unresolved(f"The file {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise Unresolved(f"The file {path} is not UTF-8 text.") from None
    return found.removeprefix(_MARK).removesuffix("\n").removesuffix("\r")
