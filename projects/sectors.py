"""What a project's apps know people and sign-ins by (OpenID Connect Core 1.0 section 8.1). Pure: no rows are read.

A project is a sector: all of its apps are told the same. Where it is pairwise nobody else is, so that apps of two
projects cannot find out that they speak of one person. What is told looks as the public ones do. So a client ID, which
never looks like a UUID, is never mistaken for a person here either, and nobody sees which kind a project has.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from datetime import datetime
from typing import Protocol

VERSION = 8  # of the UUIDs that are told
PUBLIC, PAIRWISE = "public", "pairwise"
TYPES = (PUBLIC, PAIRWISE)  # in the words of OpenID Connect Registration 1.0 (`subject_type`)


class Sector(Protocol):
    """A project, as a row or as facts."""

    @property
    def subject_type(self) -> str: ...

    @property
    def subject_salt(self) -> str: ...


def told_sub(sub: str, sector: Sector) -> str:
    """What its apps know this person by."""
    return _told("sub", sub, sector)


def told_sid(sid: str, sector: Sector) -> str:
    """What its apps know this sign-in by; empty: there is none."""
    return _told("sid", sid, sector) if sid else ""


def told_moment(moment: datetime, sector: Sector) -> datetime:
    """When something happened that several projects hear of: to the microsecond it would name whom it happened to."""
    return moment if sector.subject_type == PUBLIC else moment.replace(microsecond=0)


def could_be_told(said: str) -> bool:
    """Whether a pairwise project may have told this: nothing else is worth looking for among all of its people."""
    try:
        found = uuid.UUID(said)
    except ValueError:
        return False
    return str(found) == said and found.version == VERSION


def new_salt() -> str:
    """256 random bits from A-Z a-z 0-9 - _."""
    return secrets.token_urlsafe(32)


def _told(kind: str, value: str, sector: Sector) -> str:
    """A keyed hash, in the form of a UUID (RFC 9562 section 5.8): nobody without the salt can do it or undo it."""
    if sector.subject_type == PUBLIC:
        return value
    if not sector.subject_salt:
        raise ValueError("A project without a salt cannot tell pairwise subjects.")
    said = f"{kind}\0{value}".encode()
    made = bytearray(hmac.new(sector.subject_salt.encode(), said, hashlib.sha256).digest()[:16])
    made[6], made[8] = made[6] & 0x0F | 0x80, made[8] & 0x3F | 0x80  # version 8, and the variant of all of them
    return str(uuid.UUID(bytes=bytes(made)))
