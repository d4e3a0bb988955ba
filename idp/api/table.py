"""The addresses of the API."""

from __future__ import annotations

from django.urls import path

from idp.api.projects import OneProject, ProjectList

RESOURCES = [
    path("projects", ProjectList.as_view()),
    path("projects/<str:project>", OneProject.as_view()),
]
