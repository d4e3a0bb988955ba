"""Everything below /api/v1."""

from __future__ import annotations

from django.urls import path, re_path

from idp.api import signals
from idp.api.openapi import openapi
from idp.api.resource import NotFound
from idp.api.table import RESOURCES

urlpatterns = [
    path("openapi.json", openapi),
    *RESOURCES,
    path("ssf/streams", signals.Streams.as_view()),
    path("ssf/status", signals.Status.as_view()),
    path("ssf/subjects/add", signals.AddSubject.as_view()),
    path("ssf/subjects/remove", signals.RemoveSubject.as_view()),
    path("ssf/verification", signals.Verification.as_view()),
    path("ssf/poll/<str:stream_id>", signals.Poll.as_view()),
    re_path("^", NotFound.as_view()),  # whatever else
]
