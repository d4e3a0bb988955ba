"""A provider elsewhere says that somebody signed out there: what came from there ends here, too.

OpenID Connect Back-Channel Logout 1.0, the front channel of Microsoft Entra, and Single Logout of SAML 2.0. None of
them brings a cookie of ours.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import events
from accounts.models import AccountEventKind, SignIn
from common import clock
from projects.upstream import connectors, fetched, logout_tokens, oidc
from projects.upstream.choices import Kind
from projects.upstream.id_tokens import SKEW
from projects.upstream.logout_tokens import SignedOut
from projects.upstream.models import Connector
from projects.upstream.oidc import issuer_of
from projects.upstream.told import Refused, sid_of, text_of, uid_of

logger = logging.getLogger(__name__)
PATIENCE = 1.0  # seconds that others wait behind the one that asks
_asking: dict[str, threading.Lock] = {}  # by the keys of connectors that there are


@csrf_exempt  # what comes is known by its signature, or by the name of a session that nobody else knows
@require_http_methods(["GET", "POST"])
def logged_out(request: HttpRequest, key: str) -> HttpResponse:
    """As each kind says it; the others say nothing."""
    connector = connectors.enabled(key)
    ways = WAYS.get(connector.kind, {}) if connector else {}
    if connector is None or not ways:
        raise Http404
    way = ways.get(str(request.method))
    if way is None:
        return HttpResponseNotAllowed([*ways])
    try:
        return way(request, connector)
    except Refused as error:
        logger.warning("A logout by the connector %s was refused: %s. %s", key, error.reason, error.detail)
        return JsonResponse({"error": "invalid_request", "error_description": error.detail}, status=400)


def by_token(request: HttpRequest, connector: Connector) -> HttpResponse:
    """200 also where nothing was left to end (section 2.7); 400 for what does not hold (section 2.8)."""
    end(connector, _told(connector, request.POST.getlist("logout_token")))
    return HttpResponse(status=200)


def by_session(request: HttpRequest, connector: Connector) -> HttpResponse:
    """Entra has a page of its own ask us from a frame, which brings no cookie of ours: `?sid=`, and no `iss`. The ID of
    the session is all there is; only Entra, its person's browser and we know it. Nobody hears whether there is one."""
    sids, issuers = request.GET.getlist("sid"), request.GET.getlist("iss")
    sid = text_of(sids[0]) if len(sids) == 1 else ""
    if not sid or any(one != issuer_of(connector.kind, connector.issuer, connector.tenant) for one in issuers):
        raise Refused("malformed", "sid has to be there once, and iss as configured or not at all.")
    end(connector, SignedOut("", (sid,), clock.seconds()))
    return HttpResponse(status=200)


def _by_message(request: HttpRequest, connector: Connector) -> HttpResponse:
    """Who needs no SAML does not load what reads XML."""
    way: Way = import_string("projects.upstream.saml_logout.answered")
    return way(request, connector)


Way = Callable[[HttpRequest, Connector], HttpResponse]
WAYS: dict[str, dict[str, Way]] = {
    Kind.OIDC: {"POST": by_token},
    Kind.ENTRA: {"GET": by_session},
    Kind.SAML: {"GET": _by_message, "POST": _by_message},
}


def _told(connector: Connector, tokens: list[str]) -> SignedOut:
    if len(tokens) != 1:
        raise Refused("malformed", "logout_token has to be there once.")
    logout_tokens.check_unsigned(tokens[0], connector.issuer, connector.client_id, clock.seconds())
    with alone(connector.key):
        return _verified(connector, tokens[0])


@contextmanager
def alone(key: str) -> Iterator[None]:
    """Anybody may knock, and a provider may be slow to say its keys: one thread of a process waits for it."""
    asking = _asking.setdefault(key, threading.Lock())
    if not asking.acquire(timeout=PATIENCE):
        raise Refused("unreachable", "The keys of the provider are being asked for.")
    try:
        yield
    finally:
        asking.release()


def _verified(connector: Connector, token: str) -> SignedOut:
    metadata = oidc.discovered(connector.issuer)
    jwks_uri = text_of(metadata.get("jwks_uri"))
    if not jwks_uri:
        raise Refused("malformed", "The metadata has no jwks_uri.")
    find_key = partial(fetched.key, jwks_uri)
    return logout_tokens.verified(token, connector.issuer, connector.client_id, clock.seconds(), find_key)


def end(connector: Connector, told: SignedOut) -> int:
    """What somebody has from there; which session, if it says so. What began later was not meant: so a token that
    comes twice, or late, ends nothing new. Offline access goes on (section 2.7), and apps here are told in their turn.
    """
    with transaction.atomic():
        rows = list(_meant(connector, told).select_for_update(of=("self",)).select_related("user"))
        SignIn.objects.filter(pk__in=[row.pk for row in rows], ended_at=None).update(ended_at=clock.now())
        for row in rows:
            events.record(row.user, AccountEventKind.SIGNED_OUT_ELSEWHERE, None, connector=connector.key)
    logger.info("The provider of the connector %s ended %s sign-ins.", connector.key, len(rows))
    return len(rows)


def _meant(connector: Connector, told: SignedOut) -> QuerySet[SignIn]:
    until = datetime.fromtimestamp(told.at + SKEW, UTC)
    rows = SignIn.objects.filter(connector=connector.key, ended_at=None, created_at__lte=until)
    if told.sids:
        rows = rows.filter(upstream_sid__in=[sid_of(connector.key, one) for one in told.sids])
    if told.sub:
        linked = SocialAccount.objects.filter(provider=connector.key, uid=uid_of(told.sub))
        rows = rows.filter(user_id__in=linked.values("user_id"))
    return rows
