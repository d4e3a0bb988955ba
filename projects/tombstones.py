"""What is left of a deleted API, however it was deleted: its address stays closed to other projects.

Whoever took it could introspect tokens that were made for the old one. Its own project may register it anew, and they
stay over.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from projects import matcher
from projects.events import API_DELETED, SecurityEvent, acts_now, record, watch
from projects.models import Api, ApiScope, ConsentScreen, Member, Project, ProjectRole, RoleGrant


@receiver(pre_delete, sender=Api, dispatch_uid="projects.api_tombstone")
def _bury(sender: type[Api], instance: Api, **kwargs: object) -> None:
    record(acts_now(), API_DELETED, identifier=instance.identifier, project=instance.project.key)


def was_anothers(identifier: str, project: Project) -> bool:
    """Whether this address was, or lay on, above or below that of a deleted API of another project.

    What is older than the project is another's, though it had the same key: a key is free again when its project goes.
    """
    its_own = Q(detail__project=project.key, at__gte=project.created_at)
    return _touches(identifier, SecurityEvent.objects.filter(kind=API_DELETED).exclude(its_own))


def was_an_api(identifier: str) -> bool:
    """The same, whoever had it."""
    return _touches(identifier, SecurityEvent.objects.filter(kind=API_DELETED))


def _touches(identifier: str, deleted: QuerySet[SecurityEvent]) -> bool:
    before = (event.detail["identifier"] for event in deleted)
    return any(matcher.covers(one, identifier) or matcher.covers(identifier, one) for one in before)


watch(Project, lambda project: ("", {"project": project.key}))
watch(Member, lambda member: ("", {"project": member.project.key, "member": member.user.sub, "role": member.role}))
watch(ProjectRole, lambda role: ("", {"project": role.project.key, "role": role.name}))
watch(RoleGrant, lambda grant: ("", {"project": grant.role.project.key, "role": grant.role.name}))
watch(ConsentScreen, lambda screen: ("", {"project": screen.project.key}))
watch(Api, lambda api: ("", {"project": api.project.key, "identifier": api.identifier}), buried=True)
watch(ApiScope, lambda scope: ("", {"identifier": scope.api.identifier, "scope": scope.name}))
