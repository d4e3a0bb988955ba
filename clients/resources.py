"""Projects and APIs, with what only clients know: which allowlists lean on an address, and whose they are.

Doors register and delete APIs here, and delete projects here; the rest is for `projects.api_registration` and
`projects.registration`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clients.models import AudienceEntry
from clients.models.allowlist import EntryMode
from projects import api_registration, matcher, registration
from projects.actors import Actor, Right
from projects.apis import apis_near
from projects.metadata import ApiMetadata
from projects.models import Api, Project
from projects.problems import Problem, require

SHOWN = 10  # how many of the things that stand in the way of a deletion are named


def start_of(identifier: str) -> str:
    """What every canonical address near this one begins with."""
    parsed = matcher.parse(identifier)
    return f"{parsed.scheme}://{parsed.host}" if parsed.host else parsed.canonical


def overlapping(identifier: str) -> list[AudienceEntry]:
    """Entries of allowlists that lie on, below or above this address."""
    near = _at_its_origin(identifier).select_related("client__project")
    return [
        entry
        for entry in near
        if matcher.covers(identifier, entry.canonical) or matcher.covers(entry.canonical, identifier)
    ]


def _at_its_origin(identifier: str) -> QuerySet[AudienceEntry]:
    """What could lie near it, and a little more."""
    return AudienceEntry.objects.filter(canonical__startswith=start_of(identifier))


class Near(NamedTuple):
    """An entry of an allowlist that lies on, below or above an address; `above`: it covers the whole of it."""

    name: str  # of its app
    client_id: str
    project: int
    canonical: str
    above: bool


def entries_near(identifier: str) -> list[Near]:
    """The same as columns, for however many apps there are. Guests list nothing."""
    rows = _at_its_origin(identifier).filter(client__project__isnull=False).order_by("pk")
    columns = ("client__name", "client__client_id", "client__project__pk", "canonical", "mode")
    found = []
    for name, client_id, project, canonical, mode in rows.values_list(*columns):
        above = matcher.covers(canonical, identifier, "exact" if mode == EntryMode.EXACT else "prefix")
        if above or matcher.covers(identifier, canonical):
            found.append(Near(name, client_id, project, canonical, above))
    return found


def leaning_on(api: Api) -> list[AudienceEntry]:
    """Entries that are allowed because of this API. Without it they would name an address nobody answers for."""
    near = overlapping(api.identifier)
    apis = apis_near(entry.value for entry in near)
    found = ((entry, apis.resolve(entry.value)) for entry in near)
    return [entry for entry, its in found if its is not None and its.identifier == api.identifier]


def problems(wanted: ApiMetadata, project: Project, by: Actor, api: Api | None = None) -> list[Problem]:
    """Registering an address takes it away from clients of other projects that list it already."""
    found = api_registration.problems(wanted, project, by, api)
    if api is not None or by.may(Right.TAKE_ADDRESSES) or any(one.field in ("identifier", "project") for one in found):
        return found
    if any(entry.client.project_id != project.pk for entry in overlapping(wanted.identifier)):
        message = _("This address overlaps an API of another project.")
        found.append(Problem("identifier", message, api_registration.OVERLAP))
    return found


def register_api(wanted: ApiMetadata, project: Project, by: Actor) -> Api:
    """A new API. Raises RegistrationError."""
    with transaction.atomic():
        require(problems(wanted, project, by))
        return api_registration.register(wanted, project, by)


def obstacles(apis: Sequence[Api], by: Actor) -> list[str]:
    """Which clients still name these APIs; those of projects one cannot see stay nameless."""
    seen = set(by.visible().values_list("pk", flat=True))
    sentences = []
    for api in apis:
        clients = {entry.client for entry in leaning_on(api)}
        known = sorted(one.client_id for one in clients if one.project_id in seen)
        for client_id in known[:SHOWN]:
            sentences.append(
                _("%(api)s is an audience of the client %(client)s. Remove it there first.")
                % {"api": api.identifier, "client": client_id}
            )
        if len(known) < len(clients):
            sentences.append(_("%(api)s is an audience of clients of other projects.") % {"api": api.identifier})
    return sentences


def delete_api(api: Api, by: Actor) -> None:
    """Unless an allowlist leans on it. Raises RegistrationError."""
    with transaction.atomic():
        require(Problem("identifier", sentence) for sentence in obstacles([api], by))
        api_registration.delete(api, by)


def project_obstacles(project: Project, by: Actor) -> list[str]:
    """Its connectors go with it, and everybody's links: who may not delete those deletes no project that has some."""
    found = obstacles(list(project.apis.all()), by)
    if not by.may(Right.MANAGE_CONNECTORS) and project.connectors.exists():
        found.append(_("Only a superuser may change connectors."))
    return found


def delete_project(project: Project, by: Actor) -> None:
    """Unless an allowlist leans on one of its APIs. Raises RegistrationError; ProtectedError while it has clients."""
    with transaction.atomic():
        require(Problem("id", sentence) for sentence in project_obstacles(project, by))
        registration.delete(project, by)
