"""Its one prefix, as the toolkit's documentation has it."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
