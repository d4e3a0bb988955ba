"""Signing out on behalf of an app (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts import sign_in
from accounts.models import User
from clients.identifiers import shown_place
from clients.models import Client
from common.arrival import arrival_of
from projects import access
from provider import parameters
from provider.endpoints.authorize import go_on_as_a_get, unavailable
from provider.endpoints.error_page import Explanation, unseen
from provider.endpoints.http import say_no_more
from provider.endpoints.leading_on import to_app
from provider.kept_requests import unfolded
from provider.keys import hints
from provider.protocol import logout
from provider.protocol.errors import InvalidRequest, Refusal
from provider.protocol.logout import Hint
from provider.protocol.request import Params
from provider.store import events, whose
from provider.trace import refused_by

NAME = "logout"  # in the log


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A request that holds: which app asks, for whom, and where the person goes afterwards ('': nowhere)."""

    client: Client | None
    hint: Hint | None
    uri: str
    location: str


def answers_errors(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """What does not hold gets a page and leads nowhere: the app cannot be told, its address is not to be trusted."""

    @functools.wraps(view)
    def endpoint(request: HttpRequest) -> HttpResponse:
        try:
            response = view(request)
        except Refusal as refusal:
            refused_by(NAME, request, refusal, _client_named(request))
            response = _error_page(request, str(refusal))
        except (OperationalError, InterfaceError) as error:
            response = unavailable(request, NAME, error)
        response["Cache-Control"] = "no-store"
        return response

    return endpoint


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def end_session(request: HttpRequest) -> HttpResponse:
    """A POST from the app's own page brings no cookie of ours: once validated it goes on as a GET, which does."""
    params = parameters.from_body(request) if request.method == "POST" else unfolded(parameters.from_query(request))
    asked = _read(params)
    of_nobody = settings.SESSION_COOKIE_NAME not in request.COOKIES and settings.CSRF_COOKIE_NAME not in request.COOKIES
    if request.method == "POST" and not (of_nobody and _from_a_program(request)):
        return go_on_as_a_get(request, params)
    if of_nobody:
        return _called_by_a_server(request, asked)
    row = sign_in.current(request)
    if row is None:
        return _nobody_here(request, asked)
    if logout.goes_without_asking(asked.hint, row.user.sub, str(row.sid)):
        return _leave(request, asked, confirmed=False)
    return _ask(request, params, asked)


@require_POST
@answers_errors
def confirm(request: HttpRequest) -> HttpResponse:
    """The person agreed. The request is validated again from the URI it was made with."""
    asked = _read(parameters.from_query(request))
    return _leave(request, asked, confirmed=True)


def _read(params: Params) -> LogoutRequest:
    """Validate the request; raises InvalidRequest. `logout_hint` and `ui_locales` are accepted and change nothing."""
    parameters.refuse_repeats(params)
    text = params.one("id_token_hint")
    hint = logout.hint_of(whose.ours(hints.read(text))) if text else None
    uri = params.one("post_logout_redirect_uri")
    if hint is None and not uri:
        return LogoutRequest(
            None, None, "", ""
        )  # client_id alone shows nothing, and must not show which clients there are
    client = _client(params.one("client_id"), hint)
    if not uri:
        return LogoutRequest(client, hint, "", "")
    if client is None:
        raise InvalidRequest("post_logout_redirect_uri needs an id_token_hint or a client_id with it.")
    if uri not in client.post_logout_redirect_uri_list:
        raise InvalidRequest(f"Not a registered post_logout_redirect_uri of {client.client_id}: {uri[:200]}")
    state = params.one("state")
    added = f"{'&' if '?' in uri else '?'}{urlencode({'state': state})}" if state else ""
    return LogoutRequest(client, hint, uri, uri + added)


def _client_named(request: HttpRequest) -> str:
    """Of a request that does not hold: by `client_id`, else by a hint of ours."""
    try:
        params = parameters.with_repeats(request) if request.method == "POST" else parameters.from_query(request)
        hint = params.one("id_token_hint")
        return params.one("client_id") or (logout.hint_of(hints.read(hint)).audience if hint else "")
    except Refusal:
        return ""


def _client(client_id: str, hint: Hint | None) -> Client | None:
    """The app that asks. A hint is for enabled clients only, and `client_id` is one of them (section 2)."""
    named = set(hint.parties) if hint else ({client_id} if client_id else set())
    found = {row.client_id: row for row in Client.objects.filter(client_id__in=named, enabled=True)}
    if found.keys() != named:
        raise InvalidRequest("The client is unknown or disabled.")
    if hint is None:
        return found.get(client_id)
    if client_id and client_id not in found:
        raise InvalidRequest("id_token_hint was issued to another client than client_id.")
    return found[client_id or hint.audience]


def _ask(request: HttpRequest, params: Params, asked: LogoutRequest) -> HttpResponse:
    named = asked.client is not None and not asked.client.guest
    context = {
        "action": f"{reverse('confirm_end_session')}?{params.query}",
        "client_name": str(asked.client) if named else "",
        "redirect_host": shown_place(asked.uri) if asked.uri else "",
    }
    return render(request, "logout.html", context)


def _leave(request: HttpRequest, asked: LogoutRequest, *, confirmed: bool) -> HttpResponse:
    user = request.user
    with transaction.atomic():
        if isinstance(user, User):
            client_id = asked.client.client_id if asked.client else ""
            events.signed_out_by(client_id, user.sub, asked=confirmed)
        sign_in.sign_out(request)
    if asked.location:
        return to_app(request, asked.location)
    return render(request, "signed_out.html")


# --- Called by a server: Keycloak as a broker, oauth2-proxy --------------------------------------------------------


def _called_by_a_server(request: HttpRequest, asked: LogoutRequest) -> HttpResponse:
    """There is no browser to ask: the sign-in that the hint names ends, or nothing does (protocol section 12).

    A hint proves little where anybody may hold it, so only one of a client that keeps secrets counts.
    """
    if not _ended(asked) and _from_a_program(request):
        raise InvalidRequest("Nothing was ended: id_token_hint names no live sign-in at a confidential client.")
    return _nobody_here(request, asked)


def _ended(asked: LogoutRequest) -> bool:
    client, hint = asked.client, asked.hint
    if client is None or client.client_type != Client.CLIENT_CONFIDENTIAL or hint is None or not hint.sid:
        return False
    user = User.objects.filter(sub=hint.sub).first()
    if user is None:
        return False
    with transaction.atomic():
        ended = sign_in.end_one(user, uuid.UUID(hint.sid))
        if ended:
            events.signed_out_by(client.client_id, hint.sub, asked=False)
    return ended


def _from_a_program(request: HttpRequest) -> bool:
    """Whether nobody looks at the answer: a page would be taken for success."""
    browser = "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
    return not browser and "text/html" not in request.headers.get("Accept", "")


def _nobody_here(request: HttpRequest, asked: LogoutRequest) -> HttpResponse:
    """Nothing to end. Only a hint shows that the way back is the app's own wish; else the person chooses to go.

    A guest may be anybody's, and whoever made it gets hints of its own: people are told where it leads.
    """
    client, guest = asked.client, asked.client is not None and asked.client.guest
    if asked.hint is not None and asked.location and not guest:
        return to_app(request, asked.location)
    name = shown_place(asked.uri) if guest and asked.uri else str(client or "")
    context = {"location": asked.location, "client_name": name}
    return render(request, "signed_out.html", context)


def _error_page(request: HttpRequest, detail: str) -> HttpResponse:
    """For people; what exactly does not hold is shown to signed-in staff, and found under the reference."""
    signed_in = request.user.is_authenticated
    context = {
        "title": _("This app's request to sign you out cannot be answered"),
        "message": _("The link that brought you here is broken or not registered. You were not sent anywhere else.")
        + (" " + _("You are still signed in here.") if signed_in else ""),
        "reference": arrival_of(request).id,
        "explained": _explained(request, detail),
        "sign_out": signed_in,
    }
    response = render(request, "error.html", context, status=400)
    say_no_more(response)
    return response


def _explained(request: HttpRequest, detail: str) -> Explanation | None:
    """For staff. Of a client of another project they learn no more than of one that there is not."""
    user = request.user
    if not isinstance(user, User) or not user.is_staff:
        return None
    client_id = _client_named(request)
    if client_id and not Client.objects.filter(client_id=client_id, project__in=access.visible(user)).exists():
        return unseen(client_id)
    fix = _("Compare id_token_hint, client_id and post_logout_redirect_uri with what is registered.")
    return Explanation(detail, fix)
