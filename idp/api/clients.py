"""Clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from clients import document, lists, registration
from clients.metadata import ClientMetadata
from clients.models import Client
from clients.stored import metadata_of, metadata_of_all
from common.json_type import Json
from idp.api import deletion
from idp.api.described import PAGE, WRITE, operation
from idp.api.documents import patched, refuse_another, said_in
from idp.api.problems import not_found
from idp.api.resource import Resource, storable
from projects.actors import Actor
from projects.models import Project


class OfClient(Resource):
    """Whatever is below a client."""

    def client(self, key: str, client_id: str) -> Client:
        """The client of this project, if they know of that."""
        project = self.project(key)
        rows = Client.objects.filter(project=project).select_related("project").prefetch_related(*lists.ALL)
        found = rows.filter(client_id=client_id).first() if storable(client_id) else None
        if found is None:
            raise not_found()
        return found

    def locked(self, key: str, client_id: str) -> tuple[Client | None, Project, Actor]:
        """The client, its project and who acts. Nobody else changes it until the transaction ends."""
        project = self.editable(key, self.by)
        found = registration.locked([client_id], project).get(client_id) if storable(client_id) else None
        by = self.by
        self.editable(key, by)
        return found, project, by

    def changing(self, key: str, client_id: str) -> tuple[Client, Actor]:
        """The same of one that there is."""
        found, _project, by = self.locked(key, client_id)
        if found is None:
            raise not_found()
        return found, by


class ClientList(OfClient):
    tag = "clients"

    @operation("list_clients", "List clients", answers="ClientPage", parameters=PAGE)
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """Those of the project, in the order of their ids."""
        rows = self.project(project).clients.select_related("project").prefetch_related(*lists.ALL)
        return self.listed(rows, "client_id", represent)

    @operation(
        "create_client",
        "Create a client",
        answers="Client",
        status=201,
        sends="Client",
        parameters=("idempotency_key",),
    )
    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        """With an id that is made here, unless it has one. A secret is made by itself (`create_client_secret`)."""
        return self.once(lambda: self._create(project), allow=lambda: self.editable(project, self.by))

    def _create(self, key: str) -> HttpResponse:
        with transaction.atomic():
            by = self.by
            project = self.editable(key, by)
            made = registration.register(ClientMetadata().changed(said_in(self.sent(), document.read)), project, by)
        return self.made(represent([made])[0], "projects", key, "clients", made.client_id)


class OneClient(OfClient):
    tag = "clients"

    @operation("get_client", "Get a client", answers="Client")
    def get(self, request: HttpRequest, project: str, client_id: str) -> HttpResponse:
        """Everything it is registered with, defaults included, and no secret."""
        return self.shown(represent([self.client(project, client_id)])[0])

    @operation(
        "put_client",
        "Create or replace a client",
        answers="Client",
        sends="Client",
        parameters=WRITE,
        also={201: "It is new."},
    )
    def put(self, request: HttpRequest, project: str, client_id: str) -> HttpResponse:
        """Members that are not named get their defaults; only `tokens_not_before` stays. Its secrets stay, too."""
        with transaction.atomic():
            found, home, by = self.locked(project, client_id)
            before = metadata_of(found) if found else None
            self.require(document.represent(before) if before else None)
            said = said_in(self.sent(), document.read)
            if before is not None and said.get("held") == before.settled().held:
                said.pop("held")  # repeated: who switches it off now decides
            moment = before.tokens_not_before if before else None
            begin = ClientMetadata(client_id=client_id, tokens_not_before=moment)
            return self._write(found, home, by, client_id, begin, said)

    @operation("patch_client", "Change parts of a client", answers="Client", sends="Client", parameters=("if_match",))
    def patch(self, request: HttpRequest, project: str, client_id: str) -> HttpResponse:
        """JSON Merge Patch (RFC 7396): what is not named stays, null is the default, and lists are replaced."""
        with transaction.atomic():
            found, home, by = self.locked(project, client_id)
            if found is None:
                raise not_found()
            before, patch = metadata_of(found), self.sent()
            self.require(document.represent(before))
            said = said_in(patched(document.represent(before), patch), document.read)
            # Of what is not named, some follows from what is: a client that turns public.
            named = {name: said.get(name, _default(name)) for name in patch if name in document.MEMBERS}
            return self._write(found, home, by, client_id, before, named)

    @operation("delete_client", "Delete a client", answers="Deletion", parameters=("dry_run", "if_match"))
    def delete(self, request: HttpRequest, project: str, client_id: str) -> HttpResponse:
        """With everything it has; its id is never used again."""
        with transaction.atomic():
            found, by = self.changing(project, client_id)
            self.require(represent([found])[0])
            obstacles = registration.obstacles(found)
            return deletion.delete(self, found, obstacles, lambda: registration.delete(found, by))

    def _write(
        self,
        found: Client | None,
        project: Project,
        by: Actor,
        client_id: str,
        begin: ClientMetadata,
        said: Mapping[str, object],
    ) -> HttpResponse:
        refuse_another(said, "client_id", client_id)
        wanted, created = begin.changed(said), found is None
        if found is None:
            found = registration.register(wanted, project, by)
        else:
            registration.change_locked(found, wanted, by)
        return self.made(represent([found])[0], "projects", project.key, "clients", client_id, created=created)


def _default(name: str) -> object:
    return getattr(ClientMetadata(), name)


def represent(clients: Sequence[Client]) -> list[dict[str, Json]]:
    return [document.represent(one) for one in metadata_of_all(clients)]
