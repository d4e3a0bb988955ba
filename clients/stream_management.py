"""What members of a project may do with the event streams of its apps: look, pause, disable, enable and delete them.

What a stream is made of is for its receiver to say (`clients.streams`).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from clients import streams
from clients.models import Delivery, Stream
from clients.models.stream import StreamStatus
from common import clock
from projects.actors import Actor
from projects.events import acting
from projects.problems import Problem, require
from projects.rules import text_problem

GAVE_UP = Q(status=StreamStatus.PAUSED, failures__gt=0)  # paused here, for it took nothing for a day


def problems(stream: Stream, status: str, reason: str, by: Actor) -> list[Problem]:
    found = list(_not_theirs(stream, by))
    if status not in StreamStatus.values:
        known = ", ".join(StreamStatus.values)
        found.append(Problem("status", _("There is no such status: it is one of %(known)s.") % {"known": known}))
    found.append(Problem("reason", text_problem(reason, streams.MAX_REASON)))
    return [one for one in found if one.message]


def set_status(stream: Stream, status: str, reason: str, by: Actor) -> Stream:
    """The receiver is told of it before anything else (SSF 1.0 section 8.1.5). Raises RegistrationError."""
    with acting(by), transaction.atomic():
        before = streams.locked(stream)
        require(problems(before, status, reason, by))
        now = streams.set_status(before, status, reason, by)
        if status != StreamStatus(before.status):
            said = {"status": status, **({"reason": reason} if reason else {})}
            Delivery.objects.create(stream=now, kind=streams.UPDATED, data=said, happened_at=clock.now())
    return now


def delete(stream: Stream, by: Actor) -> None:
    """With everything that waits for it. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        row = streams.locked(stream)
        require(_not_theirs(row, by))
        streams.delete(row, by)


def host_of(stream: Stream) -> str:
    """Where it is pushed to. The rest of an address may hold a secret of theirs."""
    return urlsplit(stream.endpoint_url).netloc


def _not_theirs(stream: Stream, by: Actor) -> list[Problem]:
    project = stream.client.project
    if project is not None and by.edits(project):
        return []
    return [Problem("project", _("You may not change this project."))]
