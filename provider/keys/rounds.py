"""The next step of every algorithm's rotation, by a command or by the worker: all may be taken, or none is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import IntegrityError

from clients.models import SigningKey
from clients.models.keys import KeyState
from common import clock
from common.command import Refused
from common.jws import ALGORITHMS
from common.sealing import Unreadable
from projects.actors import Actor
from provider.keys import rotation
from provider.keys.needed import RESTART, THEN, next_is_under_another
from provider.keys.rotation import Step


def take(algorithms: Sequence[str], by: Actor, *, dry_run: bool = False, restarted: bool = False) -> list[Step]:
    """The step of each of these. Raises Refused, and sealing.Unreadable where a key does not open."""
    steps: list[Step] = []
    try:
        for one in algorithms:  # all of them before the first one changes
            rotation.require_opened(one)
            if not restarted:
                _require_restarted(one)
        for one in algorithms:
            steps.append(_step(one, by, dry_run=dry_run))
    except Unreadable as error:  # later than the first: another process made a key meanwhile
        done = ", ".join(f"{step.algorithm} ({step.action})" for step in steps)
        raise Refused(f"{error} {f'Done before: {done}.' if done else 'Nothing was changed.'}") from None
    return steps


def due(every: timedelta) -> list[str]:
    """The algorithms whose key has signed for so long, or which lack a key. Before quickstart there is none at all."""
    keys = SigningKey.objects.filter(state__in=[KeyState.ACTIVE, KeyState.NEXT])
    known = {(key.algorithm, key.state): key for key in keys}
    return [one for one in ALGORITHMS if known and _is_due(known, one, every)]


def _is_due(known: dict[tuple[str, str], SigningKey], algorithm: str, every: timedelta) -> bool:
    active, following = known.get((algorithm, KeyState.ACTIVE)), known.get((algorithm, KeyState.NEXT))
    if active is None or following is None:
        return True
    return active.activated_at is None or active.activated_at <= clock.now() - every


def _step(algorithm: str, by: Actor, *, dry_run: bool) -> Step:
    if dry_run:
        return rotation.next_step(algorithm, clock.now())
    try:
        return rotation.rotate(algorithm, by=by)
    except IntegrityError:
        # Another rotation published the first next key in the same moment: say where that leaves us.
        return rotation.next_step(algorithm, clock.now())


def _require_restarted(algorithm: str) -> None:
    """Activating that key on servers that cannot open it would end every signature: at once, and everywhere."""
    step = rotation.next_step(algorithm, clock.now())
    if step.action == "activate" and next_is_under_another(algorithm):
        raise Refused(f"{RESTART.format(algorithm=algorithm)} {THEN} Nothing was changed.")
