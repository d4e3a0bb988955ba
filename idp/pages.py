"""Pages that belong to the deployment: the front door and the plain error pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was stale or came from elsewhere."""
    return render(request, "error.html", {"title": "This form is no longer valid"}, status=403)
