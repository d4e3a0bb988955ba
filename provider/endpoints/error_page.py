"""The page for requests that lead nowhere: what people see, and what administrators of that client see besides."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from clients.identifiers import redirect_uri_matches
from clients.models import Client
from common.arrival import arrival_of
from common.client_url import Verdict
from projects import access
from provider.endpoints.http import say_no_more
from provider.fetched_documents import Unavailable
from provider.parameters import NOTHING
from provider.protocol.errors import InvalidRequestUri
from provider.protocol.request import Params
from provider.trace import Why, refused, refused_by

MOST = 500  # characters of what was sent


@dataclass(frozen=True, slots=True)
class Explanation:
    """For signed-in administrators: what exactly does not fit, and how to fix it."""

    detail: str = ""
    fix: str = ""
    sent: str = ""
    registered: tuple[str, ...] = ()
    console: str = ""
    broken: tuple[str, ...] = ()  # rules, and what each says


def error_page(request: HttpRequest, endpoint: str, detail: str, sent: Params | None = None) -> HttpResponse:
    """A page, never a redirect. `sent`: what does not fit what the client registered; None: it could not be read.

    The reference on it is found in the log, and in the console.
    """
    client_id, uri = ((sent or NOTHING).one(name) for name in ("client_id", "redirect_uri"))
    told = f"{detail} redirect_uri: {uri[:MOST]}" if uri else detail
    refused(request, Why(endpoint, "invalid_request", told, 400, "channel" if sent else "parameters", client_id))
    context = {
        "title": _("This app's request cannot be answered"),
        "message": _("The link that brought you here is broken or not registered. You were not sent anywhere else."),
        "reference": arrival_of(request).id,
        "explained": _explained(request, detail, sent),
    }
    response = render(request, "error.html", context, status=400)
    say_no_more(response)
    response["Cache-Control"] = "no-store"
    return response


def too_late(request: HttpRequest, endpoint: str) -> HttpResponse:
    """The request was kept for somebody who took longer. It is gone, and only the app can ask anew."""
    refused(request, Why(endpoint, "invalid_request", "The kept request is gone.", 400, "parameters"))
    context = {
        "title": _("This took too long"),
        "message": _("What the app asked for is kept for a quarter of an hour. Go back to the app and start again."),
        "reference": arrival_of(request).id,
    }
    response = render(request, "error.html", context, status=400)
    say_no_more(response)
    response["Cache-Control"] = "no-store"
    return response


def unidentified(request: HttpRequest, endpoint: str, error: Unavailable) -> HttpResponse:
    """The document that says who this app is cannot be had (rule C14): told here, for nobody knows where else."""
    why = Why(endpoint, "invalid_client", f"{error.host}: {error}", 400, f"client_document.{error.rule}")
    refused(request, why)
    host = error.host or _("an address that no app can have")
    message = _("This app says that it is described at %(host)s. That cannot be used. You were not sent anywhere else.")
    if error.later:
        message = _("This app is described at %(host)s, which cannot be asked just now. Try again in a minute.")
    context = {
        "title": _("This app cannot be identified"),
        "message": message % {"host": host},
        "cause": str(error),
        "reference": arrival_of(request).id,
        "explained": _about_document(request, error),
        "again": request.get_full_path() if error.later and request.method == "GET" else "",
    }
    response = render(request, "error.html", context, status=503 if error.later else 400)
    say_no_more(response)
    response["Cache-Control"] = "no-store"
    return response


def _about_document(request: HttpRequest, error: Unavailable) -> Explanation | None:
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_staff:
        return None
    broken = [one for one in error.verdicts if one.problem] or [Verdict(error.rule, str(error))]
    return Explanation(
        _("The document of this client breaks rules."),
        _("Its developer sees what each rule says with: manage.py explain CLIENT_ID"),
        sent=error.client_id[:MOST],
        broken=tuple(f"{one.rule}: {one.problem}" for one in broken),
    )


def used_up(request: HttpRequest, endpoint: str, refusal: InvalidRequestUri) -> HttpResponse:
    """A pushed request that nobody can begin with (rule P4): whose it is nobody knows, so nobody is sent anywhere."""
    refusal.step = refusal.step or "pushed_request"
    refused_by(endpoint, request, refusal)
    context = {
        "title": _("This link does not work any more"),
        "message": _(
            "What an app asks for in this way works once, and not for long. Go back to the app and start again."
        ),
        "reference": arrival_of(request).id,
    }
    response = render(request, "error.html", context, status=400)
    say_no_more(response)
    response["Cache-Control"] = "no-store"
    return response


def _explained(request: HttpRequest, detail: str, sent: Params | None) -> Explanation | None:
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_staff:
        return None
    if sent is None:
        return Explanation(detail)
    client_id = sent.one("client_id")
    if not client_id:
        return Explanation(
            _("The request has no client_id."), _("Let the app send the one on its page in the console.")
        )
    client = Client.objects.filter(client_id=client_id, project__in=access.visible(user)).first()
    return _mismatch(client, sent, detail) if client else unseen(client_id)


def unseen(client_id: str) -> Explanation:
    """The same whether there is none or it is another project's."""
    return Explanation(
        _("No client that you may see has this client_id."),
        _("Compare it with the client's page in the console, letter by letter."),
        client_id[:MOST],
    )


def _mismatch(client: Client, sent: Params, detail: str) -> Explanation:
    """What an administrator of this client has to change."""
    console = reverse("admin:clients_client_access", args=[client.pk])
    if not client.enabled:
        return Explanation(_("This client is disabled."), _("Enable it in the console."), console=console)
    registered = tuple(client.redirect_uri_list)
    uri = sent.one("redirect_uri")
    if uri and not any(redirect_uri_matches(one, uri, native=client.native) for one in registered):
        return Explanation(
            _("The redirect_uri that was sent is not registered for this client."),
            _("Register it exactly as it was sent, or let the app send one that is. Every character counts."),
            uri[:MOST],
            registered,
            console,
        )
    if uri:
        return Explanation(detail, registered=registered, console=console)
    fix = _("Name one of the registered addresses in the request, once.")
    return Explanation(_("The request has no redirect_uri."), fix, registered=registered, console=console)
