"""How the values of attributes are read: what kinds there are, and the one form in which each is kept. Pure.

Every door hands over what it was sent, and gets what is stored: JSON, or None for what says nothing.
"""

from __future__ import annotations

import json
import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from common.json_type import Json

MAX_TEXT = 1000  # characters
MAX_ITEMS = 100  # of a list
MAX_ITEM = 200  # characters
MAX_NUMBER = 2**53  # beyond, programs that read JSON disagree
MAX_PHONE = 40  # characters
MAX_URL = 500
MAX_ADDRESS = 500  # characters of each part

ADDRESS_PARTS = ("formatted", "street_address", "locality", "region", "postal_code", "country")
_SEVERAL_LINES = ("formatted", "street_address")
_VISIBLE = re.compile(r"[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+")
_PHONE = re.compile(r"\+?[0-9(][0-9 ()./-]*(?:;ext=[0-9]+)?")
_DAY = re.compile(r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})-(?P<day>[0-9]{2}))?")
_LEAP_YEAR = 2000
# RFC 5646 section 2.1, without the tags that only exist for history's sake.
_LOCALE = re.compile(
    r"(?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?P<script>-[a-z]{4})?(?P<region>-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?P<more>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?)"
)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")


class Bad(Exception):
    """The value cannot be kept: the message says what to write instead."""


def text(value: object) -> Json:
    return _text(value, MAX_TEXT, lines=False)


def _text(value: object, most: int, *, lines: bool = True) -> str:
    if not isinstance(value, str):
        raise Bad(_("This must be text."))
    if len(value) > 4 * most:
        raise Bad(_("This text is too long: at most %(most)s characters.") % {"most": most})
    said = "\n".join(value.splitlines()).strip()
    if any(one != "\n" and unicodedata.category(one) in ("Cc", "Cs") for one in said):
        raise Bad(_("This text has a character that cannot be stored."))
    said = unicodedata.normalize("NFC", said) if len(said) <= most else said
    if len(said) > most:
        raise Bad(_("This text is too long: at most %(most)s characters.") % {"most": most})
    if not lines and "\n" in said:
        raise Bad(_("This must be one line."))
    return said


def number(value: object) -> Json:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Bad(_("This must be a number."))
    if not abs(value) <= MAX_NUMBER:  # neither is what is no number
        raise Bad(_("This number is too large."))
    return int(value) if value == int(value) else value


def boolean(value: object) -> Json:
    if not isinstance(value, bool):
        raise Bad(_("This must be yes or no: true or false."))
    return value


def texts(value: object) -> Json:
    """Each once, in their order."""
    if not isinstance(value, list | tuple):
        raise Bad(_("This must be a list of texts."))
    if len(value) > MAX_ITEMS:
        raise Bad(_("A list has at most %(most)s items.") % {"most": MAX_ITEMS})
    return [one for one in dict.fromkeys(_text(item, MAX_ITEM, lines=False) for item in value) if one]


def day(value: object) -> Json:
    """YYYY-MM-DD (ISO 8601)."""
    said = _text(value, 10)
    return said and _day(said, whole=True)


def birthdate(value: object) -> Json:
    """YYYY-MM-DD, YYYY, or 0000-MM-DD where the year is nobody's business (OpenID Connect Core 1.0 section 5.1)."""
    said = _text(value, 10)
    return said and _day(said, whole=False)


def _day(said: str, *, whole: bool) -> str:
    found = _DAY.fullmatch(said) if said.isascii() else None
    year, month, of_month = found.group("year", "month", "day") if found else ("", None, None)
    if found and month is None and not whole and int(year):
        return said
    if found and month is not None and (int(year) or not whole):
        try:
            date(int(year) or _LEAP_YEAR, int(month), int(of_month or 0))
        except ValueError:
            pass
        else:
            return said
    if whole:
        raise Bad(_("This must be a day such as 1990-12-31."))
    raise Bad(_("This must be a day such as 1990-12-31, a year such as 1990, or 0000-12-31 without the year."))


def url(value: object) -> Json:
    """The address of a page or picture. It is never fetched from here."""
    said = _text(value, MAX_URL, lines=False)
    if not said:
        return said
    try:
        parts = urlsplit(said)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        _port = parts.port
    except ValueError:
        usable = False
    if not usable or not _VISIBLE.fullmatch(said):
        raise Bad(_("This must be an address that begins with https:// or http://."))
    return said


def zone(value: object) -> Json:
    """A time zone of IANA's database, in its own letters."""
    said = _text(value, 64, lines=False)
    if not said:
        return said
    known = _zones()
    found = known.get(said.casefold()) if known else said if _ZONE.fullmatch(said) else None
    if found is None:
        raise Bad(_("This must be a time zone such as Europe/Berlin."))
    return found


@lru_cache(maxsize=1)
def _zones() -> Mapping[str, str]:
    """Empty where the machine has no such database."""
    return MappingProxyType({name.casefold(): name for name in zoneinfo.available_timezones()})


def locale(value: object) -> Json:
    """A language tag (BCP 47), in the capitals that RFC 5646 section 2.1.1 recommends. `en_US` is taken, too."""
    said = _text(value, 35, lines=False).replace("_", "-").lower()
    found = _LOCALE.fullmatch(said) if said.isascii() else None
    if said and found is None:
        raise Bad(_("This must be a language such as en or de-AT."))
    if found is None:
        return said
    language, script, region, more = found.group("language", "script", "region", "more")
    return language + (f"-{script[1:].title()}" if script else "") + (region or "").upper() + more


def phone(value: object) -> Json:
    """A phone number as people write it. E.164 is recommended, and not every number has that form."""
    said = " ".join(unicodedata.normalize("NFKC", _text(value, MAX_PHONE, lines=False)).split())
    said = "".join(str(unicodedata.digit(one)) if one.isdigit() else one for one in said)
    if said and (not _PHONE.fullmatch(said) or not any(one.isdigit() for one in said)):
        raise Bad(_("This must be a phone number such as +49 30 1234567."))
    return said


def address(value: object) -> Json:
    """A postal address in its parts (OpenID Connect Core 1.0 section 5.1.1). A text is the whole of it, formatted."""
    if isinstance(value, str):
        value = {"formatted": value}
    if not isinstance(value, Mapping):
        raise Bad(_("This must be a postal address: a text, or its parts."))
    if strange := [str(one) for one in value if one not in ADDRESS_PARTS]:
        known = ", ".join(ADDRESS_PARTS)
        raise Bad(
            _("“%(part)s” is no part of an address. These are: %(known)s.") % {"part": strange[0][:60], "known": known}
        )
    said = {
        part: _text(value[part], MAX_ADDRESS, lines=part in _SEVERAL_LINES)
        for part in ADDRESS_PARTS
        if value.get(part) is not None
    }
    return {part: one for part, one in said.items() if one}


# What an installation may choose for its own attributes.
OWN_TYPES = ("text", "number", "boolean", "list", "date")
TYPES: Mapping[str, Callable[[object], Json]] = {
    "text": text,
    "number": number,
    "boolean": boolean,
    "list": texts,
    "date": day,
    "url": url,
    "birthdate": birthdate,
    "zoneinfo": zone,
    "locale": locale,
    "phone": phone,
    "address": address,
}


def read(kind: str, value: object) -> Json:
    """What is kept of this value, or None for nothing; raises Bad."""
    if value is None:
        return None
    said = TYPES[kind](value)
    return None if said in ("", [], {}) else said


def from_text(kind: str, said: str) -> object:
    """What a text stands for, where there are only texts: in a table, or in a shell. `read` judges it then."""
    said = said.strip()
    if not said:
        return None
    if kind == "number":
        return _number_of(said)
    if kind == "boolean":
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(said.lower(), said)
    if kind == "list":
        return _json_of(said, "[") or [one.strip() for one in said.replace("\n", ";").split(";") if one.strip()]
    return _json_of(said, "{") or said if kind == "address" else said


def _number_of(said: str) -> object:
    try:
        return float(said) if len(said) <= MAX_PHONE else said
    except ValueError:
        return said


def _json_of(said: str, begins: str) -> object:
    try:
        return json.loads(said) if said.startswith(begins) else None
    except (ValueError, RecursionError):
        return None
