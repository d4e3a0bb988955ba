"""One environment variable as its text: as it stands, or as the file that `NAME_FILE` names says it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

PREFIX = "IDP_"
IN_A_FILE = "_FILE"


def text_of(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Its value; None when it is not set. Nothing of a value is taken for the name of another variable."""
    path = environ.get(f"{name}{IN_A_FILE}")
    return _read(name, path) if path else environ.get(name)


def _read(name: str, path: str) -> str:
    """Without the mark that some editors put first, and the one line end that editors and `echo` put last."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}_FILE names a file that cannot be read: {error.filename} ({error.strerror})."
        ) from None
    except ValueError:  # no UTF-8, or a NUL in its name
        raise ImproperlyConfigured(f"{name}_FILE names a file that is not UTF-8 text.") from None
    return text.removesuffix("\n").removesuffix("\r")


def misspelt(known: Iterable[str], environ: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence for each variable that has our prefix and means nothing, with the name that comes nearest."""
    names = sorted(known)
    strange = [name for name in sorted(environ) if name.startswith(PREFIX) and _plain(name) not in names]
    return [f"{name} is no variable of this version.{_suggestion(name, names)}" for name in strange]


def _plain(name: str) -> str:
    return name.removesuffix(IN_A_FILE)


def _suggestion(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(_plain(name), known, n=1)
    suffix = IN_A_FILE if name.endswith(IN_A_FILE) else ""
    return f" Did you mean {near[0]}{suffix}?" if near else ""
