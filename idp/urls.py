from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from idp import pages

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("idp.accounts.urls")),
    path("", pages.home, name="home"),
]

handler400 = "idp.pages.bad_request"
handler403 = "idp.pages.forbidden"
handler404 = "idp.pages.not_found"
handler429 = "idp.pages.too_many_requests"  # allauth's limits
handler500 = "idp.pages.server_error"
