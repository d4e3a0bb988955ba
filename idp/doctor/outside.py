"""The issuer as apps meet it: by its public address, through whatever stands in between."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from clients.models import RefusedRequest
from common import clock
from common.address import is_from_proxy
from common.arrival import HEADER
from idp.doctor import Finding, failed, ok, warning
from provider.keys import rotation

SECONDS = 5.0  # for each request
POLL = 0.5  # seconds
CLOCKS = timedelta(seconds=10)  # by which those of servers may differ
WRITTEN_WITHIN = 4.0  # seconds: servers write refusals every second
FORGED = "192.0.2.77"  # of no machine (RFC 5737)
MOST = 1_000_000  # bytes
# Straight there: a proxy for this machine's own requests says nothing of how apps come.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NoAnswer(Exception):
    """In words for the operator."""


class Answer(NamedTuple):
    status: int
    body: bytes
    request_id: str


def _get(url: str, headers: dict[str, str] | None = None, data: bytes | None = None) -> Answer:
    request = urllib.request.Request(url, data, headers or {})  # noqa: S310 - our own issuer
    try:
        with _direct.open(request, timeout=SECONDS) as answer:
            return Answer(answer.status, answer.read(MOST), answer.headers.get(HEADER, ""))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(MOST), error.headers.get(HEADER, ""))
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NoAnswer(f"{type(reason).__name__}: {reason}") from None


def discovery() -> Iterator[Finding]:
    url = f"{settings.IDP_ISSUER}/.well-known/openid-configuration"
    try:
        status, body, _id = _get(url)
        document = json.loads(body) if status == 200 else {}
    except NoAnswer as error:
        yield failed(f"{url} cannot be reached from here ({error}).", "Check DNS, TLS, the proxy, and the server.")
        return
    except ValueError:
        status, document = 200, {}
    if document.get("issuer") != settings.IDP_ISSUER:
        said = f"{url} answers {status}, not the discovery document of {settings.IDP_ISSUER}."
        yield failed(said, "Something else answers there, or servers run with another IDP_ISSUER.")
        return
    yield ok(f"{settings.IDP_ISSUER} answers with its own discovery document")
    yield from _same_keys(str(document.get("jwks_uri", "")))


def _same_keys(url: str) -> Iterator[Finding]:
    """A server with another database, or one that sees nothing new, publishes other keys."""
    if not url.startswith(settings.IDP_ISSUER):
        yield failed("Its jwks_uri is not of this issuer.", "Restart the servers with this environment.")
        return
    try:
        shown = {str(one.get("kid")) for one in json.loads(_get(url).body)["keys"]}
    except (NoAnswer, ValueError, KeyError):
        yield failed(f"{url} answers no keys.", "Ask /healthz/ready of each server.")
        return
    if shown != set(rotation.published()):
        yield failed(
            "It publishes other keys than this database has.", "Do servers and commands have one DATABASE_URL?"
        )
    else:
        yield ok("it publishes the keys of this database")


def addresses() -> Iterator[Finding]:
    """Which address a server takes a request to come from, when its sender claims to be somebody else.

    Asked with a request that is refused: the servers keep of those from what network they came.
    """
    began = clock.now() - CLOCKS
    headers = {"X-Forwarded-For": FORGED, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        asked = _get(f"{settings.IDP_ISSUER}/oauth2/token", headers, b"grant_type=doctor")
    except NoAnswer as error:
        yield failed(f"The token endpoint cannot be reached ({error}).", "See above.")
        return
    network = _network_of(asked.request_id, began)
    if network is None:
        said = f"The token endpoint answered {asked.status}, and no server has our request on record."
        yield warning(said, f"Let the proxy pass {HEADER} of answers on, and look at refused requests in the console.")
    elif network == FORGED and _is_proxy_itself():
        said = "This machine is one of IDP_TRUSTED_PROXIES, so what it says of other addresses is believed."
        yield warning(said, "Run 'doctor --only proxy' on a machine that is none, to see what others could forge.")
    elif network == FORGED:
        said = "Servers believe an X-Forwarded-For that anybody may send: limits on guesses can be slipped."
        yield failed(said, "Let the proxy set X-Forwarded-For itself, and name only it in IDP_TRUSTED_PROXIES.")
    elif network in settings.IDP_TRUSTED_PROXIES:
        said = f"Everybody seems to come from {network}, the proxy: it does not pass on their addresses."
        yield failed(said, "Let it set X-Forwarded-For (docs/operations.md, Behind a proxy).")
    else:
        yield ok(f"servers take this machine for {network}, whatever X-Forwarded-For it sends")


def _is_proxy_itself() -> bool:
    """Whether servers would believe us, as they believe the proxy."""
    place = urlsplit(settings.IDP_ISSUER)
    port = place.port or (443 if place.scheme == "https" else 80)
    try:
        with socket.create_connection((place.hostname or "", port), timeout=SECONDS) as there:
            return is_from_proxy({"REMOTE_ADDR": there.getsockname()[0]})
    except OSError:
        return False


def _network_of(request_id: str, began: datetime) -> str | None:
    """Where servers saw it come from: by its name, or as the only one of its kind since then."""
    until = time.monotonic() + WRITTEN_WITHIN
    while time.monotonic() < until:
        rows = RefusedRequest.objects.filter(last_at__gte=began, endpoint="token", error="unsupported_grant_type")
        named = rows.filter(request_ids__contains=request_id) if request_id else rows
        networks = set(named.values_list("network", flat=True)[:2])
        if len(networks) == 1:
            return networks.pop()
        time.sleep(POLL)
    return None
