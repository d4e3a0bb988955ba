"""The time that several nodes compare: the database's.

A node whose clock is wrong would refuse what others have just issued, or keep alive what has expired. So how far this
node's clock is off is measured whenever the version of the facts is read (`common.cache`), which costs no statement.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

IGNORED = timedelta(seconds=1)  # no wronger than a slow network makes it look
WARNED_OF = timedelta(seconds=5)
logger = logging.getLogger(__name__)


class _Clock:
    behind = timedelta(0)  # how far this node is behind the database


def now() -> datetime:
    """What every node takes for the current time."""
    return datetime.now(UTC) + _Clock.behind


def seconds() -> int:
    """The same in seconds since 1970, as tokens tell it."""
    return int(now().timestamp())


def end_of_all_before(so_far: datetime | None, *, on: bool) -> datetime:
    """The moment before which tokens are over when something is switched off, and once more when it is switched on.

    Off, so that switching it on again revives nothing. On, because for a second another process may not have heard that
    it was off; in whole seconds, as JWTs tell when they were made: one that is made now is not from before.
    """
    moment = now().replace(microsecond=0) if on else now()
    return max(so_far or moment, moment)


def compare(database: datetime, took: timedelta = timedelta(0)) -> None:
    """Learn what time it is in the database, from an answer that `took` so long: an old one says nothing."""
    if took > IGNORED:
        return
    behind = database - datetime.now(UTC)
    believed = behind if abs(behind) > IGNORED else timedelta(0)
    if abs(believed) > WARNED_OF and abs(believed - _Clock.behind) > WARNED_OF:
        logger.warning("The clock of this machine differs from the database's by %s: use NTP.", believed)
    _Clock.behind = believed
