"""The site with a consent page, an error page and a failing page at fixed addresses, for tests of the pages alone."""

from __future__ import annotations

from urllib.parse import urlencode

from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from redis.exceptions import ConnectionError as RedisConnectionError

from accounts.models import User
from idp import urls
from provider.endpoints.error_page import Explanation
from provider.endpoints.leading_on import to_app
from tests.idp.pages import consent

handler400, handler403, handler404 = urls.handler400, urls.handler403, urls.handler404
handler429, handler500 = urls.handler429, urls.handler500


@never_cache
def show_consent(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    return render(request, "consent.html", consent(request.user, new_only="new" in request.GET))


def show_error(request: HttpRequest) -> HttpResponse:
    context = {
        "title": "This app is not set up correctly",
        "message": "It asked to send you to an address it has not registered. You were not sent there.",
        "reference": "7Q4K-2M9X",
        "explained": Explanation(
            "The redirect_uri that was sent is not registered for this client.",
            "Register it exactly as it was sent.",
            "https://app.acme.example/callback/",
            ("https://app.acme.example/callback",),
            "/admin/",
        ),
    }
    return render(request, "error.html", context, status=400)


def authorize(request: HttpRequest) -> HttpResponse:
    """As the authorization endpoint does: sends people to sign in, and on to the app when they come back."""
    app = request.GET["app"]
    if request.user.is_authenticated:
        return HttpResponseRedirect(app) if "redirect" in request.GET else to_app(request, app)
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}")


def fail(request: HttpRequest) -> HttpResponse:
    faults = {"db": OperationalError, "cache": RedisConnectionError, "bad": SuspiciousOperation}
    raise faults.get(request.GET.get("how", ""), RuntimeError)


urlpatterns = [
    *urls.urlpatterns,
    path("test/consent/", show_consent),
    path("test/error/", show_error),
    path("test/authorize/", authorize),
    path("test/fail/", fail),
]
