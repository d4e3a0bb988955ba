"""Passwords and secrets that people chose: a slow hash, and a fingerprint that spares it where nobody guesses.

A configuration file is applied again and again, with secrets that stay as they are. Comparing a thousand of them with
their slow hashes would cost half a minute each time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.contrib.auth.hashers import check_password, is_password_usable, make_password

from common import sealing
from common.hashers import as_kept

PURPOSE = "chosen secrets"
ADOPTED = "a hash of a file"


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored of a chosen text. Older rows, and those that no file set, have no fingerprint."""

    digest: str
    fingerprint: str = ""


def keep(text: str) -> Kept:
    """What to store of it. Costs a slow hash."""
    return marked(text, make_password(text))


def marked(text: str, digest: str) -> Kept:
    """The hash with its fingerprint, which is worth nothing without this very hash: its salt is part of it."""
    return Kept(digest, sealing.fingerprint(PURPOSE, _bound(text, digest)))


def is_marked(text: str, kept: Kept) -> bool:
    """Whether the fingerprint knows the text as the one behind the hash, without computing that."""
    return bool(kept.fingerprint) and sealing.has_fingerprint(PURPOSE, _bound(text, kept.digest), kept.fingerprint)


def fits(text: str, kept: Kept) -> bool:
    """Whether it is the text behind the hash. Costs a slow hash when no fingerprint knows it."""
    return is_marked(text, kept) or (is_password_usable(kept.digest) and check_password(text, kept.digest))


def adopted(digest: str) -> Kept:
    """A hash that was brought along. Its fingerprint is of the hash, and stays when that is made anew."""
    kept = as_kept(digest)
    return Kept(kept, hashlib.sha256(f"{ADOPTED}\0{kept}".encode()).hexdigest())


def is_of(digest: str, kept: Kept) -> bool:
    """Whether what is kept came from this hash, though it may have been made anew since."""
    brought = adopted(digest)
    return kept.digest == brought.digest or kept.fingerprint == brought.fingerprint


def _bound(text: str, digest: str) -> str:
    return f"{digest}\0{text}"
