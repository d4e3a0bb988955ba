"""Whom an ID token of ours speaks of: back from what its client was told to the person and the sign-in.

A public `sub` is the person's own. A pairwise one is a hash, so its token names the Authorization that it comes from.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import NamedTuple

from accounts.models import User
from clients.models import Authorization
from projects.models import Project
from projects.sectors import told_sid, told_sub


class _Behind(NamedTuple):
    """What a pairwise token came from."""

    user: User
    own_sid: str  # empty: the sign-in is forgotten
    sector: Project

    def sid(self, told: str) -> str | None:
        """The `sid` that we know; empty: the token names none; None: it names one that this is not."""
        if not told:
            return ""
        return self.own_sid if self.own_sid and told_sid(self.own_sid, self.sector) == told else None


def person_of(claims: Mapping[str, object]) -> User | None:
    """None: the account is gone; or what a pairwise token came from is, and with it whom it meant."""
    if not _is_pairwise(claims):
        return User.objects.filter(sub=str(claims["sub"])).first()
    found = _behind(claims)
    return found.user if found is not None else None


def ours(claims: Mapping[str, object]) -> dict[str, object]:
    """The same claims with the `sub` and the `sid` by which we know them; empty ones where nobody is meant any more."""
    if not _is_pairwise(claims):
        return dict(claims)
    found = _behind(claims)
    sid = found.sid(str(claims.get("sid", ""))) if found is not None else None
    if found is None or sid is None:
        return {**claims, "sub": "", "sid": ""}
    return {**claims, "sub": found.user.sub, "sid": sid}


def _is_pairwise(claims: Mapping[str, object]) -> bool:
    """As `provider.protocol.claims` makes them: of no other is the `jti` in two parts."""
    return "." in str(claims.get("jti", ""))


def _behind(claims: Mapping[str, object]) -> _Behind | None:
    try:
        named = uuid.UUID(str(claims["jti"]).partition(".")[0])
    except ValueError:
        return None
    row = Authorization.objects.select_related("user", "client__project", "project").filter(pk=named).first()
    sector = (row.project or row.client.project) if row is not None else None
    if row is None or sector is None or told_sub(row.user.sub, sector) != claims["sub"]:
        return None
    return _Behind(row.user, str(row.sign_in_id or ""), sector)
