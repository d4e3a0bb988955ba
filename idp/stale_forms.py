"""A form came too late, from another site, or without its cookie: nothing is done, and nobody is left stranded.

People restore several tabs at the sign-in page. The first one signs in, and the forms of the others are refused. A GET
changes nothing, so it may follow from any form, forged ones included.
"""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _

from accounts import views
from common.arrival import arrival_of
from idp.pages import error_page
from provider.endpoints.leading_on import redirect
from provider.trace import Why, refused

# Forms that somebody who is signed in has no use for any more.
SIGN_IN = frozenset({"account_login", "account_signup", "mfa_authenticate", "mfa_login_webauthn"})
# Forms whose page has another address.
PAGES = {
    "consent": "authorize",
    "confirm_end_session": "end_session",
    "mfa_login_webauthn": "account_login",
}
# Forms of the protocol, by what the log calls their endpoint.
ENDPOINTS = {"consent": "consent", "confirm_end_session": "logout"}


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Whoever is signed in goes on to where the form leads; the others get the form, or the way to it."""
    name = (request.resolver_match and request.resolver_match.url_name) or ""
    next_url = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    next_url = next_url if get_adapter().is_safe_url(next_url) else ""
    if name in SIGN_IN and request.user.is_authenticated:
        return redirect(iri_to_uri(next_url) or reverse("home"), after_post=True)  # a header has no letters of its own
    if name == "account_login":
        return views.sign_in_once_more(request, next_url)
    if name in ENDPOINTS:
        said = "The form is too old, or its browser keeps no cookies."
        client_id = request.GET.get("client_id", "")
        refused(request, Why(ENDPOINTS[name], "stale_form", said, 403, "csrf", client_id), in_log=False)
    return error_page(
        request,
        403,
        _("This form is no longer valid"),
        _(
            "It was open for too long, you signed in or out meanwhile, or your browser blocks cookies. "
            "Go back, load the page again and send the form once more. Nothing was changed."
        ),
        again=_page_of(request, name, next_url),
        reference=arrival_of(request).id,
    )


def _page_of(request: HttpRequest, name: str, next_url: str) -> str:
    """Where the form is shown anew, with what its address says: an app's request, for example."""
    path = reverse(PAGES[name]) if name in PAGES else request.path
    query = request.META.get("QUERY_STRING", "")
    if next_url and REDIRECT_FIELD_NAME not in request.GET:
        query = "&".join(filter(None, [query, urlencode({REDIRECT_FIELD_NAME: next_url})]))
    return f"{path}?{query}" if query else path
