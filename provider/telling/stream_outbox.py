"""The outbox of event streams: tokens that are pushed (RFC 8935), and those that a receiver fetches (RFC 8936)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from clients import streams
from clients.models import Delivery, Stream
from clients.models.logout import NoticeState
from clients.models.stream import DeliveryMethod, StreamStatus
from common import clock, outbound, sealing
from provider.keys import mint
from provider.outboxes import Attempt, Job, Sent, status_problem
from provider.patience import Lookups, Patience
from provider.protocol.errors import TemporarilyUnavailable
from provider.telling import addresses, giving_up, lanes, sets
from provider.telling.sets import Told

STREAMS = Lookups("stream", "stream__client__project", "stream__endpoint_url")
ACCEPTED, BAD_REQUEST = 202, 400
MAX_ANSWER = 4_000  # bytes of a refusal that are read
PUSHED = Q(
    stream__method=DeliveryMethod.PUSH, stream__client__enabled=True, stream__client__scope__regex=streams.SCOPES
)
# That somebody here paused or disabled it is told all the same (section 8.1.5).
OPEN = PUSHED & (Q(stream__status=StreamStatus.ENABLED) | Q(kind=streams.UPDATED))


class Streams:
    def next(self, patience: Patience) -> Job | Attempt | None:
        row = lanes.claim_next(patience, STREAMS, OPEN)
        if row is None or row.stream is None:
            return None
        if not addresses.settled([row]):
            return Attempt(_name(row), NoticeState.DROPPED, addresses.NOT_WANTED)
        try:
            sent, headers = token(row, row.stream), _headers(row.stream)
        except (sealing.Unreadable, TemporarilyUnavailable) as error:
            return _failed(row, Sent(None, str(error)))
        url = row.stream.endpoint_url
        return Job(row, lambda: _post(url, sent, headers), lambda answer: _record(row, answer))


def token(row: Delivery, stream: Stream) -> str:
    """The same each time but for its signature: signed by the key of this moment, as the client has it."""
    told = Told(
        jti=row.message_id.hex,
        stream_id=str(stream.pk),
        audience=stream.client.client_id,
        sub=row.sub,
        kind=row.kind,
        data=row.data,
        happened_at=int(row.happened_at.timestamp()),
        issued_at=int(row.created_at.timestamp()),
    )
    return mint.sign(sets.claims(told, settings.IDP_ISSUER), stream.client.id_token_signed_response_alg, sets.TYPE)


def fetch(stream: Stream, most: int) -> tuple[dict[str, str], bool]:
    """What waits, the oldest first, and whether there is more. It waits until it is acknowledged."""
    due = Delivery.objects.filter(stream=stream, state=NoticeState.DUE).order_by("pk")
    if stream.status != StreamStatus.ENABLED:
        due = due.filter(kind=streams.UPDATED)
    rows = list(due.select_related("stream__client__project")[: most + 1])
    return {one.message_id.hex: token(one, stream) for one in addresses.settled(rows[:most])}, len(rows) > most


def acknowledge(stream: Stream, jtis: Sequence[str]) -> None:
    _mine(stream, jtis).update(state=NoticeState.DELIVERED, delivered_at=clock.now(), problem="", **lanes.NOT_KEPT)


def refuse(stream: Stream, jti: str, problem: str) -> None:
    """The receiver cannot use it: it is not given again."""
    _mine(stream, [jti]).update(state=NoticeState.GIVEN_UP, problem=problem[:300], **lanes.NOT_KEPT)


def _mine(stream: Stream, jtis: Sequence[str]) -> QuerySet[Delivery]:
    known = [found for found in map(_uuid, jtis) if found is not None]
    return Delivery.objects.filter(stream=stream, state=NoticeState.DUE, message_id__in=known)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _headers(stream: Stream) -> dict[str, str]:
    headers = {"Content-Type": f"application/{sets.TYPE}", "Accept": "application/json"}
    authorization = streams.authorization_of(stream)
    return {**headers, **({"Authorization": authorization} if authorization else {})}


def _post(url: str, sent: str, headers: dict[str, str]) -> Sent:
    """RFC 8935 section 2.2: 202 and nothing else; section 2.3: a 400 says in `err` what is wrong with the token."""
    try:
        status, body = outbound.post(url, sent.encode(), headers, most=MAX_ANSWER)
    except outbound.Unreachable as error:
        return Sent(None, str(error))
    if status == ACCEPTED:
        return Sent(status)
    return Sent(status, _refusal(body) if status == BAD_REQUEST else status_problem(status))


def _refusal(body: bytes) -> str:
    """The code alone: what else it says is not kept."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return status_problem(BAD_REQUEST)
    err = said.get("err") if isinstance(said, dict) else None
    if not isinstance(err, str) or not err.isascii() or not err.isprintable():
        return status_problem(BAD_REQUEST)
    return f"The receiver refused it: {err[:100]}."


def _record(row: Delivery, sent: Sent) -> Attempt:
    """A refusal of the token itself is final; everything else is tried again."""
    refused = sent.status == BAD_REQUEST and sent.problem.startswith("The receiver refused it")
    if row.stream is None or (sent.problem and not refused):
        return _failed(row, sent)
    state = NoticeState.GIVEN_UP if refused else NoticeState.DELIVERED
    with transaction.atomic():
        lanes.save(row, sent, state)
        lanes.taken(row.stream)
    return Attempt(_name(row), NoticeState.DROPPED if refused else NoticeState.DELIVERED, sent.problem)


def _failed(row: Delivery, sent: Sent) -> Attempt:
    """After a day the stream is paused, with the reason: what happens waits, until the receiver enables it."""
    with transaction.atomic():
        lanes.save(row, sent, NoticeState.DUE)
        locked = Stream.objects.select_for_update(of=("self",)).select_related("client__project")
        stream = locked.filter(deliveries=row).first()
        if stream is None or not lanes.failed(stream, row):
            return Attempt(_name(row), NoticeState.DUE, sent.problem)
        if stream.status == StreamStatus.ENABLED:
            giving_up.pause(stream, sent.problem)
        else:  # it is told what it does not hear
            lanes.save(row, sent, NoticeState.GIVEN_UP)
    return Attempt(_name(row), NoticeState.GIVEN_UP, sent.problem)


def _name(row: Delivery) -> str:
    return f"event stream {row.stream_id}"
