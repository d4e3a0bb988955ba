"""Rules of single values that projects, APIs and clients share. Pure: no rows are read."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.issuer import LOOPBACK_NAMES
from projects.facts import LONGEST_FOR_EDITORS

LONGEST_LIFETIME = 10 * 365 * 24 * 3600  # seconds
LONGEST_PAGE = 500  # characters
_VISIBLE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
SHOWN = 60  # characters of a wrong value that a message repeats

scope_token = RegexValidator(
    r"\A[\x21\x23-\x5b\x5d-\x7e]+\Z",
    gettext_lazy("A scope has visible ASCII characters only, no spaces, quotes or backslashes."),
)


def quoted(text: str) -> str:
    """A wrong value as a message shows it: on one line, and not endless."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")


def text_problem(value: str, most: int, *, needed: bool = False) -> str:
    """Why this text cannot be stored, or an empty string."""
    if needed and not value.strip():
        return _("A value is needed here.")
    if len(value) > most:
        return _("This text is too long: at most %(most)s characters.") % {"most": most}
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
        return _("This text has a character that cannot be stored (NUL or half a surrogate pair).")
    return ""


def lifetime_problem(seconds: int | None, *, nullable: bool = False) -> str:
    """Why this is no lifetime, or an empty string."""
    if seconds is None:
        return "" if nullable else _("This must be a number of seconds.")
    if not 1 <= seconds <= LONGEST_LIFETIME:
        return _("This must be 1 to %(most)s seconds (ten years).") % {"most": LONGEST_LIFETIME}
    return ""


def long_lifetime_problem(before: int | None, after: int | None) -> str:
    """Why whoever has no right to it may not make it so long, or an empty string. What is longer already stays."""
    if after is None or after <= max(LONGEST_FOR_EDITORS, before or 0):
        return ""
    return _("Only a superuser may allow more than %(most)s seconds (a day).") % {"most": LONGEST_FOR_EDITORS}


def page_problem(uri: str) -> str:
    """Why browsers may not be sent to this page, or an empty string. Empty: there is none."""
    if not uri:
        return ""
    try:
        url = urlsplit(uri)
        host, _port = url.hostname, url.port
    except ValueError:
        return _("This is no address of a page.")
    if len(uri) > LONGEST_PAGE or not _VISIBLE.fullmatch(uri):
        return _("An address has visible ASCII characters only, %(most)s at most.") % {"most": LONGEST_PAGE}
    if url.scheme != "https" and not (url.scheme == "http" and host in LOOPBACK_NAMES):
        return _("The address begins with https:// (http:// on localhost).")
    if not host or "@" in url.netloc or url.fragment or uri.endswith("#"):
        return _("The address has a host, and neither a user name nor a fragment.")
    return ""


def scope_problem(name: str) -> str:
    """Why this is no scope (RFC 6749 section 3.3), or an empty string."""
    try:
        scope_token(name)
    except ValidationError as error:
        return f"{quoted(name)}: {error.message}"
    return ""
