"""The one place where event streams are made, changed and deleted, by the receiver itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Q

from clients.models import Client, Delivery, Stream, StreamExclusion
from clients.models.logout import NoticeState
from clients.models.stream import DeliveryMethod, StreamStatus
from clients.sectors import known_as
from clients.webhooks import url_problem
from common import clock, sealing
from projects.actors import Actor
from projects.events import Detail, acting, record
from projects.problems import Problem, require
from projects.rules import text_problem

PURPOSE = "authorization of an event stream"
VERIFICATION, UPDATED = "ssf.verification", "ssf.stream-updated"
LEAST_INTERVAL = 2  # seconds between two verifications that a receiver asks for
MAX_AUTHORIZATION, MAX_DESCRIPTION, MAX_EVENTS, MAX_EVENT = 2_000, 300, 100, 300
MAX_STATE, MAX_REASON = 1_000, 300
SCOPES = r"(^| )ssf\.(manage|read)( |$)"
ENTITLED = Q(client__scope__regex=SCOPES)  # a superuser may take the scopes back at any time


class TooSoon(Exception):
    """Another verification was asked for just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMetadata:
    method: str = DeliveryMethod.POLL.value
    endpoint_url: str = ""
    authorization_header: str = ""
    events_requested: tuple[str, ...] = ()
    description: str = ""


def metadata_of(stream: Stream) -> StreamMetadata:
    return StreamMetadata(
        method=stream.method,
        endpoint_url=stream.endpoint_url,
        authorization_header=authorization_of(stream),
        events_requested=tuple(stream.events_requested),
        description=stream.description,
    )


def authorization_of(stream: Stream) -> str:
    """Raises sealing.Unreadable."""
    return sealing.unseal(PURPOSE, stream.authorization) if stream.authorization else ""


def problems(wanted: StreamMetadata) -> list[Problem]:
    found = [Problem("delivery.method", "This is no way of delivery there is.")]
    if wanted.method in DeliveryMethod.values:
        found = []
    if wanted.method == DeliveryMethod.PUSH:
        found.append(Problem("delivery.endpoint_url", url_problem(wanted.endpoint_url)))
        header = wanted.authorization_header
        wrong = text_problem(header, MAX_AUTHORIZATION) or ("" if _is_header(header) else "This is no header.")
        found.append(Problem("delivery.authorization_header", wrong))
    found.append(Problem("description", text_problem(wanted.description, MAX_DESCRIPTION)))
    if len(wanted.events_requested) > MAX_EVENTS or any(len(one) > MAX_EVENT for one in wanted.events_requested):
        found.append(Problem("events_requested", "These are too many, or too long."))
    return [one for one in found if one.message]


def _is_header(text: str) -> bool:
    return text.isascii() and (not text or text.isprintable()) and text == text.strip()


def create(client: Client, wanted: StreamMetadata, by: Actor) -> Stream | None:
    """None: it has one already. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        require(problems(wanted))
        Client.objects.select_for_update(of=("self",)).get(pk=client.pk)
        if Stream.objects.filter(client=client).exists():
            return None
        stream = Stream(client=client)
        _take(stream, wanted)
        stream.save()
        record(by, "stream.created", client.client_id, **_about(stream))
    return stream


def locked(stream: Stream) -> Stream:
    return Stream.objects.select_for_update(of=("self",)).select_related("client__project").get(pk=stream.pk)


def change(stream: Stream, wanted: StreamMetadata, by: Actor) -> Stream:
    """Raises RegistrationError."""
    with acting(by), transaction.atomic():
        require(problems(wanted))
        row = locked(stream)
        if metadata_of(row) != wanted:
            _take(row, wanted)
            row.failures, row.not_before = 0, None
            row.save()
            record(by, "stream.changed", row.client.client_id, **_about(row))
    return row


def delete(stream: Stream, by: Actor) -> None:
    with acting(by), transaction.atomic():
        record(by, "stream.deleted", stream.client.client_id, **_about(stream))
        stream.delete()


def set_status(stream: Stream, status: str, reason: str, by: Actor) -> Stream:
    """Paused, events wait; disabled, they are not kept, and those that waited are gone (section 8.1.2.2)."""
    with acting(by), transaction.atomic():
        row = locked(stream)
        if (row.status, row.reason) != (status, reason):
            row.status, row.reason, row.failures, row.not_before = status, reason, 0, None
            row.save(update_fields=["status", "reason", "failures", "not_before"])
            waiting = Delivery.objects.filter(stream=row, state=NoticeState.DUE)
            if status == StreamStatus.DISABLED:
                waiting.update(state=NoticeState.DROPPED, problem="The stream was disabled.")
            elif status == StreamStatus.ENABLED:
                waiting.update(attempts=0, next_attempt_at=clock.now())
            record(by, "stream.status_changed", row.client.client_id, status=status, **_about(row))
    return row


def verify(stream: Stream, state: str | None, by: Actor) -> Delivery:
    """An event that says that events arrive, with the receiver's own word in it. Raises TooSoon."""
    with acting(by), transaction.atomic():
        row = locked(stream)
        now = clock.now()
        if row.verified_at is not None and now - row.verified_at < timedelta(seconds=LEAST_INTERVAL):
            raise TooSoon
        row.verified_at, row.failures, row.not_before = now, 0, None
        row.save(update_fields=["verified_at", "failures", "not_before"])
        data = {} if state is None else {"state": state}
        return Delivery.objects.create(stream=row, kind=VERIFICATION, data=data, happened_at=now)


def exclude(stream: Stream, sub: str) -> None:
    """Nothing more of this person, and nothing that waits. Whether there is such a person is not told."""
    if known_as(sub, stream.client.home) is None:
        return
    StreamExclusion.objects.get_or_create(stream=stream, sub=sub)
    waiting = Delivery.objects.filter(stream=stream, sub=sub, state=NoticeState.DUE)
    waiting.update(state=NoticeState.DROPPED, problem="The receiver removed this person.")


def include(stream: Stream, sub: str) -> None:
    """As everybody who allowed the project something is, to begin with."""
    StreamExclusion.objects.filter(stream=stream, sub=sub).delete()


def _take(stream: Stream, wanted: StreamMetadata) -> None:
    pushed = wanted.method == DeliveryMethod.PUSH
    stream.method = wanted.method
    stream.endpoint_url = wanted.endpoint_url if pushed else ""
    header = wanted.authorization_header if pushed else ""
    stream.authorization = sealing.seal(PURPOSE, header) if header else ""
    stream.events_requested = list(dict.fromkeys(wanted.events_requested))
    stream.description = wanted.description


def _about(stream: Stream) -> dict[str, Detail]:
    said: dict[str, Detail] = {"stream": str(stream.pk), "method": str(stream.method)}
    if stream.client.project is not None:
        said["project"] = stream.client.project.key
    return {**said, "host": urlsplit(stream.endpoint_url).netloc} if stream.endpoint_url else said
