"""How long something takes, in words."""

from __future__ import annotations

import math

from django.utils.translation import ngettext


def duration(seconds: int) -> str:
    """Rounded up: nothing lasts longer than it says."""
    if seconds <= 7200:
        number = math.ceil(seconds / 60)
        return ngettext("%(number)s minute", "%(number)s minutes", number) % {"number": number}
    if seconds <= 172_800:
        number = math.ceil(seconds / 3600)
        return ngettext("%(number)s hour", "%(number)s hours", number) % {"number": number}
    number = math.ceil(seconds / 86_400)
    return ngettext("%(number)s day", "%(number)s days", number) % {"number": number}
