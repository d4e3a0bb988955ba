"""Where forms may redirect: the one module that knows the Content-Security-Policy's `form-action`.

Chromium applies `form-action` to all redirects that follow a form. Somebody who signs in for an app ends at that app,
so the page with the form must allow the app's origin, and nothing more. `form-action` cannot name an IPv6 address: a
page that continues by itself leads there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

SESSION_KEY = "form_targets"
MAX_REMEMBERED = 10  # authorization requests that a browser may have open at once
PAGES = frozenset(
    {
        "account_login",
        "account_signup",
        "account_reauthenticate",
        "account_switch",
        "account_confirm_email",
        "mfa_authenticate",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
    }
)

# A source as CSP Level 3 section 2.3.1 writes it: an origin, or a private-use scheme. No spaces, quotes or ';' by
# which a redirect URI could write policy, and never a bare 'http:' or 'https:', which would mean every site.
_HOST_SOURCE = re.compile(r"https?://[a-z0-9-]+(\.[a-z0-9-]+)*\.?(:[0-9]{1,5})?")
_SCHEME_SOURCE = re.compile(r"[a-z][a-z0-9+.-]*:")
_NEVER = frozenset(
    {"http:", "https:", "ws:", "wss:", "data:", "blob:", "javascript:", "file:", "filesystem:", "about:"}
)


def origin_of(redirect_uri: str) -> str:
    """The CSP source that allows exactly the origin of this validated redirect URI; '' when there is none."""
    try:
        url = urlsplit(redirect_uri)
        host, port = url.hostname or "", url.port
    except ValueError:
        return ""
    if url.scheme in ("http", "https"):
        source = f"{url.scheme}://{host}" + (f":{port}" if port is not None else "")
    else:
        source = f"{url.scheme}:"
    return source if _is_source(source) else ""


def remember(request: HttpRequest, next_url: str, origin: str) -> None:
    """Remember that account pages with this `next` lead to an app at `origin`, where its validated redirect URI is."""
    _require_source(origin)
    key = _key(next_url)
    known = [pair for pair in request.session.get(SESSION_KEY, []) if pair[0] != key]
    request.session[SESSION_KEY] = [*known, [key, origin]][-MAX_REMEMBERED:]


def remembered(request: HttpRequest, next_url: str) -> str:
    """The origin remembered for this `next`, or ''."""
    key = _key(next_url)
    return next((origin for known, origin in request.session.get(SESSION_KEY, []) if known == key), "")


def allow_form_redirect(response: HttpResponse, origin: str) -> None:
    """Let the forms of this page redirect to `origin`. The rest of the policy stays as it is."""
    _require_source(origin)
    response._csp_update = {"form-action": [origin]}  # type: ignore[attr-defined]


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Allow an app's origin on the account pages that lead to it, and on no others."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        match = request.resolver_match
        if match is not None and match.url_name in PAGES:
            origin = remembered(request, _next_url(request))
            if origin:
                allow_form_redirect(response, origin)
        return _continue_page(request, response) if _leads_to_ipv6_literal(request, response) else response

    return handle


def _leads_to_ipv6_literal(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether a browser is redirected to an IPv6 address: Chromium ignores such a source and blocks the form."""
    sent_on = 300 <= response.status_code < 400 and response.get("Location", "").startswith("http://[")
    return sent_on and request.headers.get("Sec-Fetch-Mode") == "navigate"


def _continue_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A page instead of the redirect: it ends the chain that began with a form, and starts a new one."""
    page = render(request, "account/continue.html", {"location": response["Location"]})
    page.cookies = response.cookies
    add_never_cache_headers(page)
    return page


def _next_url(request: HttpRequest) -> str:
    """Where this page leads: its own `next`, or that of the sign-in that waits for its next step."""
    own_next = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME)
    waiting = request.session.get(LOGIN_SESSION_KEY)
    return own_next or (waiting.get("redirect_url") if isinstance(waiting, dict) else None) or ""


def _key(next_url: str) -> str:
    """A digest: the session stores no authorization request, only what distinguishes two of them."""
    return hashlib.sha256(next_url.encode()).hexdigest()


def _is_source(text: str) -> bool:
    if _HOST_SOURCE.fullmatch(text):
        return True
    return bool(_SCHEME_SOURCE.fullmatch(text)) and text not in _NEVER


def _require_source(origin: str) -> None:
    if not _is_source(origin):
        raise ValueError(f"Not the origin of a redirect URI: {origin!r}")
