"""`applyconfig --prune`: what the projects of the file no longer list is deleted, and how much goes with it is told.

A list that the file does not have says nothing: only where a project has `clients` are its other clients deleted. What
stands in the way of a deletion is a problem like every other, and nothing is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from enum import StrEnum
from functools import partial

from django.db import transaction
from django.db.models import ProtectedError

from clients import registration, resources, webhooks
from clients.guests import SOURCES
from clients.models import Authorization, Client, Webhook
from clients.models.logout import NoticeState
from idp.configuration.connectors import unlisted as connectors_unlisted
from idp.configuration.context import Context
from idp.configuration.problems import Place
from idp.configuration.prune_people import prune_directory
from idp.configuration.shape import Entry
from idp.configuration.webhooks import unlisted as webhooks_unlisted
from projects import matcher, roles
from projects.models import Api, Consent, Project, ProjectRole, one_at_a_time
from projects.problems import RegistrationError
from projects.upstream import registration as connectors
from projects.upstream.models import Connector

NAMED = 10  # projects


class Prune(StrEnum):
    NOTHING = ""
    LISTED = "listed"  # clients, APIs and roles of the projects that the file names; connectors, groups, attributes
    PROJECTS = "projects"  # projects that it does not name, too


def prune(context: Context, file: Entry, how: Prune, *, with_values: bool = False) -> None:
    """Clients first: their allowlists stand in the way of deleting APIs, and they in that of deleting projects."""
    if how is Prune.NOTHING or context.problems.found:
        return
    one_at_a_time()
    gone = list(_unnamed(file)) if how is Prune.PROJECTS else []
    clients = [*_unlisted_clients(file), *((one, file.place_of("projects")) for one in _all_clients(gone))]
    along = [client for client, _place in clients]
    for client, place in clients:
        _delete(context, place, "client", client.client_id, _hangs_from(client), _client(context, client, along))
    apis = [*_unlisted_apis(file), *((one, file.place_of("projects")) for one in Api.objects.filter(project__in=gone))]
    for api, place in apis:
        scopes = {"scopes": api.scopes.count()}
        _delete(context, place, "API", api.identifier, scopes, _api(context, api), partial(_listed, api))
    for role, place in _unlisted_roles(file):
        _delete(
            context, place, "role", f"{role.project.key}/{role}", {"grants": role.grants.count()}, _role(context, role)
        )
    for webhook, entry in webhooks_unlisted(file):
        waiting = {"deliveries": webhook.deliveries.filter(state=NoticeState.DUE).count()}
        name = f"{webhook.project.key} {webhook.url}"
        _delete(context, entry.place_of("webhooks"), "webhook", name, waiting, _webhook(context, webhook))
    for one in connectors_unlisted(file):
        people = connectors.people_of(one.key)
        _delete(context, file.place_of("connectors"), "connector", one.key, {"people": people}, _link(context, one))
    prune_directory(context, file, with_values=with_values)
    for project in gone:
        takes = _goes_with(project)
        _delete(context, file.place_of("projects"), "project", project.key, takes, _own(context, project))


# --- What the file does not list -----------------------------------------------------------------------------------


def _unnamed(file: Entry) -> Iterator[Project]:
    if "projects" in file.nested:
        named = [entry.text("id") for entry in file.entries("projects")]
        yield from Project.objects.exclude(key__in=named).order_by("key")


def _unlisted_clients(file: Entry) -> Iterator[tuple[Client, Place]]:
    for entry in file.entries("projects"):
        if "clients" in entry.nested:
            listed = [client.text("client_id") for client in entry.entries("clients")]
            rows = Client.objects.filter(project__key=entry.text("id")).exclude(client_id__in=listed)
            rows = rows.exclude(registration_source__in=SOURCES)  # no file made those: they registered themselves
            yield from ((row, entry.place_of("clients")) for row in rows.order_by("client_id"))


def _unlisted_apis(file: Entry) -> Iterator[tuple[Api, Place]]:
    for entry in file.entries("projects"):
        if "apis" in entry.nested:
            listed = [matcher.canonical(api.text("identifier")) for api in entry.entries("apis")]
            rows = Api.objects.filter(project__key=entry.text("id")).exclude(canonical__in=listed)
            yield from ((row, entry.place_of("apis")) for row in rows.order_by("canonical"))


def _unlisted_roles(file: Entry) -> Iterator[tuple[ProjectRole, Place]]:
    for entry in file.entries("projects"):
        if "roles" in entry.nested:
            listed = [roles.plain(role.text("name")).lower() for role in entry.entries("roles")]
            rows = ProjectRole.objects.filter(project__key=entry.text("id")).select_related("project").order_by("name")
            # Not in the database: what it makes small is not what Python does (SQLite: ASCII alone).
            yield from ((row, entry.place_of("roles")) for row in rows if row.name.lower() not in listed)


def _all_clients(projects: Collection[Project]) -> Iterator[Client]:
    yield from Client.objects.filter(project__in=projects).order_by("client_id")


def _listed(api: Api) -> str:
    """Where it still stands, which may be in another file, and the two ways out."""
    clients = {entry.client for entry in resources.leaning_on(api)}
    keys = sorted({one.project.key for one in clients if one.project is not None})
    homes = ", ".join([*keys[:NAMED], *(["…"] if len(keys) > NAMED else [])])
    return (
        f"It is in `audience` of {len(clients)} in all ({homes}): take it off in the files of these projects and apply "
        "them before this one, or keep it in `apis` here."
    )


# --- Deleting ------------------------------------------------------------------------------------------------------


def _hangs_from(client: Client) -> dict[str, int]:
    live = Authorization.objects.filter(client=client, ended_at=None)
    return {"people": live.values("user").distinct().count(), "authorizations": live.count()}


def _goes_with(project: Project) -> dict[str, int]:
    """People: a consent for each. Links: of people to the connectors that this project alone has."""
    keys = list(project.connectors.values_list("key", flat=True))
    return {
        "people": Consent.objects.filter(project=project).count(),
        "connectors": len(keys),
        "links": sum(map(connectors.people_of, keys)),
    }


def _client(context: Context, client: Client, along: Collection[Client]) -> Callable[[], None]:
    return lambda: registration.delete(client, context.by, along=along)


def _api(context: Context, api: Api) -> Callable[[], None]:
    return lambda: resources.delete_api(api, context.by)


def _role(context: Context, role: ProjectRole) -> Callable[[], None]:
    return lambda: roles.delete(role, context.by)


def _webhook(context: Context, webhook: Webhook) -> Callable[[], None]:
    return lambda: webhooks.delete(webhook, context.by)


def _link(context: Context, connector: Connector) -> Callable[[], None]:
    return lambda: connectors.delete(connector, context.by)


def _own(context: Context, project: Project) -> Callable[[], None]:
    return lambda: resources.delete_project(project, context.by)


def _delete(
    context: Context,
    place: Place,
    kind: str,
    name: str,
    takes_down: Mapping[str, int],
    delete: Callable[[], None],
    mend: Callable[[], str] = str,
) -> None:
    """`mend`: what to do about all that stands in the way."""
    try:
        with transaction.atomic():
            delete()
    except RegistrationError as error:
        *before, last = [f"{name} cannot be deleted. {one.message}" for one in error.problems]
        for said in (*before, f"{last} {mend()}".rstrip()):
            context.problems.add(place, said)
    except ProtectedError:
        context.problems.add(place, f"{name} cannot be deleted: it still has clients.")
    else:
        context.ledger.deleted(kind, name, takes_down)
