"""Back from what a project's apps know a person by, and what its members are shown (`projects.sectors`)."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.models import User
from projects.models import Project
from projects.sectors import PUBLIC, Sector, could_be_told, told_sub

PEOPLE = ("person", "member", "inviter")  # in the details of events


def known_as(sub: str, project: Project) -> User | None:
    """Whom this project's apps know by this. A pairwise one is looked for among all whom they may know."""
    if project.subject_type == PUBLIC:
        return User.objects.filter(sub=sub).first()
    if not could_be_told(sub):
        return None
    paths = ("authorizations__client__project", "authorizations__project", "consents__project")
    for path in paths:
        people = User.objects.filter(**{path: project}).order_by().values_list("pk", "sub").distinct()
        for pk, own in people.iterator(chunk_size=2_000):
            if told_sub(own, project) == sub:
                return User.objects.filter(pk=pk).first()
    return None


def shown_detail(detail: Mapping[str, object], sector: Sector) -> dict[str, object]:
    """The details of an event with the people as this project knows them."""
    told = {name: told_sub(str(detail[name]), sector) for name in PEOPLE if detail.get(name)}
    return {**detail, **told}
