"""`sub`: what apps know a person by (OpenID Connect Core 1.0 section 8). It never changes and is never given again.

New people get a UUID. Who comes from another provider keeps the one of there, whatever it looks like: to apps, another
`sub` is another person. Capitals count. There are no control characters, which would end a line of a log or a header,
and no spaces at the ends, which nobody sees.
"""

from __future__ import annotations

import re
import uuid

from django.core.exceptions import ValidationError

MAX_LENGTH = 255  # characters
# For Python and PostgreSQL alike. NUL is not among them because no pattern of PostgreSQL has it, and no text either.
CLEAN = r"\A[^\u0001-\u001f\u007f-\u009f\u2028\u2029]+\Z"
_CLEAN = re.compile(CLEAN)


def new() -> str:
    return str(uuid.uuid4())


def problem(sub: str) -> str:
    """Why nobody can have this `sub`, or an empty string."""
    if not sub:
        return "A sub must not be empty."
    if len(sub) > MAX_LENGTH:
        return f"A sub has at most {MAX_LENGTH} characters."
    if not _CLEAN.match(sub) or "\0" in sub or sub.strip() != sub or any("\ud800" <= one <= "\udfff" for one in sub):
        return "A sub has no control characters, and no spaces at its ends."
    return ""


def check(sub: str) -> None:
    if found := problem(sub):
        raise ValidationError(found)
