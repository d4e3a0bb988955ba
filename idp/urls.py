from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from idp import pages

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("idp.accounts.urls")),
    path("", pages.home, name="home"),
]
