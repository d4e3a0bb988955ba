"""Devices that wait for a person (RFC 8628): begun, decided once, asked about in one statement, redeemed once.

A row keeps neither code. That of the device has 256 random bits; what people type can be guessed, so its digest is
keyed.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from clients.models import Authorization, DeviceGrant
from common import clock
from common.connection import connection
from common.sql import Guard, Row, array, change, known, read, seconds_since
from common.sql import clock as sql_clock
from provider import facts, parameters
from provider.keys.mint import digest, opaque
from provider.protocol import device
from provider.protocol.device import State
from provider.protocol.errors import InvalidGrant, TooManyWait
from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params
from provider.store import authorizations, belonging, statements
from provider.store.presented import UNUSABLE, Presented

MAX_WAITING = 1_000  # devices of one client
MAX_TRIES = 5  # at a user code that no other device has


class Decided(Exception):
    """Somebody decided before, or it is too late."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The two codes of a device, told once."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device that nobody has decided about: what it asked for, and from where."""

    digest: str
    client: ClientFacts
    asked: Params
    address: str
    since: datetime


def begin(client: ClientFacts, asked: Params, address: str) -> Begun:
    """Keep the request of a device, until somebody types its code."""
    now = clock.now()
    waiting = DeviceGrant.objects.filter(client=client.id, expires__gt=now, status=State.PENDING.value)
    if waiting.count() >= MAX_WAITING:
        raise TooManyWait("Too many devices of this client wait for a person. Try again later.")
    row = DeviceGrant(
        client_id=client.id,
        asked=asked.query,
        address=address[:45],
        created=now,
        expires=now + timedelta(seconds=device.LIFETIME),
        interval=device.INTERVAL,
    )
    device_code = opaque()
    row.digest = digest(device_code)
    return Begun(device_code, _keep(row))


def _keep(row: DeviceGrant) -> str:
    """Under a user code that no other row has."""
    for _try in range(MAX_TRIES):
        user_code = "".join(secrets.choice(device.LETTERS) for _letter in range(device.LENGTH))
        row.user_digest = _keyed(user_code)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            continue
        return user_code
    raise TooManyWait("No user code is free. Try again later.")


def _keyed(user_code: str) -> str:
    return salted_hmac("device user code", user_code, algorithm="sha256").hexdigest()


def find(user_code: str) -> Waiting | None:
    """The device that waits with this user code, if its client may go on."""
    pending = DeviceGrant.objects.filter(status=State.PENDING.value, expires__gt=clock.now())
    row = pending.filter(user_digest=_keyed(user_code)).first() if user_code else None
    client = facts.client_of(row.client_id) if row is not None else None
    if row is None or client is None or not client.enabled:
        return None
    return Waiting(row.digest, client, parameters.decode(row.asked), row.address, row.created)


def allow(waiting: Waiting, authorization: Authorization) -> None:
    """The device gets what hangs from this Authorization. In the transaction that makes it; raises Decided."""
    _decide(waiting, status=State.ALLOWED.value, authorization=authorization)


def deny(waiting: Waiting) -> None:
    """The device gets nothing, and no other answer; raises Decided."""
    _decide(waiting, status=State.DENIED.value)


def _decide(waiting: Waiting, **values: object) -> None:
    pending = DeviceGrant.objects.filter(digest=waiting.digest, status=State.PENDING.value, expires__gt=clock.now())
    if pending.update(**values) != 1:
        raise Decided


# --- At the token endpoint -----------------------------------------------------------------------------------------


def open_device_code(device_code: str, client: ClientFacts) -> Presented:
    """What the person allowed this device of this client; until then, and after that, what it has to be told.

    That one that waits has asked is written, by the statement that reads it. What was decided is only read: a write for
    nothing would cost as much as spending it.
    """
    values = (digest(device_code), client.id)
    # Nothing was found: no such code, or somebody decided while this looked. Then it is found now.
    row = _poll(values) or _poll(values)
    if row is None:
        raise InvalidGrant(UNUSABLE)
    status, expires, hasty, used_at, authorization = row
    if used_at is not None:
        raise InvalidGrant(UNUSABLE)
    device.answer_poll(State(status), expired=clock.now() >= known(expires), hasty=bool(hasty))
    behind = statements.as_authorization(authorization)
    spend = authorizations.Code(digest(device_code), behind.id, behind.created_at, _use)
    return authorizations.of_authorization(spend, behind, behind.created_at, known(expires))


def _poll(values: tuple[str, int]) -> Row | None:
    vendor = connection().vendor
    about = belonging.columns(vendor)
    if vendor == "postgresql":
        return change(_polled_or_read(vendor, about), (*values, *values))
    return change(_polled(vendor, about), values) or read(_decided_before(vendor, about), values)


@lru_cache(maxsize=2)
def _polled_or_read(vendor: str, about: tuple[str, ...]) -> str:
    """In one statement, which sees the same moment twice: each row is in the one half or in the other."""
    return f"WITH polled AS ({_polled(vendor, about)}) TABLE polled UNION ALL ({_decided_before(vendor, about)})"


@lru_cache(maxsize=4)
def _polled(vendor: str, about: tuple[str, ...]) -> str:
    """Who asks too early has to wait longer from now on, counted from when it last asked in time.

    So one that obeys from now on gets through, however hasty it was before.
    """
    early = f'{seconds_since("polled_at", vendor)} < "interval" - {device.EARLY}'
    hasty = f"(polled_at IS NOT NULL AND {early})"
    slower = f'"interval" + {device.SLOWER_BY}'
    return f"""UPDATE clients_devicegrant SET hasty = {hasty},
        "interval" = CASE WHEN {hasty} AND {slower} <= {device.LONGEST_INTERVAL} THEN {slower} ELSE "interval" END,
        polled_at = CASE WHEN {hasty} THEN polled_at ELSE {sql_clock()} END
        WHERE digest = %s AND client_id = %s AND status = '{State.PENDING.value}'
        RETURNING {_told(vendor, about)} AS told"""  # noqa: S608 - constants


def _decided_before(vendor: str, about: tuple[str, ...]) -> str:
    return f"""SELECT {_told(vendor, about)} FROM clients_devicegrant
        WHERE digest = %s AND client_id = %s AND status <> '{State.PENDING.value}'"""  # noqa: S608 - constants


def _told(vendor: str, about: tuple[str, ...]) -> str:
    authorization = statements.behind("clients_devicegrant.authorization_id", vendor, about)
    return array(("status", "expires", "hasty", "used_at", authorization), (authorization,), vendor)


def _use(of: str, authorization_id: uuid.UUID, now: datetime) -> Guard:
    update = "UPDATE clients_devicegrant SET used_at = %s WHERE digest = %s AND authorization_id = %s"
    return Guard(f"{update} AND used_at IS NULL", (now, of, authorization_id))
