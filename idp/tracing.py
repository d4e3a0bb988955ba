"""Traces by OpenTelemetry: a span for each request, and in it one for each statement of the database.

On where `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) says where they go; what else the variables `OTEL_…` of
OpenTelemetry say holds, too. An attribute is a name of ours, as labels of metrics are, or the id of a registered
client: nothing that was sent, no statement with its values, no path. Packages are loaded here, so only where they are
used.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.re import parse_env_headers

from common.address import is_from_proxy
from common.arrival import Arrival, Wait, current
from common.meter import Watching
from idp import VERSION

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
MOST = 100  # statements of a request that have spans of their own
FAULT = 500
_TABLE = re.compile(r'(?:FROM|INTO|UPDATE)\s+"?(\w+)', re.IGNORECASE)
_W3C = TraceContextTextMapPropagator()


def start() -> None:
    """In the process that forks those that serve."""
    headers = _taken_headers()
    connection_created.connect(_watch)
    for connection in connections.all(initialized_only=True):
        _watch(connection=connection)
    Watching.meters += (Traces(lambda: BatchSpanProcessor(OTLPSpanExporter(headers=headers))),)


def _taken_headers() -> dict[str, str]:
    """What the collector is sent, which may be its key: out of the environment, which every request gets a copy of."""
    of_all, of_traces = (os.environ.pop(name, "") for name in HEADERS)
    return dict(parse_env_headers(of_traces or of_all, liberal=True))


class Traces:
    """A meter (`common.meter`). What a request cost is turned into spans when it is over, and sent by a thread."""

    def __init__(self, processor: Callable[[], SpanProcessor]) -> None:
        self._processor = processor
        self._tracer: trace.Tracer = trace.NoOpTracer()

    def begin(self) -> None:
        """Threads do not survive a fork, so the one that sends is begun after it."""
        named = os.environ.get("OTEL_SERVICE_NAME") or "vestibule"
        provider = TracerProvider(resource=Resource.create({SERVICE_NAME: named, SERVICE_VERSION: VERSION}))
        provider.add_span_processor(self._processor())
        self._tracer = provider.get_tracer("vestibule", VERSION)

    def came(self, came: Arrival) -> None:
        came.waits = []

    def answered(self, endpoint: str, came: Arrival, status: int, meta: Mapping[str, object]) -> None:
        offset = time.time_ns() - _nanoseconds(time.perf_counter())  # between the two clocks
        method = str(meta.get("REQUEST_METHOD"))
        method = method if method in METHODS else "_OTHER"  # as OpenTelemetry writes those it does not know
        span = self._tracer.start_span(
            f"{method} {endpoint}",
            context=_caller(meta),
            kind=SpanKind.SERVER,
            attributes=_said(method, endpoint, came, status),
            start_time=offset + _nanoseconds(came.at),
        )
        if span.is_recording():
            if status >= FAULT:
                span.set_status(StatusCode.ERROR)
            inside = trace.set_span_in_context(span)
            for wait in (came.waits or [])[:MOST]:
                self._statement(wait, inside, offset)
        span.end()

    def _statement(self, wait: Wait, inside: Context, offset: int) -> None:
        operation = wait.what.lstrip("( ").partition(" ")[0].upper()
        table = _TABLE.search(wait.what)
        summary = f"{operation} {table[1]}" if table else operation
        span = self._tracer.start_span(
            summary,
            context=inside,
            kind=SpanKind.CLIENT,
            attributes={"db.operation.name": operation, "db.query.summary": summary},
            start_time=offset + _nanoseconds(wait.began),
        )
        span.end(offset + _nanoseconds(wait.ended))


def _said(method: str, endpoint: str, came: Arrival, status: int) -> dict[str, str | int]:
    said: dict[str, str | int] = {
        "http.request.method": method,
        "http.route": endpoint,
        "http.response.status_code": status,
        "vestibule.request_id": came.id,
    }
    if came.grant:
        said["vestibule.grant"] = came.grant
    if came.error:
        said["error.type"] = came.error
    if came.client is not None:
        said |= {"vestibule.client_id": came.client.client_id, "vestibule.project": came.client.project_key}
    return said


def _caller(meta: Mapping[str, object]) -> Context | None:
    """The trace that a proxy of ours began. Anybody else could hang requests into traces that are not theirs."""
    sent = meta.get("HTTP_TRACEPARENT")
    if not sent or not is_from_proxy(meta):
        return Context()
    return _W3C.extract({"traceparent": str(sent)}, context=Context())


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)


def _watch(connection: BaseDatabaseWrapper, **_signal: object) -> None:
    if _timed not in connection.execute_wrappers:
        connection.execute_wrappers.append(_timed)


def _timed(
    execute: Callable[[str, object, bool, dict[str, object]], object],
    statement: str,
    values: object,
    many: bool,
    context: dict[str, object],
) -> object:
    """Django's way to see statements (`connection.execute_wrapper`)."""
    came = current.get()
    if came is None or came.waits is None or len(came.waits) >= MOST:
        return execute(statement, values, many, context)
    began = time.perf_counter()
    try:
        return execute(statement, values, many, context)
    finally:
        came.waits.append(Wait(statement, began, time.perf_counter()))
