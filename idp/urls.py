"""The whole public surface on one page."""

from __future__ import annotations

import re

from django.contrib import admin
from django.urls import include, path, re_path

from clients.endpoints.authorize import authorize, decide
from idp import health, pages
from idp.protocol import ENDPOINTS

urlpatterns = [
    # With or without a trailing slash: a POST is never redirected.
    *(re_path(rf"^{re.escape(path[1:])}/?$", endpoint) for path, endpoint in ENDPOINTS.items()),
    re_path(r"^oauth2/authorize/?$", authorize, name="authorize"),
    re_path(r"^openid/authorize/?$", authorize),
    re_path(r"^oauth2/consent/?$", decide, name="consent"),
    path("healthz/live", health.live),
    path("healthz/ready", health.ready),
    path("admin/", admin.site.urls),
    path("accounts/", include("idp.accounts.urls")),
    path("", pages.home, name="home"),
]

handler400 = "idp.pages.bad_request"
handler403 = "idp.pages.forbidden"
handler404 = "idp.pages.not_found"
handler429 = "idp.pages.too_many_requests"  # allauth's limits
handler500 = "idp.pages.server_error"
