"""What a provider elsewhere said of a person, whatever language it speaks. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from common.json_type import Json

LONGEST_UID = 191  # characters, of allauth's column
MOST_METHODS = 10
MOST_GROUPS = 500
_METHOD = re.compile(r"[a-z0-9_-]{1,20}")


class Refused(Exception):
    """The sign-in ends here. `reason` is a word of ours for the page and the log; it never has a value in it."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Told:
    """`uid`: who it is there, for good. `auth_time`: when they proved it there; None: it does not say."""

    uid: str
    email: str = ""
    email_verified: bool = False
    claims: Mapping[str, Json] = field(default_factory=dict)
    auth_time: float | None = None
    amr: tuple[str, ...] = ()
    acr: str = ""
    session: str = ""  # its name there, where it says one


def uid_of(text: str) -> str:
    """As it is; a long one by its digest."""
    return text if len(text) <= LONGEST_UID else "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def sid_of(key: str, sid: str) -> str:
    """What is kept of the ID of a session at this connector: enough to know it again."""
    return hashlib.sha256(f"{key}\0{sid}".encode()).hexdigest() if sid else ""


def text_of(value: Json) -> str:
    """A claim that should be a text, or nothing."""
    clean = isinstance(value, str) and len(value) <= 1000 and "\0" not in value and _has_no_halves(value)
    return str(value).strip() if clean else ""


def _has_no_halves(value: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in value)


def texts_of(value: Json) -> tuple[str, ...]:
    """A claim that should be a list of texts; one text is a list of one."""
    many = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return tuple(dict.fromkeys(filter(None, map(text_of, many[:MOST_GROUPS]))))


def methods_of(value: Json) -> tuple[str, ...]:
    """`amr` of others (RFC 8176): short words."""
    return tuple(one for one in texts_of(value)[:MOST_METHODS] if _METHOD.fullmatch(one))


def found_at(claims: Mapping[str, Json], path: str) -> Json:
    """The claim of this name; or what lies deeper, by a path with dots: `realm_access.roles`."""
    if path in claims:
        return claims[path]
    found: Json = claims
    for step in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found
