"""The token alone, out of what somebody pasted: also a whole Authorization header, or a line of JSON."""

from __future__ import annotations

MOST = 65_536  # characters
SCHEMES = ("bearer", "dpop")


def words_of(text: str) -> list[str]:
    """One, where there is one token."""
    words = text.split()
    if words and words[0].lower() == "authorization:":
        words = words[1:]
    if words and words[0].lower() in SCHEMES:
        words = words[1:]
    return words


def token_of(text: str) -> str:
    """Empty: that is none, or more than one."""
    words = words_of(text) if len(text) <= MOST else []
    return words[0].strip("\"',;") if len(words) == 1 else ""
