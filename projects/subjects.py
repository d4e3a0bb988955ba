"""What a project's apps know people by (OpenID Connect Core 1.0 section 8.1). Pure: no rows are read."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Protocol

PUBLIC, PAIRWISE = "public", "pairwise"


class Sector(Protocol):
    """A project, as a row or as facts: its clients are told the same, and nobody else is."""

    @property
    def subject_type(self) -> str: ...

    @property
    def subject_salt(self) -> str: ...


def told_sub(sub: str, project: Sector) -> str:
    """The `sub` of a person, as this project's apps are told.

    A keyed hash: nobody without the salt finds out whose it is, or whether two projects speak of one person.
    """
    if project.subject_type == PUBLIC:
        return sub
    if not project.subject_salt:
        raise ValueError("A project without a salt cannot tell pairwise subjects.")
    digest = hmac.new(project.subject_salt.encode(), sub.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
