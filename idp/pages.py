"""Pages of the deployment itself: the home page and the plain error pages."""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from redis.exceptions import RedisError

from accounts import passkeys, sign_in
from common.database_errors import is_outage, is_read_only
from common.slow import Busy
from idp.fast_path import BY_PATH
from provider.endpoints import try_again
from provider.endpoints.http import json_answer
from provider.trace import Why, refused


@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """The home page: who is signed in, and where to go from here."""
    row = sign_in.current(request)
    context = {
        "signed_in_at": row and row.auth_time,
        "signup_open": settings.IDP_SIGNUP_OPEN,
        "passkey_offered": passkeys.may_be_offered(row),
    }
    return render(request, "home.html", context)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A page, or JSON where programs ask."""
    if isinstance(exception, DisallowedHost):
        refused(request, Why("server", "invalid_host", "That host is not IDP_ISSUER's.", 400, "host"), in_log=False)
    if request.path_info in BY_PATH:
        return _told_to_a_program(exception)
    return error_page(
        request,
        400,
        _("This request cannot be understood"),
        _("The address or the form is damaged. Go back to the page you came from and try again."),
    )


def _told_to_a_program(exception: Exception | None) -> HttpResponse:
    """Mostly a service that asks by an internal name: it hears which one to use."""
    host = isinstance(exception, DisallowedHost)
    said = f"This is another host than the issuer's. Ask at {settings.IDP_ISSUER}." if host else "It is damaged."
    answer = json_answer({"error": "invalid_request", "error_description": said}, 400)
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(
        request,
        403,
        _("You may not see this page"),
        _("Your account has no permission for it. Use another account, or ask an administrator."),
        switch_url=_switch_account_url(request),
    )


def _switch_account_url(request: HttpRequest) -> str:
    """Where a signed-in person changes the account and comes back to this page. Empty when nobody is signed in."""
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return ""
    return sign_in.switch_url(request.get_full_path() if request.method == "GET" else reverse("home"))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _lacks_only_its_slash(request):
        return HttpResponseRedirect(request.get_full_path(force_append_slash=True))
    return error_page(
        request, 404, _("There is no such page"), _("The address is mistyped, or the page is no longer here.")
    )


def _lacks_only_its_slash(request: HttpRequest) -> bool:
    """Whether somebody typed the address of a page for people without its final slash.

    Only these, so that the redirect never leaves the site. Never for a POST, which would lose its body.
    """
    path, home = request.path_info, reverse("home")
    of_people = f"{path}/" == home or f"{path}/".startswith((f"{home}admin/", f"{home}accounts/"))
    if request.method not in ("GET", "HEAD") or not of_people or path.endswith("/"):
        return False
    try:
        view = resolve(f"{path}/").func
    except Resolver404:
        return False
    return getattr(view, "should_append_slash", True)  # False for the admin's catch-all view


def too_many_requests(request: HttpRequest) -> HttpResponse:
    response = error_page(
        request,
        429,
        _("Too many tries"),
        _("This was tried too often in a short time. Wait a few minutes and try again."),
        again=try_again.address(request),
    )
    response["Retry-After"] = "60"  # as long as allauth's limits count
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """What failed may be the database or the cache: then it is they who are unavailable."""
    error = sys.exc_info()[1]
    unavailable = is_outage(error) or isinstance(error, (RedisError, Busy))
    if is_read_only(error) and not connection.in_atomic_block:
        connection.close()  # after a failover the next request looks for the database anew
    return try_again.page(request, 503 if unavailable else 500)


def error_page(request: HttpRequest, status: int, title: str, message: str, **more: str) -> HttpResponse:
    """A page that says what went wrong, and where to go from there."""
    response = render(request, "error.html", {"title": title, "message": message, **more}, status=status)
    add_never_cache_headers(response)
    return response
