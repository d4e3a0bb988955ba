"""A User-Agent header in words that people know. It is only what the browser claims."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _

MAX_LENGTH = 200  # characters kept
# The first that occurs counts: most browsers also name those they descend from.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def user_agent_of(request: HttpRequest) -> str:
    """The header as sent, shortened and without unprintable characters."""
    sent = request.headers.get("User-Agent", "")
    return "".join(one for one in sent[:MAX_LENGTH] if one.isprintable())


def describe(user_agent: str) -> str:
    """For example “Firefox on Linux”."""
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in names if mark in user_agent), "")
