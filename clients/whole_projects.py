"""A project with everything in it: how much that is, whom its end concerns, and its deletion.

Its own APIs in its own clients are no obstacle then. Clients of other projects that list one of its APIs lose that
entry: left there, it would give tokens for an address that nobody answers for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import reduce
from operator import or_

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from clients import resources
from clients.changes import record_change
from clients.models import AccessToken, AudienceEntry, Authorization, Client
from clients.policy import metadata_of
from common import clock
from projects import registration
from projects.access import Roles
from projects.actors import Actor, Right
from projects.apis import apis_near
from projects.events import acting
from projects.models import Project, RoleGrant
from projects.problems import Problem, require

PIECE = 100  # clients that are deleted in one transaction: nobody waits longer than for those
MOST_COUNTED = 10_000  # tokens
SHOWN = 20  # apps of others that are named
OWNER_OF_THE_API = "the project that its API belonged to"  # in events of other projects: whose it was, not who it was


@dataclass(frozen=True, slots=True)
class Others:
    """Clients of other projects that list an API of this one: those that the asker may know, how many of these more,
    and whether there are some that they may not. How many is nothing for them to know, either."""

    named: tuple[Client, ...]
    more: int
    hidden: bool

    @property
    def number(self) -> int:
        """Of those that they may know."""
        return len(self.named) + self.more

    @property
    def any(self) -> bool:
        return bool(self.named) or self.hidden


@dataclass(frozen=True, slots=True)
class Extent:
    """What there is of it. People: those with access that has not ended."""

    clients: int
    apis: int
    people: int
    tokens: int  # that are alive; at most MOST_COUNTED
    consents: int
    roles: int
    role_holders: int
    members: int
    invitations: int
    webhooks: int
    connectors: int

    @property
    def counted(self) -> dict[str, int]:
        """What there is, by a name that programs read."""
        return {name.replace("_", " "): number for name, number in asdict(self).items() if number}

    @property
    def more_tokens(self) -> bool:
        return self.tokens >= MOST_COUNTED


def alive(project: Project) -> QuerySet[Authorization]:
    """What people allowed its clients, and guest apps at it, and what has not ended."""
    now = clock.now()
    lasts = Q(ends_at__isnull=True) | Q(ends_at__gt=now)
    its = Q(client__project=project) | Q(project=project)
    return Authorization.objects.filter(its & lasts, ended_at__isnull=True)


def people_of(project: Project) -> QuerySet[User]:
    """Those who have access to its apps now."""
    return User.objects.filter(pk__in=alive(project).values("user"))


def extent(project: Project) -> Extent:
    tokens = AccessToken.objects.filter(
        application__in=project.clients.values("pk"), expires__gt=clock.now(), revoked_at__isnull=True
    )
    return Extent(
        clients=project.clients.count(),
        apis=project.apis.count(),
        people=people_of(project).count(),
        tokens=tokens.values("pk")[:MOST_COUNTED].count(),
        consents=project.consents.exclude(scopes=[], audiences=[]).count(),
        roles=project.roles.count(),
        role_holders=RoleGrant.objects.filter(role__project=project).count(),
        members=project.members.count(),
        invitations=project.invitations.count(),
        webhooks=project.webhooks.count(),
        connectors=project.connectors.count(),
    )


def others(project: Project, by: Actor) -> Others:
    """Whose apps use its APIs, as far as somebody may know."""
    clients = {entry.client.pk: entry.client for entry in _entries_of_others(project)}
    sees = seen_by(by)
    known = sorted((one for one in clients.values() if sees(one.project_id)), key=lambda one: (one.name, one.client_id))
    return Others(tuple(known[:SHOWN]), len(known[SHOWN:]), hidden=len(known) < len(clients))


def seen_by(by: Actor) -> Callable[[int | None], bool]:
    """Whether they know of an app, by the key of its project. Of those that are of none superusers do."""
    projects = set(by.visible().values_list("pk", flat=True))
    return lambda project: by.roles.is_superuser or project in projects


def _entries_of_others(project: Project) -> list[AudienceEntry]:
    """Those that are allowed because of an API of this project (`resources.leaning_on`), of all of them at once."""
    own = [*project.apis.values_list("identifier", flat=True)]
    starts = {resources.start_of(one) for one in own}
    if not starts:
        return []
    near = reduce(or_, (Q(canonical__startswith=one) for one in starts))
    rows = AudienceEntry.objects.filter(near).exclude(client__project=project).select_related("client__project")
    entries = list(rows.order_by("client", "pk"))
    known = apis_near([entry.value for entry in entries])
    return [entry for entry in entries if (its := known.resolve(entry.value)) is not None and its.identifier in own]


def obstacles(project: Project, by: Actor) -> list[str]:
    """What stands in its way all the same: its connectors are the provider's, not the project's."""
    return list(_obstacles(project, by))


def _obstacles(project: Project, by: Actor) -> Iterator[str]:
    if not by.owns(project):
        yield _("You may not delete this project.")
    if not by.may(Right.MANAGE_CONNECTORS) and project.connectors.exists():
        yield _("Only a superuser may change connectors.")


def delete(project: Project, by: Actor) -> None:
    """All of it, outside of a transaction: a piece at a time, and with the last one the project.

    The first one ends everything at once, so that a run which was interrupted has left nothing alive; another goes on
    where it stopped. A project of few clients goes in one. Raises RegistrationError.
    """
    number, first = project.clients.count(), True
    with acting(by):
        while not _piece(project, by, number, first=first):
            first = False


def _piece(project: Project, by: Actor, number: int, *, first: bool) -> bool:
    """Whether that was the last one."""
    with transaction.atomic():
        found = registration.locked(project.key)
        if found is None or found.pk != project.pk:
            return True  # somebody else was quicker
        require(Problem("id", sentence) for sentence in obstacles(found, _of_now(by)))
        if first:
            over = clock.end_of_all_before(found.tokens_not_before, on=False)
            Project.objects.filter(pk=found.pk).update(tokens_not_before=over)
        keys = list(found.clients.order_by("pk").values_list("pk", flat=True)[:PIECE])
        Client.objects.filter(pk__in=keys).delete()  # whoever lists one as an allowed caller is of this project, too
        if found.clients.exists():
            return False
        _leave_others(found, by)
        registration.delete(found, by, clients=number, apis=found.apis.count())
        return True


def _of_now(by: Actor) -> Actor:
    """A person with the roles of this moment: whoever waited for a lock may have lost theirs."""
    if not by.sub:
        return by
    user = User.objects.filter(sub=by.sub).first()
    roles = Roles.of(user or AnonymousUser())
    return replace(by, roles=roles, rights=by.rights if roles.is_superuser else frozenset())


def _leave_others(project: Project, by: Actor) -> None:
    """Take its APIs off the lists of other projects' clients. Their members read which, and not who it was."""
    told = replace(by, sub="", name=OWNER_OF_THE_API, run_by="", through="")
    of_client: dict[Client, list[int]] = defaultdict(list)
    for entry in _entries_of_others(project):
        of_client[entry.client].append(entry.pk)
    for client, keys in of_client.items():
        before = metadata_of(client)
        AudienceEntry.objects.filter(pk__in=keys).delete()
        client.refresh_from_db()
        record_change(told, client.client_id, before, metadata_of(client), ["audience"])
