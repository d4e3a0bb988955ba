"""What the apps of a project know people by: chosen before anybody signs in, and never again (`projects.sectors`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext_lazy

from projects import sectors
from projects.actors import Actor
from projects.events import record
from projects.metadata import ProjectMetadata
from projects.models import Project
from projects.problems import Problem, require

STAYS = gettext_lazy("This stays: to the apps whoever signed in already would be another person.")
WAS_TOLD = gettext_lazy(
    "This stays while the project has a client or an API: they may have been told identifiers of its own already."
)
KEPT = ("clients", "apis")
_SALT = re.compile(r"[A-Za-z0-9_-]{43}")


def problems(wanted: ProjectMetadata, project: Project | None) -> Iterator[Problem]:
    """What was told by introspection leaves no row behind, so for the way back it is enough that it may have been."""
    if project is None or wanted.subject_type == project.subject_type:
        return
    if is_known(project):
        yield Problem("subject_type", str(STAYS))
    elif project.subject_type == sectors.PAIRWISE and _may_have_been_told(project):
        yield Problem("subject_type", str(WAS_TOLD))


def is_known(project: Project) -> bool:
    """Whether an app of it may know somebody: one that people allowed something, or a guest it let in."""
    known = [f"{path}__isnull" for path in ("clients__authorizations", "guest_authorizations", "consents")]
    return any(Project.objects.filter(Q(**{path: False}), pk=project.pk).exists() for path in known)


def _may_have_been_told(project: Project) -> bool:
    return any(Project.objects.filter(Q(**{f"{path}__isnull": False}), pk=project.pk).exists() for path in KEPT)


def bring(project: Project, salt: str, by: Actor) -> bool:
    """Its people stay who they are to apps that move along with it. Whether it changed. Raises RegistrationError."""
    if salt == project.subject_salt:
        return False
    require(Problem("subject_salt", sentence) for sentence in [_problem_of(project, salt)] if sentence)
    project.subject_salt = salt
    project.save(update_fields=["subject_salt"])
    record(by, "project.changed", project=project.key, subject_salt="brought along")
    return True


def _problem_of(project: Project, salt: str) -> str:
    """In English: only files say it."""
    if project.subject_type != sectors.PAIRWISE:
        return "Only a project with 'subject_type: pairwise' has one."
    if is_known(project):
        return str(STAYS)
    if not _SALT.fullmatch(salt):
        return "This is none that an exported file has."
    if Project.objects.filter(subject_salt=salt).exists():
        return "Another project has this one: apps of both would know who is who."
    return ""


def salted(project: Project) -> None:
    """The salt is made once. Nobody is shown it: with it, whoever has two projects would know who is who."""
    if project.subject_type == sectors.PAIRWISE and not project.subject_salt:
        project.subject_salt = sectors.new_salt()
