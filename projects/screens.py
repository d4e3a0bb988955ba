"""Consent screens: what people see of a project when they are asked. Written by `projects.registration` only."""

from __future__ import annotations

from dataclasses import fields

from django.core.exceptions import ValidationError

from projects import logos
from projects.metadata import Screen
from projects.models import ConsentScreen, Project
from projects.problems import Problem, of_validation

COLUMNS = tuple(one.name for one in fields(Screen) if one.name != "logo_uri")


def screen_of(row: ConsentScreen | None) -> Screen:
    if row is None:
        return Screen()
    return Screen(logo_uri=logos.address(row.logo_digest), **{name: getattr(row, name) for name in COLUMNS})


def problems(screen: Screen) -> list[Problem]:
    """What is wrong with what people would read; the logo is judged by `projects.logos`."""
    try:
        ConsentScreen(**{name: getattr(screen, name) for name in COLUMNS}).full_clean(exclude=["project"])
    except ValidationError as error:
        return [Problem(f"consent_screen.{one.field}", one.message) for one in of_validation(error)]
    return []


def write(project: Project, screen: Screen) -> None:
    row = ConsentScreen.objects.filter(project=project).first() or ConsentScreen(project=project)
    for name in COLUMNS:
        setattr(row, name, getattr(screen, name))
    row.logo_digest = logos.keep(project.pk, screen.logo_uri)
    row.save()
