"""When the access ends: what the consent page offers, and what the End-User chose (protocol section 20).

Only where there is something to end: without a refresh token the access ends with the sign-in anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import clock
from projects import ends
from projects.ends import DAY
from provider.endpoints.durations import duration
from provider.endpoints.interaction import EndUser
from provider.protocol.request import AuthorizationRequest

LONGEST = ""  # the choice not to end it sooner than it does anyway
WORDS: dict[int, Promise] = {
    DAY: gettext_lazy("In a day"),
    7 * DAY: gettext_lazy("In a week"),
    30 * DAY: gettext_lazy("In 30 days"),
    90 * DAY: gettext_lazy("In 90 days"),
    365 * DAY: gettext_lazy("In a year"),
}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    words: str | Promise


def options(decided: AuthorizationRequest, end_user: EndUser) -> list[Option]:
    """What to choose from; the first is chosen already, so that nothing is prolonged unasked."""
    if not decided.ceiling.offline:
        return []
    longest, kept = decided.client.project.longest_grant, end_user.until
    words = _("When I end it") if longest is None else _("%(time)s from now") % {"time": duration(longest)}
    everything = [Option(LONGEST, words), *(Option(str(one), WORDS[one]) for one in ends.offered(longest))]
    return [_kept(kept, longest), *everything] if kept else everything


def _kept(until: datetime, longest: int | None) -> Option:
    """What they said before, and when that is."""
    first = ends.earliest(until, ends.after(clock.now(), longest)) or until
    day = first.astimezone(UTC).date().isoformat()
    return Option(until.isoformat(), _("On %(day)s, as you chose before") % {"day": day})


def chosen(value: str | None, offered: Sequence[str]) -> datetime | None:
    """When it ends by the person's wish, of what they were offered; not said: what was chosen already.

    Raises ValueError for anything else.
    """
    value = offered[0] if value is None else value
    if value not in offered:
        raise ValueError("This was not offered.")
    if value == LONGEST:
        return None
    ends_at = ends.after(clock.now(), int(value)) if value.isdecimal() else datetime.fromisoformat(value)
    if ends_at is None or ends_at <= clock.now():
        raise ValueError("This has come meanwhile.")
    return ends_at
