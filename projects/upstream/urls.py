"""The pages of sign-ins from elsewhere. None of them may be kept by a cache."""

from __future__ import annotations

from django.urls import path
from django.views.decorators.cache import never_cache

from projects.upstream import confirm, linked, logout, saml_views, views

urlpatterns = [
    path("from/<slug:key>/", never_cache(views.start), name="upstream_start"),
    path("from/<slug:key>/callback", never_cache(views.callback), name="upstream_callback"),
    path("from/<slug:key>/logout", never_cache(logout.logged_out), name="upstream_logout"),
    path("from/<slug:key>/metadata", saml_views.metadata, name="upstream_metadata"),
    path("linked/confirm/", never_cache(confirm.confirm), name="upstream_confirm"),
    path("linked/", never_cache(linked.linked), name="upstream_linked"),
]
