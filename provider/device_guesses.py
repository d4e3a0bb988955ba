"""Limits on guesses at user codes (RFC 8628 section 5.1). Only wrong ones count.

Of an account, of a network, and of all together: whoever has many of both still guesses at most so often. With the
thousand guesses and a thousand devices that wait, one in 25,000 windows finds a code, and then asks its person to
allow a stranger's device.
"""

from __future__ import annotations

from django.http import HttpRequest

from accounts.models import User
from common import counters
from common.address import address_of
from common.counters import Limit
from common.networks import allowed_at, network_of
from provider.protocol.device import typed
from provider.store import devices, events
from provider.store.devices import Waiting

WINDOW = 300  # seconds
ACCOUNT = Limit("device-code-account", 10, WINDOW)
NETWORK = Limit("device-code-network", 20, WINDOW)
EVERYBODY = Limit("device-code-everybody", 1_000, WINDOW)


class TooManyCodes(Exception):
    """Nothing was tried."""


def look_up(request: HttpRequest, text: str) -> Waiting | None:
    """The device that waits with the code that was typed. What is no code at all is no guess. Raises TooManyCodes."""
    user_code = typed(text)
    if not user_code:
        return None
    counted = _counted(request)
    if any(counters.is_reached(limit, who) for limit, who in counted):
        raise TooManyCodes
    numbers = [counters.count(limit, who) for limit, who in counted]  # before it is tried: many may be sent at once
    left = [limit.amount - number for number, (limit, _who) in zip(numbers, counted, strict=True)]
    found = devices.find(user_code) if min(left) >= 0 else None
    if found or min(left) < 0:
        for limit, who in counted:
            counters.take_back(limit, who)
    if min(left) < 0:
        raise TooManyCodes  # others were quicker
    if found is None:
        _record(request, [limit.name for one, (limit, _who) in zip(left, counted, strict=True) if one == 0])
    return found


def _counted(request: HttpRequest) -> list[tuple[Limit, str]]:
    address = address_of(request)
    counted = [(Limit(NETWORK.name, allowed_at(NETWORK.amount, address), WINDOW), network_of(address)), (EVERYBODY, "")]
    return [*counted, (ACCOUNT, request.user.sub)] if isinstance(request.user, User) else counted


def _record(request: HttpRequest, reached: list[str]) -> None:
    """The last that was allowed is recorded: from now on others have to wait."""
    sub = request.user.sub if isinstance(request.user, User) else ""
    for limit in reached:
        events.device_codes_guessed(limit, sub, network_of(address_of(request)), WINDOW)


def lift(limit: str, sub: str, network: str) -> bool:
    """Let somebody try again whose wait was recorded with these details. False when nothing was counted."""
    counted = {ACCOUNT.name: (ACCOUNT, sub), NETWORK.name: (NETWORK, network), EVERYBODY.name: (EVERYBODY, "")}
    return counters.clear(*counted[limit])
