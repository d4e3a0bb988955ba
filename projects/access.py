"""Who may see and change which project. The one rule behind every list, choice and action of the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from projects.models import Api, Member, Project, Role, Shared

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

VIEWERS = tuple(Role)
EDITORS = (Role.OWNER, Role.EDITOR)
OWNERS = (Role.OWNER,)


def visible(user: User | AnonymousUser) -> QuerySet[Project]:
    """Projects this person may look at."""
    return _with_roles(user, VIEWERS)


def editable(user: User | AnonymousUser) -> QuerySet[Project]:
    """Projects whose clients, APIs and consent screen this person may change."""
    return _with_roles(user, EDITORS)


def solely_owned(user: User) -> QuerySet[Project]:
    """Projects that would have no active owner without this person."""
    others = Member.objects.filter(role=Role.OWNER, user__is_active=True).exclude(user=user)
    mine = Member.objects.filter(role=Role.OWNER, user=user)
    return Project.objects.filter(pk__in=mine.values("project")).exclude(pk__in=others.values("project"))


@dataclass(frozen=True)
class Roles:
    """What the querysets above say of one person, read at once: a page of the console checks it some forty times."""

    is_superuser: bool
    by_project: Mapping[int, str]

    @classmethod
    def of(cls, user: User | AnonymousUser) -> Roles:
        if not user.is_active:
            return cls(is_superuser=False, by_project={})
        if user.is_superuser:
            return cls(is_superuser=True, by_project={})
        return cls(is_superuser=False, by_project=dict(Member.objects.filter(user=user).values_list("project", "role")))

    def in_any_project(self, roles: tuple[Role, ...]) -> bool:
        """Whether there can be projects where this person has one of these roles."""
        return self.is_superuser or any(role in roles for role in self.by_project.values())

    def in_project(self, project: int | None, roles: tuple[Role, ...]) -> bool:
        """Whether this person has one of these roles in the project of this key."""
        return self.is_superuser or (project is not None and self.by_project.get(project) in roles)


def _with_roles(user: User | AnonymousUser, roles: tuple[Role, ...]) -> QuerySet[Project]:
    if not user.is_active:
        return Project.objects.none()
    if user.is_superuser:
        return Project.objects.all()
    # A subquery, not a join: no project appears twice.
    mine = Member.objects.filter(user=user, role__in=roles)
    return Project.objects.filter(pk__in=mine.values("project"))


def open_apis(project: Project) -> QuerySet[Api]:
    """APIs that clients of this project may ask for: its own, and those shared with it."""
    listed = Api.shared_with.through._default_manager.filter(project=project).values("api")
    return Api.objects.filter(Q(project=project) | Q(shared=Shared.PUBLIC) | Q(shared=Shared.LISTED, pk__in=listed))
