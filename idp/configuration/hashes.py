"""Slow hashes of what a file says in clear: all of them are computed before the database is locked.

Each costs 30 ms and more. In a transaction, a few hundred would keep everybody else from writing, sign-ins included.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings

from common import chosen
from common.chosen import Kept

UNHASHED = Kept("looked at only")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A password or secret of the file, whose it is, and what is stored of those they have."""

    owner: tuple[str, str]
    text: str
    stored: tuple[Kept, ...]


class Hashes:
    """What was found out about chosen texts. What nobody prepared is found out when it is asked for.

    With `look_only` nothing is hashed anew: what is written then is taken back anyway.
    """

    def __init__(self, *, look_only: bool) -> None:
        self._look_only = look_only
        self._fits: dict[tuple[str, Kept], bool] = {}
        self._kept: dict[tuple[tuple[str, str], str], Kept] = {}

    def prepare(self, wanted: Iterable[Chosen]) -> None:
        """As many at once as this process may. No thread meets the database."""
        with ThreadPoolExecutor(settings.IDP_SLOW_HASHES) as threads:
            list(threads.map(self._prepare, wanted))

    def _prepare(self, one: Chosen) -> None:
        fitting = [kept for kept in one.stored if self.fits(one.text, kept)]
        if not fitting:
            self.keep(one.owner, one.text)

    def fits(self, text: str, stored: Kept) -> bool:
        """Whether it is the text behind this hash."""
        if (text, stored) not in self._fits:
            self._fits[text, stored] = chosen.fits(text, stored)
        return self._fits[text, stored]

    def keep(self, owner: tuple[str, str], text: str) -> Kept:
        """What to store of a new text. Each owner has a hash of their own: who has the same secret does not show."""
        if self._look_only:
            return UNHASHED
        if (owner, text) not in self._kept:
            self._kept[owner, text] = chosen.keep(text)
        return self._kept[owner, text]
