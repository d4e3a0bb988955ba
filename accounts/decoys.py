"""What a guess at an account that does not exist costs: as much as at one that does.

Accounts that came from another system have a hash of that system until they sign in, and comparing it may take ten
times as long. If every name that nobody has cost one hash of ours, a slow answer would say that somebody has the name.
So such names cost what accounts cost, in the same shares: each name always the same, as far as the shares stay.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from django.contrib.auth.hashers import check_password
from django.db.models import F
from django.db.models.functions import Mod
from django.utils.crypto import salted_hmac

from accounts import normalization
from accounts.models import User
from common.hashers import cost_of

SAMPLE = 1000  # accounts whose hashes are looked at
BELIEVED = 600  # seconds
_SALT = "accounts.decoys"


@dataclass(frozen=True, slots=True)
class Kind:
    """Accounts with hashes that cost the same, and one of those. None of it: one hash of ours."""

    share: float
    example: str


_kinds: tuple[Kind, ...] = ()
_believed_until = 0.0


def spend(login: str, password: str) -> None:
    """Compare with as many hashes as for an account that exists. Whatever the outcome, it is nobody's password."""
    example = _drawn(login)
    if not example:
        User().check_password(password)
        return
    for text in dict.fromkeys((normalization.password(password), password)):
        check_password(text, example)


def learn() -> None:
    """Look at the accounts, if that was long ago. Every guess does, not only one at a name that nobody has."""
    global _kinds, _believed_until
    if time.monotonic() >= _believed_until:
        _kinds, _believed_until = _looked_at(), time.monotonic() + BELIEVED


def forget() -> None:
    """Look at the accounts again."""
    global _believed_until
    _believed_until = 0.0


def _drawn(login: str) -> str:
    learn()
    if not _kinds:
        return ""
    drawn = salted_hmac(_SALT, normalization.user_name(login).casefold(), algorithm="sha256").digest()
    place = int.from_bytes(drawn[:8]) / 2**64
    for kind in _kinds:
        if place < kind.share:
            return kind.example
        place -= kind.share
    return ""


def _looked_at() -> tuple[Kind, ...]:
    """The same accounts each time, from all over the table: those that came together have hashes that cost the same."""
    step = max(1, User.objects.count() // SAMPLE)
    found = User.objects.annotate(turn=Mod(F("pk"), step)).filter(turn=0).values_list("password", flat=True)
    hashes = [one for one in found.order_by("pk")[: 2 * SAMPLE] if one]
    number = Counter(cost_of(one) for one in hashes)
    number.pop("", None)
    examples = {cost_of(one): one for one in reversed(hashes)}
    return tuple(Kind(number[cost] / len(hashes), examples[cost]) for cost in sorted(number))
