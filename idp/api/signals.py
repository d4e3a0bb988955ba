"""Shared Signals (SSF 1.0): what a receiver asks for, by a token of its own for this API with the scope `ssf.manage`.

It stands below the API's address, and its bodies are those of the specification: what is wrong with them is 400.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from clients import streams
from clients.models import Client, Stream
from clients.models.stream import DeliveryMethod, StreamStatus
from clients.streams import StreamMetadata
from common.json_type import Json
from idp.api import body, rates
from idp.api import signal_bodies as bodies
from idp.api.access import caller_of
from idp.api.pages import parameter
from idp.api.problems import not_found, refused
from idp.api.resource import Resource
from projects.scopes import SIGNALS_MANAGE, SIGNALS_READ
from projects.sectors import PAIRWISE
from provider.protocol.errors import InsufficientScope
from provider.telling import long_polling, stream_outbox

USUAL_SETS = 20
GIVEN = ("iss", "aud", "events_supported", "events_delivered", "min_verification_interval")  # ours: to be repeated only


class Signals(Resource):
    """A client by itself. Whoever may manage its stream may read it."""

    reads: tuple[str, ...] = ("GET", "HEAD")

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        body.refuse_too_large(request._request)
        super(Resource, self).initial(request, *args, **kwargs)
        try:
            self.caller = caller_of(request._request, SIGNALS_MANAGE)
        except InsufficientScope:
            if request.method not in self.reads:
                raise
            self.caller = caller_of(request._request, SIGNALS_READ)
        if self.caller.user is not None or self.client() is None:
            raise refused("forbidden", "A stream is of an app of a project: it asks with a token of its own.")
        rates.count(request._request, self.caller)

    def client(self) -> Client | None:
        rows = Client.objects.select_related("project").filter(project__isnull=False)
        return rows.filter(pk=self.caller.token.client.id).first()

    def stream(self, number: object) -> Stream:
        """Its stream, by this id."""
        if not isinstance(number, str):
            raise bodies.malformed("stream_id is needed.")
        rows = Stream.objects.select_related("client__project").filter(client=self.caller.token.client.id)
        found = rows.first()
        if found is None or str(found.pk) != number:
            raise not_found()
        return found

    def answered(self, said: Json, status: int = 200) -> HttpResponse:
        return self.shown(said, status)


# --- Configuration -------------------------------------------------------------------------------------------------


class Streams(Signals):
    def get(self, request: HttpRequest) -> HttpResponse:
        """One by `stream_id`, or the list: an app has one at most (section 8.1.1.2)."""
        wanted = parameter(self.request._request, "stream_id")
        if wanted is not None:
            return self.answered(bodies.represent(self.stream(wanted)))
        rows = Stream.objects.select_related("client").filter(client=self.caller.token.client.id)
        return self.answered([bodies.represent(one) for one in rows])

    def post(self, request: HttpRequest) -> HttpResponse:
        """Section 8.1.1.1. `stream_id` is ours, whatever the body says."""
        client = self.client()
        if client is None:
            raise not_found()
        wanted = bodies.read(self.sent(), StreamMetadata())
        made = bodies.judged(lambda: streams.create(client, wanted, self.by))
        if made is None:
            raise refused("conflict", "This app has a stream already.")
        return self.answered(bodies.represent(made), 201)

    def patch(self, request: HttpRequest) -> HttpResponse:
        """What is not named stays (section 8.1.1.3)."""
        said = self.sent()
        stream = self.stream(said.get("stream_id"))
        return self._changed(stream, said, streams.metadata_of(stream))

    def put(self, request: HttpRequest) -> HttpResponse:
        """What is not named is gone (section 8.1.1.4)."""
        said = self.sent()
        return self._changed(self.stream(said.get("stream_id")), said, StreamMetadata())

    def delete(self, request: HttpRequest) -> HttpResponse:
        streams.delete(self.stream(parameter(self.request._request, "stream_id")), self.by)
        return HttpResponse(status=204)

    def _changed(self, stream: Stream, said: Mapping[str, Json], before: StreamMetadata) -> HttpResponse:
        now = bodies.represent(stream)
        for name in GIVEN:
            if name in said and said[name] != now[name]:
                raise bodies.malformed(f"{name} is for the provider to say.")
        wanted = bodies.read(said, before)
        return self.answered(bodies.represent(bodies.judged(lambda: streams.change(stream, wanted, self.by)) or stream))


# --- Status, subjects, verification --------------------------------------------------------------------------------


class Status(Signals):
    def get(self, request: HttpRequest) -> HttpResponse:
        wanted = parameter(self.request._request, "stream_id")
        return self.answered(_status(self.stream(wanted)))

    def post(self, request: HttpRequest) -> HttpResponse:
        said = self.sent()
        stream, status = self.stream(said.get("stream_id")), said.get("status")
        reason = bodies.text(said.get("reason", ""), "reason")
        if status not in StreamStatus.values or len(reason) > streams.MAX_REASON:
            raise bodies.malformed(f"status is one of {', '.join(StreamStatus.values)}, and a reason is short.")
        return self.answered(_status(streams.set_status(stream, str(status), reason, self.by)))


def _status(stream: Stream) -> dict[str, Json]:
    said: dict[str, Json] = {"stream_id": str(stream.pk), "status": str(stream.status)}
    return {**said, "reason": stream.reason} if stream.reason else said


class AddSubject(Signals):
    def post(self, request: HttpRequest) -> HttpResponse:
        """Everybody who allowed the project something is in it already; whoever did not is never told of."""
        said = self.sent()
        stream = self.stream(said.get("stream_id"))
        if sub := bodies.sub(said.get("subject"), stream.client.home):
            streams.include(stream, sub)
        return HttpResponse(status=200)


class RemoveSubject(Signals):
    def post(self, request: HttpRequest) -> HttpResponse:
        """Whether there is such a person is not told."""
        said = self.sent()
        stream = self.stream(said.get("stream_id"))
        if sub := bodies.sub(said.get("subject"), stream.client.home):
            if stream.client.home.subject_type == PAIRWISE:
                rates.count(self.request._request, self.caller, rates.SEARCHES)
            streams.exclude(stream, sub)
        return HttpResponse(status=204)


class Verification(Signals):
    def post(self, request: HttpRequest) -> HttpResponse:
        said = self.sent()
        stream, state = self.stream(said.get("stream_id")), said.get("state")
        if state is not None and len(bodies.text(state, "state")) > streams.MAX_STATE:
            raise bodies.malformed("state is too long.")
        try:
            streams.verify(stream, None if state is None else str(state), self.by)
        except streams.TooSoon:
            raise refused("too_many_requests", Retry_After=str(streams.LEAST_INTERVAL)) from None
        return HttpResponse(status=204)


# --- Fetching (RFC 8936) -------------------------------------------------------------------------------------------


class Poll(Signals):
    reads = ("POST",)

    def post(self, request: HttpRequest, stream_id: str) -> HttpResponse:
        """What came before is acknowledged, then what waits is given. Where nothing does, it may take some seconds."""
        stream = self.stream(stream_id)
        if stream.method != DeliveryMethod.POLL:
            raise not_found()
        said = self.sent(optional=True)
        most = bodies.most(said.get("maxEvents", USUAL_SETS))
        at_once = said.get("returnImmediately", False)
        if not isinstance(at_once, bool):
            raise bodies.malformed("returnImmediately is true or false.")
        acks = bodies.texts(said.get("ack", ()), "ack")
        if len(acks) > bodies.MAX_ACKS:
            raise bodies.malformed(f"At most {bodies.MAX_ACKS} acknowledgements.")
        stream_outbox.acknowledge(stream, acks)
        for jti, error in bodies.errors(said.get("setErrs", {})):
            stream_outbox.refuse(stream, jti, error)
        if most and not at_once:
            long_polling.wait_for_something(stream)
            stream = self.stream(stream_id)  # as it is by now
        found, more = stream_outbox.fetch(stream, most)
        return self.answered({"sets": dict(found), "moreAvailable": more} if more else {"sets": dict(found)})
