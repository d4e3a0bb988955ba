"""Limits on guesses at passwords and codes. Only wrong ones count, and nobody locks people out of their own browsers.

A try is counted before it is checked, and taken back when it was right or when nothing was tried. Three counters stop
guesses:
- Of one account, from browsers that it has not signed in with: few, wherever they come from.
- Of one account in a browser that it has signed in with: as few, counted apart. A signed cookie tells that browser.
- Of a network, over all accounts, from browsers that are not known: many, and more where many people share the network.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core import signing
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import events
from accounts.models import AccountEventKind, User
from common import counters
from common.address import address_of
from common.counters import Limit
from common.networks import allowed_at, network_of

logger = logging.getLogger(__name__)
WINDOW = 300  # seconds
PASSWORDS = Limit("password", 5, WINDOW)  # per account and known browser; the unknown ones count as one
CODES = Limit("code", 5, WINDOW)  # as passwords
NETWORK = Limit("sign-in-network", 100, WINDOW)
DEVICE_AGE = 365 * 86_400  # seconds for which a browser stays known
MAX_ACCOUNTS = 5  # that one browser is known to; those used last
_SALT = "accounts.known-device"
Devices = dict[str, str]  # what this browser is called, by account


@dataclass(frozen=True, slots=True)
class Place:
    """Where tries come from."""

    device: str  # what this browser is called when it is known to the account
    network: str
    allowed: int  # wrong tries of unknown browsers there


@dataclass(slots=True)
class Guess:
    """A try at a password or a code, and what counts it."""

    limit: Limit
    account: str
    user: User | None
    place: Place
    number: int = 0
    number_there: int = 0

    def is_one_too_many(self) -> bool:
        """Count it, unless there were too many already."""
        if counters.is_reached(self.limit, self.account, self.place.device):
            return True
        if not self.place.device and counters.is_reached(_limit_of(self.place), self.place.network):
            return True
        self.number = counters.count(self.limit, self.account, self.place.device)
        if not self.place.device:
            self.number_there = counters.count(NETWORK, self.place.network)
        if self.number <= self.limit.amount and self.number_there <= self.place.allowed:
            return False
        self.take_back()  # others were quicker, and nothing is tried
        return True

    def take_back(self) -> None:
        """It was right, or nothing was tried."""
        counters.take_back(self.limit, self.account, self.place.device)
        if not self.place.device:
            counters.take_back(NETWORK, self.place.network)

    def was_wrong(self, request: HttpRequest) -> None:
        """The last that was allowed is recorded: from now on others have to wait."""
        if self.number == self.limit.amount:
            _record(request, self.user, self.limit.name, self.place)
        if self.number_there == self.place.allowed:
            _record(request, None, NETWORK.name, self.place)


def _limit_of(place: Place) -> Limit:
    return Limit(NETWORK.name, place.allowed, NETWORK.seconds)


def _record(request: HttpRequest, user: User | None, limit: str, place: Place) -> None:
    until = (timezone.now() + timedelta(seconds=WINDOW)).isoformat(timespec="seconds")
    logger.warning(
        "Too many wrong tries (%s): account %s, network %s, until %s.",
        limit,
        user.sub if user else "none",
        place.network[:100],
        until,
    )
    if user is not None or limit == NETWORK.name:  # names that nobody has would fill the log
        detail = {"limit": limit, "network": place.network[:100], "device": place.device, "until": until}
        events.record(user, AccountEventKind.LOCKED_OUT, request, **detail)


def guess(request: HttpRequest, limit: Limit, user: User | None, name: str = "") -> Guess:
    """At what `user` knows, or at a `name` that nobody has: no `sub` is like it, though it may be typed as a name."""
    account = user.sub if user else f"\0{name}"
    address = address_of(request)
    allowed = allowed_at(NETWORK.amount, address)
    return Guess(limit, account, user, Place(_devices(request).get(_short(account), ""), network_of(address), allowed))


def knows(request: HttpRequest, user: User) -> bool:
    """Whether this browser came along with it, from a sign-in to this account before."""
    return _short(user.sub) in _devices(request)


def take_back(several: list[Guess]) -> None:
    for one in several:
        one.take_back()


def lift(limit: str, sub: str, device: str, network: str) -> bool:
    """Let somebody try again whose lock-out was recorded with these details. False when nothing was counted."""
    if limit == NETWORK.name:
        return counters.clear(NETWORK, network)
    return counters.clear(PASSWORDS if limit == PASSWORDS.name else CODES, sub, device)


def must_wait(request: HttpRequest) -> None:
    """The answer to this request says when to try again."""
    request.wait_for = WINDOW  # type: ignore[attr-defined]


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Say when to try again, and let a browser be known after a sign-in."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        seconds: int | None = getattr(request, "wait_for", None)
        if seconds is not None:
            response.status_code = 429
            response["Retry-After"] = str(seconds)
        known: Devices | None = getattr(request, "known_devices", None)
        if known is not None:
            response.set_cookie(
                cookie_name(),
                signing.dumps(known, salt=_SALT),
                max_age=DEVICE_AGE,
                path=settings.SESSION_COOKIE_PATH,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response

    return handle


def cookie_name() -> str:
    return f"{settings.SESSION_COOKIE_NAME}-device"


@receiver(user_logged_in, dispatch_uid="accounts.know_device")
def _know_device(request: HttpRequest, user: User, **kwargs: object) -> None:
    _know(request, user.sub)


def know(request: HttpRequest, name: str) -> None:
    """The same for a name that is known elsewhere, whose password was right in this browser."""
    _know(request, f"\0{name}")


def _know(request: HttpRequest, of: str) -> None:
    known, account = {**getattr(request, "known_devices", _devices(request))}, _short(of)
    name = known.pop(account, "") or secrets.token_urlsafe(16)
    request.known_devices = dict([*known.items(), (account, name)][-MAX_ACCOUNTS:])  # type: ignore[attr-defined]


def _short(account: str) -> str:
    """A cookie has 4 KB, and five long names do not fit."""
    return hashlib.sha256(account.encode(errors="replace")).hexdigest()[:32]


def _devices(request: HttpRequest) -> Devices:
    try:
        found: Devices = signing.loads(request.COOKIES.get(cookie_name(), ""), salt=_SALT, max_age=DEVICE_AGE)
    except signing.BadSignature:
        return {}
    return found
