"""What the apps of a project know people by: chosen before anybody signs in, and never again (`projects.sectors`)."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext as _

from projects import sectors
from projects.metadata import ProjectMetadata
from projects.models import Project
from projects.problems import Problem


def problems(wanted: ProjectMetadata, project: Project | None) -> Iterator[Problem]:
    if project is not None and wanted.subject_type != project.subject_type and is_known(project):
        yield Problem("subject_type", _("This stays: to the apps whoever signed in already would be another person."))


def is_known(project: Project) -> bool:
    """Whether an app of it may know somebody: one that people allowed something, or a guest it let in."""
    known = [f"{path}__isnull" for path in ("clients__authorizations", "guest_authorizations", "consents")]
    return any(Project.objects.filter(Q(**{path: False}), pk=project.pk).exists() for path in known)


def salted(project: Project) -> None:
    """The salt is made once. Nobody is shown it: with it, whoever has two projects would know who is who."""
    if project.subject_type == sectors.PAIRWISE and not project.subject_salt:
        project.subject_salt = sectors.new_salt()
