"""The page of a project, with what the protocol makes of it."""

from __future__ import annotations

from django.contrib import admin

from clients.admin.resources import GuardedProjectAdmin
from projects.models import Project
from provider.admin.consent_editor import ConsentEditor
from provider.admin.project_overview import OverviewPage


@admin.register(Project)
class ProductAdmin(OverviewPage, ConsentEditor, GuardedProjectAdmin):
    """Registered here: a preview runs the protocol's steps, which know projects and not the other way round."""
