"""The whole public surface on one page."""

from __future__ import annotations

import re

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from idp import health, pages, toolkit_paths
from idp.account_activity import activity
from idp.account_deletion import delete_account
from idp.api.resource import NotFound
from idp.fast_path import BASE, ENDPOINTS
from projects import invitation_pages
from provider.endpoints import apps, device
from provider.endpoints.authorize import authorize, decide
from provider.endpoints.consent_answer import go_on
from provider.endpoints.http import as_view
from provider.endpoints.logo import client_logo, project_logo
from provider.endpoints.logout import confirm, end_session
from provider.endpoints.register import registered

# Below the path of the issuer, if it has one.
BELOW: list[URLPattern | URLResolver] = [
    re_path(r"^oauth2/register/[^/]+/?$", as_view(registered)),
    path("oauth2/logo/<path:client_id>", client_logo, name="client_logo"),
    path("logos/<str:digest>", project_logo, name="project_logo"),
    re_path(r"^oauth2/authorize/?$", authorize, name="authorize"),
    re_path(r"^openid/authorize/?$", authorize),
    re_path(r"^oauth2/consent/?$", decide, name="consent"),
    path("oauth2/consent/answer", go_on, name="consent_answer"),
    re_path(r"^oauth2/logout/?$", end_session, name="end_session"),
    re_path(r"^openid/logout/?$", end_session),
    re_path(r"^oauth2/logout/confirm/?$", confirm, name="confirm_end_session"),
    path("device", device.enter, name="device"),
    path("device/confirm", device.confirm, name="device_confirm"),
    path("device/done", device.done, name="device_done"),
    path("accounts/invitation/", invitation_pages.invitation, name="invitation"),
    path("accounts/invitation/done/", invitation_pages.done, name="invitation_done"),
    path("accounts/invitation/<str:token>/", invitation_pages.opened, name="invitation_link"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("idp.api.urls")),
    re_path(r"^api/v1$", NotFound.as_view()),
    path("scim/v2/", include("idp.scim.urls")),
    path("accounts/apps/", apps.apps, name="account_apps"),
    path("accounts/apps/guests/<int:client>/<slug:key>/end/", apps.end_guest, name="account_guest_end"),
    path("accounts/apps/<slug:key>/", apps.app, name="account_app"),
    path("accounts/apps/<slug:key>/remove/", apps.remove, name="account_app_remove"),
    path("accounts/", include("projects.upstream.urls")),
    path("accounts/", include("accounts.urls")),
    path("accounts/activity/", activity, name="account_activity"),
    path("accounts/delete/", delete_account, name="account_delete"),
    path("", pages.home, name="home"),
]
urlpatterns = [
    # With or without a trailing slash: a POST is never redirected.
    *(re_path(rf"^{re.escape(path[1:])}/?$", as_view(endpoint)) for path, endpoint in ENDPOINTS.items()),
    *(path(address[1:], as_view(endpoint)) for address, endpoint in health.ENDPOINTS.items()),
    *toolkit_paths.pages(),
    path(f"{BASE[1:]}/", include(BELOW)) if BASE else path("", include(BELOW)),
]

handler400 = "idp.pages.bad_request"
handler403 = "idp.pages.forbidden"
handler404 = "idp.pages.not_found"
handler429 = "idp.pages.too_many_requests"  # allauth's limits
handler500 = "idp.pages.server_error"
