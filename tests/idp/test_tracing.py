"""Traces: a span for each request, and nothing in it that was sent."""

from __future__ import annotations

import os
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.dispatch import Signal
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from common.arrival import Arrival, Wait
from common.meter import Watching
from idp import server, tracing
from idp.tracing import Traces
from tests.installation import Installation, free_port, prepared, serving
from tests.provider.endpoints.raw import Rubbish, send
from tests.world import SECRETS, basic

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"  # of the examples of W3C Trace Context


@dataclass
class Traced:
    kept: InMemorySpanExporter

    def spans(self) -> list[ReadableSpan]:
        return list(self.kept.get_finished_spans())

    def request(self) -> ReadableSpan:
        found = [span for span in self.spans() if "http.route" in (span.attributes or {})]
        assert len(found) == 1
        return found[0]


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Traced:
    kept = InMemorySpanExporter()
    traces = Traces(lambda: SimpleSpanProcessor(kept))
    traces.begin()
    monkeypatch.setattr(Watching, "meters", (traces,))
    return Traced(kept)


def id_of(span: ReadableSpan) -> tuple[int, int]:
    """Of its trace, and its own."""
    assert span.context
    return span.context.trace_id, span.context.span_id


def ask(path: str, form: dict[str, str], method: str = "POST", **extra: str) -> int:
    return send(method, path, Rubbish("no rubbish", body=urlencode(form).encode(), extra=extra)).status


@pytest.mark.django_db
def test_a_request_is_a_span_with_names_of_ours_and_one_for_each_statement(traced: Traced, world: None) -> None:
    with connection.execute_wrapper(tracing._timed):
        form = {"grant_type": "client_credentials"}
        assert ask("/oauth2/token", form, HTTP_AUTHORIZATION=basic("service", SECRETS["service"])) == 200
    span = traced.request()
    said = dict(span.attributes or {})
    assert span.name == "POST token"
    assert len(str(said.pop("vestibule.request_id"))) == 8
    assert said == {
        "http.request.method": "POST",
        "http.route": "token",
        "http.response.status_code": 200,
        "vestibule.grant": "client_credentials",
        "vestibule.client_id": "service",
        "vestibule.project": "acme",
    }
    statements = [one for one in traced.spans() if one is not span]
    assert "INSERT clients_accesstoken" in {one.name for one in statements}
    for one in statements:
        assert one.parent
        assert one.parent.span_id == id_of(span)[1]
        assert (span.start_time or 0) <= (one.start_time or 0) <= (one.end_time or 0) <= (span.end_time or 0)
        assert set(one.attributes or {}) == {"db.operation.name", "db.query.summary"}


@pytest.mark.django_db
def test_a_refusal_says_its_error_and_nothing_that_was_sent(traced: Traced, world: None) -> None:
    sent = {"grant_type": "sent-4711", "code": "sent-4711", "client_id": "sent-4711"}
    assert ask("/oauth2/token", sent, HTTP_TRACESTATE="sent=4711") == 400
    assert ask("/sent-4711", sent, method="SENT4711") in (400, 404, 405)
    said = [dict(span.attributes or {}) for span in traced.spans()]
    assert {one.get("error.type") for one in said} == {"unsupported_grant_type", None}
    assert "4711" not in str([said, [(span.name, span.parent) for span in traced.spans()]])


@pytest.mark.any_database
@pytest.mark.parametrize(("network", "joined"), [("127.0.0.1", True), ("192.0.2.1", False)])
def test_only_a_proxy_of_ours_says_to_which_trace_a_request_belongs(
    traced: Traced, settings: Any, network: str, joined: bool
) -> None:
    settings.IDP_TRUSTED_PROXIES = ["127.0.0.1"]
    meta = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": network, "HTTP_TRACEPARENT": CALLER}
    Watching.meters[0].answered("jwks", Arrival("rid", 0.0), 200, meta)
    span = traced.request()
    assert (f"{id_of(span)[0]:032x}" == CALLER.split("-")[1]) is joined
    assert bool(span.parent) is joined


@pytest.mark.any_database
def test_a_fault_is_one_and_many_statements_are_not_all_told(traced: Traced) -> None:
    came = Arrival("rid", 1.0, waits=[Wait('SELECT 1 FROM "a"', 1.0, 1.5)] * (tracing.MOST + 5))
    Watching.meters[0].answered("token", came, 500, {"REQUEST_METHOD": "POST"})
    assert traced.request().status.status_code is StatusCode.ERROR
    assert len(traced.spans()) == tracing.MOST + 1


@pytest.mark.parametrize(
    ("of_all", "of_traces", "sent"),
    [
        ("Authorization=Bearer%20key,x-team=one", "", {"authorization": "Bearer key", "x-team": "one"}),
        ("x-key=of-all", "x-key=of-traces", {"x-key": "of-traces"}),
        ("", "", {}),
    ],
)
def test_the_key_of_the_collector_goes_there_and_leaves_the_environment(
    monkeypatch: pytest.MonkeyPatch, of_all: str, of_traces: str, sent: dict[str, str]
) -> None:
    for name, value in zip(tracing.HEADERS, (of_all, of_traces), strict=True):
        monkeypatch.setenv(name, value)
    came: list[dict[str, str]] = []

    def exporter(*, headers: dict[str, str]) -> InMemorySpanExporter:
        came.append(headers)
        return InMemorySpanExporter()

    monkeypatch.setattr(tracing, "OTLPSpanExporter", exporter)
    monkeypatch.setattr(tracing, "BatchSpanProcessor", SimpleSpanProcessor)
    monkeypatch.setattr(Watching, "meters", ())
    monkeypatch.setattr(tracing, "connection_created", Signal())
    monkeypatch.setattr(tracing, "_watch", lambda **_signal: None)
    tracing.start()
    assert [name for name in tracing.HEADERS if name in os.environ] == []
    for meter in Watching.meters:
        meter.begin()
    assert came == [sent]


def test_the_server_keeps_it_from_requests_where_nothing_is_traced() -> None:
    assert set(tracing.HEADERS) <= set(server.SECRETS)


# --- A server ----------------------------------------------------------------------------------------------------


class _Collector(BaseHTTPRequestHandler):
    came = threading.Event()
    bodies: list[bytes] = []

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
        self.came.set()

    def log_message(self, *_said: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def collector() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Collector) as here:
        threading.Thread(target=here.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{here.server_address[1]}"
        here.shutdown()


@pytest.mark.any_database
def test_a_server_sends_them_to_where_the_environment_says(tmp_path: Any, collector: str) -> None:
    port = free_port()
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_SERVICE_NAME": "here"}
    installation: Installation = prepared(tmp_path, f"http://localhost:{port}", "", **told)
    with serving(installation, port):
        assert _Collector.came.wait(60)
    assert any(b"GET health" in body or b"GET configuration" in body for body in _Collector.bodies)
    assert any(b"here" in body for body in _Collector.bodies)
