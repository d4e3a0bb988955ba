"""The page of a project, with what the protocol makes of it."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from clients.admin.resources import GuardedProjectAdmin
from projects.models import Project
from provider.admin.consent_editor import ConsentEditor
from provider.admin.project_overview import OverviewPage


class Projects(ChangeList):
    """Each leads to its first page; the form is one tab further."""

    def url_for_result(self, result: Model) -> str:
        return reverse("admin:projects_project_overview", args=[result.pk])


@admin.register(Project)
class ProductAdmin(OverviewPage, ConsentEditor, GuardedProjectAdmin):
    """Registered here: a preview runs the protocol's steps, which know projects and not the other way round."""

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        return Projects
