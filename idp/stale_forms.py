"""A form came too late, from another site, or without its cookie: nothing is done, and nobody is left stranded.

People restore several tabs at the sign-in page. The first one signs in, and the forms of the others are refused. A GET
changes nothing, so it may follow from any form, forged ones included.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _

from accounts import views
from common.arrival import arrival_of
from idp.pages import error_page
from provider.endpoints import try_again
from provider.endpoints.leading_on import redirect
from provider.trace import Why, refused

# Forms that somebody who is signed in has no use for any more.
SIGN_IN = frozenset({"account_login", "account_signup", "mfa_authenticate", "mfa_login_webauthn"})
# Forms of the protocol, by what the log calls their endpoint.
ENDPOINTS = {"consent": "consent", "confirm_end_session": "logout"}


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Whoever is signed in goes on to where the form leads; the others get the form, or the way to it."""
    name = (request.resolver_match and request.resolver_match.url_name) or ""
    next_url = try_again.next_url(request)
    if name in SIGN_IN and request.user.is_authenticated:
        return redirect(iri_to_uri(next_url) or reverse("home"), after_post=True)  # a header has no letters of its own
    if name == "account_login" and not _is_of_another_site(request):
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
        again=try_again.address(request),
        reference=arrival_of(request).id,
    )


def _is_of_another_site(request: HttpRequest) -> bool:
    """Its browser kept our cookies back. New ones would take their place: it would be signed out, its forms worthless.

    A page with a form sets them; the one that refuses sets none.
    """
    return request.headers.get("Origin") not in (None, *settings.CSRF_TRUSTED_ORIGINS)
