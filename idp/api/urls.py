"""Everything below /api/v1."""

from __future__ import annotations

from django.urls import path, re_path

from idp.api.openapi import openapi
from idp.api.resource import NotFound
from idp.api.table import RESOURCES

urlpatterns = [
    path("openapi.json", openapi),
    *RESOURCES,
    re_path("^", NotFound.as_view()),  # whatever else
]
