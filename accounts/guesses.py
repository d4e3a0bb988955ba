"""Limits on guesses at passwords and codes. Only wrong ones count, and nobody locks people out of their own browsers.

A try is counted before it is checked, and taken back when it was right. Three counters stop guesses:
- Of one account, from browsers that it has not signed in with: few, wherever they come from.
- Of one account in a browser that it has signed in with: as few, counted apart. A signed cookie tells that browser.
- Of a network, over all accounts, from browsers that are not known: many, and more where many people share the network.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core import signing
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from common import counters
from common.address import address_of
from common.counters import Limit
from common.networks import SHARED_FACTOR, is_shared, network_of

WINDOW = 300  # seconds
PASSWORDS = Limit("password", 5, WINDOW)  # per account and known browser; the unknown ones count as one
CODES = Limit("code", 5, WINDOW)  # as passwords
NETWORK = Limit("sign-in-network", 100, WINDOW)
DEVICE_AGE = 365 * 86_400  # seconds for which a browser stays known
MAX_ACCOUNTS = 5  # that one browser is known to; those used last
_SALT = "accounts.known-device"
Devices = dict[str, str]  # what this browser is called, by account


@dataclass(frozen=True, slots=True)
class Guess:
    """A try at a password or a code, and what counts it."""

    limit: Limit
    account: str
    device: str
    network: str
    shared: bool

    def is_one_too_many(self) -> bool:
        """Count it, unless there were too many already."""
        if counters.is_reached(self.limit, self.account, self.device):
            return True
        if not self.device and counters.is_reached(NETWORK, self.network, factor=SHARED_FACTOR if self.shared else 1):
            return True
        if counters.count(self.limit, self.account, self.device) > self.limit.amount:
            return True
        if not self.device:
            counters.count(NETWORK, self.network)
        return False

    def was_right(self) -> None:
        counters.take_back(self.limit, self.account, self.device)
        if not self.device:
            counters.take_back(NETWORK, self.network)


def guess(request: HttpRequest, limit: Limit, account: str) -> Guess:
    """`account` is a `sub`, or a name that nobody has."""
    address = address_of(request)
    return Guess(limit, account, _devices(request).get(account, ""), network_of(address), is_shared(address))


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
    known, sub = _devices(request), str(user.sub)
    name = known.pop(sub, "") or secrets.token_urlsafe(16)
    request.known_devices = dict([*known.items(), (sub, name)][-MAX_ACCOUNTS:])  # type: ignore[attr-defined]


def _devices(request: HttpRequest) -> Devices:
    try:
        found: Devices = signing.loads(request.COOKIES.get(cookie_name(), ""), salt=_SALT, max_age=DEVICE_AGE)
    except signing.BadSignature:
        return {}
    return found
