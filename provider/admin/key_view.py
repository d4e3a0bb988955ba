"""What the page of the signing keys shows: each algorithm with its keys on a line of time, and what comes when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console import BAD, GOOD
from clients.models import SigningKey
from clients.models.keys import KeyState
from common import clock
from common.jws import ALGORITHMS
from provider.admin.key_chart import Chart, drawn
from provider.keys import rotation
from provider.keys.lifetimes import read_longest
from provider.keys.rotation import Step
from provider.keys.timeline import Life, Moment, lives

MOST = 8  # keys of one algorithm: older ones are in the list below
STAGES: dict[KeyState, tuple[str | Promise, str]] = {
    KeyState.NEXT: (gettext_lazy("Next"), ""),
    KeyState.ACTIVE: (gettext_lazy("Signs"), GOOD),
    KeyState.RETIRED: (gettext_lazy("Retired"), ""),
    KeyState.REVOKED: (gettext_lazy("Revoked"), BAD),
}


@dataclass(frozen=True)
class Row:
    """A key in the table beside the chart."""

    kid: str
    words: str
    tone: str
    moments: list[Moment | None]  # published, signs, retires, gone


@dataclass(frozen=True)
class Algorithm:
    name: str
    rows: list[Row]
    chart: Chart
    comes: str  # the next thing that happens
    waiting: SigningKey | None


@dataclass(frozen=True)
class View:
    algorithms: list[Algorithm]
    every: int  # days


def view(now: datetime) -> View:
    found: dict[str, list[SigningKey]] = {name: [] for name in ALGORITHMS}
    for key in SigningKey.objects.order_by("-created_at", "kid"):
        kept = found.setdefault(key.algorithm, [])
        if len(kept) < MOST or key.state in (KeyState.ACTIVE, KeyState.NEXT):
            kept.append(key)
    every, longest = timedelta(days=settings.IDP_KEY_ROTATION_DAYS), read_longest()
    return View([_algorithm(name, keys, now, every, longest) for name, keys in found.items()], every.days)


def _algorithm(name: str, keys: Sequence[SigningKey], now: datetime, every: timedelta, longest: timedelta) -> Algorithm:
    found = lives(keys, now, every, longest)
    waiting = next((one for one in keys if one.state == KeyState.NEXT), None)
    return Algorithm(name, [_row(one) for one in found], drawn(found, now), _comes(found, now), waiting)


def _row(life: Life) -> Row:
    words, tone = STAGES[KeyState(life.key.state)]
    return Row(life.key.kid, str(words), tone, [life.published, life.signs, life.retires, life.gone])


def _comes(found: Sequence[Life], now: datetime) -> str:
    """By the schedule of the worker, or of a timer that runs `rotatekeys`."""
    active = next((one for one in found if one.key.state == KeyState.ACTIVE), None)
    following = next((one for one in found if one.key.state == KeyState.NEXT), None)
    if following is None or following.signs is None:
        return _("There is no next key: the next rotation publishes one.")
    if active is None:
        return _("No key signs. The next one may sign now.")
    if following.signs.at - now < timedelta(hours=1):
        return _("The next key is due: it signs with the next rotation.")
    day = f"{following.signs.at:%Y-%m-%d}"
    return _("The next key signs on %(day)s, and this one retires.") % {"day": day}


def steps() -> list[tuple[str, str]]:
    """What a rotation would do now, by algorithm."""
    now = clock.now()
    return [(name, said(rotation.next_step(name, now), done=False)) for name in ALGORITHMS]


def said(step: Step, *, done: bool) -> str:
    fields = {"algorithm": step.algorithm, "time": f"{step.at:%Y-%m-%d %H:%M}" if step.at else ""}
    return _words(step, done) % fields


def _words(step: Step, done: bool) -> str:
    if step.action == "wait":
        return _("%(algorithm)s: the next key may sign from %(time)s UTC. Until then apps may not know it.")
    if step.action == "activate":
        was = _("%(algorithm)s: the next key signs from now on, and the one after it is published.")
        return was if done else _("%(algorithm)s: the next key signs, and one after it is published.")
    was = _("%(algorithm)s: the next key is published. It does not sign yet.")
    return was if done else _("%(algorithm)s: a next key is published. It does not sign yet.")
