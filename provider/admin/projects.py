"""The page of a project, with what the protocol makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from clients.admin.resources import GuardedProjectAdmin
from projects.models import Project
from provider.admin.consent_editor import ConsentEditor
from provider.admin.project_overview import OverviewPage

if TYPE_CHECKING:
    from django.contrib.admin.options import _FieldsetSpec


@admin.register(Project)
class ProductAdmin(OverviewPage, ConsentEditor, GuardedProjectAdmin):
    """Registered here: a preview runs the protocol's steps, which know projects and not the other way round."""

    first_page = "overview"

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> _FieldsetSpec:
        """A new one has nothing yet that a row could lead to."""
        sets = super().get_fieldsets(request, obj)
        if obj is not None:
            return sets
        shown = {*self.get_readonly_fields(request)}
        return [
            (name, {**one, "fields": [field for field in one["fields"] if field not in shown]}) for name, one in sets
        ]
