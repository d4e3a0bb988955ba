"""When what a person allowed ends by itself (protocol section 20). Pure.

The end is fixed when it is allowed: what the project's longest grant says then, or less where the person chose so. A
longest grant that is shortened cuts what was allowed before, for it is asked at every use; one that is lengthened
gives nothing back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from projects.facts import ProjectFacts

DAY = 86_400
OFFERED = (DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY)  # seconds, on the consent page
SETTLING = timedelta(seconds=1)  # until then another process may go by the longest grant of before


def earliest(*moments: datetime | None) -> datetime | None:
    """The first of those that come at all."""
    return min([one for one in moments if one is not None], default=None)


def after(begun: datetime, seconds: int | None) -> datetime | None:
    return begun + timedelta(seconds=seconds) if seconds is not None else None


def end_of(begun: datetime, ends_at: datetime | None, project: ProjectFacts) -> datetime | None:
    """When what was allowed then is over, as the project stands now; None: not by itself."""
    if project.longest_grant is None and project.grants_not_before is None:
        return ends_at
    over_already = begun if project.grants_not_before is not None and begun < project.grants_not_before else None
    return earliest(ends_at, after(begun, project.longest_grant), over_already)


def not_before(so_far: datetime | None, longest: int | None, longest_now: int | None, now: datetime) -> datetime | None:
    """Ended stays ended: what a longest grant had ended when it was lengthened had begun before this moment."""
    if longest is None or (longest_now is not None and longest_now <= longest):
        return so_far
    over = now - timedelta(seconds=longest) + SETTLING
    return max(so_far or over, over)


def offered(longest: int | None) -> tuple[int, ...]:
    """What a person may choose that is shorter than it would be anyway, in seconds."""
    return tuple(one for one in OFFERED if longest is None or one < longest)
