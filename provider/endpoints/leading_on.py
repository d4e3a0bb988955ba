"""How a browser gets to an app: by a redirect, or by a page of ours that goes on by itself.

Chromium applies the `form-action` of the page that a form is on to every redirect that follows, those of the app
included, which nobody can list. So the redirects that follow a form of ours end here, with a page, and the way to the
app begins anew (docs/decisions/0137). Not Django's redirect: that knows no private-use schemes.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clients.identifiers import shown_place
from provider.protocol.channel import Channel, Delivery

MAX_LOCATION = 2_500  # bytes; nginx reads all headers of an answer into 4 KB


def redirect(location: str, *, after_post: bool = False) -> HttpResponse:
    """To an address of ours. 303 never repeats a POST."""
    response = HttpResponse(status=303 if after_post else 302, headers={"Location": location})
    response["Cache-Control"] = "no-store"
    return response


def deliver(request: HttpRequest, delivery: Delivery, *, silent: bool = False) -> HttpResponse:
    """An answer to an app. A form is posted by a page, whatever else was asked for: there is no other way to do it."""
    if not delivery.form:
        return to_app(request, delivery.address, silent=silent)
    page = render(request, "form_post.html", {"action": delivery.address, "fields": delivery.form})
    page["Cache-Control"] = "no-store"
    # No `form-action`: the address is registered, and where the app redirects to from there nobody can list.
    page._csp_replace = {"form-action": None}  # type: ignore[attr-defined]
    return page


def refuse(request: HttpRequest, channel: Channel, delivery: Delivery, *, silent: bool, shown: bool) -> HttpResponse:
    """An app hears of a refusal. Where a stranger chose the address, people see it and go there themselves.

    `shown`: they saw it already.
    """
    if shown or not channel.leads_to_strangers:
        return deliver(request, delivery, silent=silent)
    context = {"delivery": delivery, "host": shown_place(channel.redirect_uri), "name": channel.client.name}
    page = render(request, "elsewhere.html", context, status=400)
    page["Cache-Control"] = "no-store"
    page._csp_replace = {"form-action": None}  # type: ignore[attr-defined]
    return page


def to_app(request: HttpRequest, location: str, *, silent: bool = False) -> HttpResponse:
    """To a validated address of an app. `silent`: no page may be shown, so no form of ours can have been sent."""
    if silent or not (_comes_from_a_page_of_ours(request) or _is_too_long(request, location)):
        return redirect(location, after_post=request.method == "POST")
    page = render(request, "leading_on.html", {"location": location})
    page["Cache-Control"] = "no-store"
    return page


def _is_too_long(request: HttpRequest, location: str) -> bool:
    """Whether a proxy may refuse it as a header: `state` is as long as the app made it. Programs follow no page."""
    return len(location) > MAX_LOCATION and "text/html" in request.headers.get("Accept", "")


def _comes_from_a_page_of_ours(request: HttpRequest) -> bool:
    """Whether a form of ours may have begun this chain of redirects, as the browser says.

    Fetch Metadata names the origin that began it, redirects included. Browsers that do not send it send a Referer.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        return request.headers.get("Referer", "").startswith(f"{settings.IDP_ISSUER}/")
    return site == "same-origin" and request.headers.get("Sec-Fetch-Dest") == "document"
