"""The page of a project: what stands on top of each of its parts, and the tabs that lead from one to the next.

Tabs are links. Every page of a project puts `tabs()` in its context; `page.html` beside it shows them.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.tabs import Tab
from accounts.tabs import tabs as tabs_of
from projects.models import Project

TABS: tuple[tuple[str, str | Promise], ...] = (  # the names of their addresses
    ("overview", _("Overview")),
    ("consent", _("Consent screen")),
    ("members", _("Members")),
    ("claims", _("Roles and claims")),
    ("change", _("Settings")),
)


@dataclass(frozen=True, slots=True)
class Head:
    """What stands on top."""

    project: Project
    tabs: list[Tab]


def tabs(admin: ModelAdmin[Project], request: HttpRequest, project: Project, here: str) -> dict[str, object]:
    """For the context of a page of this project. `here`: the name of the tab that it is."""
    return {"head": Head(project, tabs_of(((name, label, _address(project, name)) for name, label in TABS), here))}


def _address(project: Project, name: str) -> str:
    """Empty: this page is not there."""
    try:
        return reverse(f"admin:projects_project_{name}", args=[project.pk])
    except NoReverseMatch:
        return ""
