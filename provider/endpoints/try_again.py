"""Something failed through no fault of the visitor: a page to try again from, which keeps the app's request."""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from common.arrival import arrival_of

RETRY_AFTER = "5"  # seconds
# Forms whose page has another address.
PAGES = {
    "consent": "authorize",
    "confirm_end_session": "end_session",
    "mfa_login_webauthn": "account_login",
}
# What apps post here has its parameters in a body that no link can carry.
OF_APPS = frozenset({"authorize", "end_session"})


def page(request: HttpRequest, status: int) -> HttpResponse:
    """It uses nothing that may have failed: no database, cache, session or person. 503: we come back by ourselves."""
    shown = {"again": address(request), "reference": arrival_of(request).id}
    response = HttpResponse(render_to_string("500.html", shown), status=status)
    if status == 503:
        response["Retry-After"] = RETRY_AFTER
    add_never_cache_headers(response)
    return response


def address(request: HttpRequest) -> str:
    """The same page, or the one that shows this form, with what its address says and where it leads. '': none."""
    name = (request.resolver_match and request.resolver_match.url_name) or ""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    if name in OF_APPS:
        return ""
    path = reverse(PAGES[name]) if name in PAGES else request.path
    query = request.META.get("QUERY_STRING", "")
    if (onward := next_url(request)) and REDIRECT_FIELD_NAME not in request.GET:
        query = "&".join(filter(None, [query, urlencode({REDIRECT_FIELD_NAME: onward})]))
    return f"{path}?{query}" if query else path


def next_url(request: HttpRequest) -> str:
    """Where this form leads, when that is a place of ours."""
    try:
        onward = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    except (OSError, SuspiciousOperation, MultiPartParserError):  # what was sent is no form, or not all of it
        return ""
    return onward if get_adapter().is_safe_url(onward) else ""
