"""Projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from clients import resources, whole_projects
from common.json_type import Json
from idp.api import deletion
from idp.api.described import PAGE, WRITE, operation
from idp.api.documents import patched, placed, said_in
from idp.api.problems import not_found, refused
from idp.api.resource import Resource
from projects import document, registration
from projects.actors import Actor, Right
from projects.document import represent_project
from projects.metadata import ProjectMetadata, Screen
from projects.models import Project
from projects.registration import metadata_of, metadata_of_all


def represent(projects: list[Project]) -> list[dict[str, Json]]:
    return [represent_project(one) for one in metadata_of_all(projects)]


class ProjectList(Resource):
    @operation("list_projects", "List projects", answers="ProjectPage", parameters=PAGE)
    def get(self, request: HttpRequest) -> HttpResponse:
        """Those that you are a member of, or were given; all of them for superusers. In the order of their ids."""
        return self.listed(self.by.visible(), "key", represent)


class OneProject(Resource):
    @operation("get_project", "Get a project", answers="Project")
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        return self.shown(represent_project(metadata_of(self.project(project))))

    @operation(
        "put_project",
        "Create or replace a project",
        answers="Project",
        sends="Project",
        parameters=WRITE,
        also={201: "It is new."},
    )
    def put(self, request: HttpRequest, project: str) -> HttpResponse:
        """Members that are not named get their defaults. Exceptions: `members` and `consent_screen`, which have
        addresses of their own, stay as they are, and so does `tokens_not_before`. Only superusers add projects."""
        with transaction.atomic():
            return self._write(project, self.sent())

    @operation(
        "patch_project", "Change parts of a project", answers="Project", sends="Project", parameters=("if_match",)
    )
    def patch(self, request: HttpRequest, project: str) -> HttpResponse:
        """JSON Merge Patch (RFC 7396): what is not named stays, and null is the default."""
        with transaction.atomic():
            found, _by = self._locked(project)
            if found is None:
                raise not_found()
            now = represent_project(metadata_of(found))
            return self._write(project, patched(now, self.sent()))

    @operation(
        "delete_project", "Delete a project", answers="Deletion", parameters=("everything", "dry_run", "if_match")
    )
    def delete(self, request: HttpRequest, project: str) -> HttpResponse:
        """With its APIs and what people allowed. Not while it has clients, unless `everything=true` says so: then with
        those, too, and clients of other projects lose its APIs from their lists. The answer says what went with it."""
        if self.flag("everything"):
            return self._delete_with_everything(project)
        with transaction.atomic():
            found, by = self._deletable(project)
            return deletion.delete(self, found, _obstacles(found, by), lambda: resources.delete_project(found, by))

    def _delete_with_everything(self, project: str) -> HttpResponse:
        """Not in one transaction: many clients go in pieces."""
        with transaction.atomic():
            found, by = self._deletable(project)
        deletes = dict[str, Json](whole_projects.extent(found).counted)
        if in_others := whole_projects.others(found, by).number:
            deletes["clients of other projects that list its APIs"] = in_others
        in_the_way = whole_projects.obstacles(found, by)
        return deletion.delete(self, found, in_the_way, lambda: whole_projects.delete(found, by), deletes)

    def _deletable(self, project: str) -> tuple[Project, Actor]:
        """It, as the request wants it to be, for whoever may delete it."""
        found, by = self._locked(project)
        if found is None:
            raise not_found()
        if not by.owns(found):
            raise refused("forbidden", "Only an owner deletes a project.")
        self.require(represent_project(metadata_of(found)))
        return found, by

    def _locked(self, key: str) -> tuple[Project | None, Actor]:
        """The project if they know of it, and who acts. Nobody else changes it until the transaction ends."""
        by = self.by
        seen = self.seen(key, by)
        if seen is None and not by.may(Right.ADD_PROJECTS):
            raise not_found()
        return Project.objects.select_for_update().filter(pk=seen.pk).first() if seen else None, self.by

    def _write(self, key: str, values: Mapping[str, Json]) -> HttpResponse:
        found, by = self._locked(key)
        before = metadata_of(found) if found else None
        self.require(represent_project(before) if before else None)
        if found is not None and not by.edits(found):
            raise refused("forbidden", "Your role in this project lets you look only.")
        said = said_in(values, document.read_project)
        wanted = document.project(_blank(key, before, said), said)
        with placed(lambda field: document.place_in_project(field, wanted, said)):
            if found is None:
                found = registration.register(wanted, by)
            else:
                registration.change(found, wanted, by)
        return self.made(represent_project(metadata_of(found)), "projects", key, created=before is None)


def _blank(key: str, before: ProjectMetadata | None, said: Mapping[str, object]) -> ProjectMetadata:
    """What a replacement begins with."""
    if before is None:
        return ProjectMetadata(id=key)
    return replace(
        ProjectMetadata(id=key, tokens_not_before=before.tokens_not_before),
        members=() if "members" in said else before.members,
        consent_screen=Screen() if "consent_screen" in said else before.consent_screen,
    )


def _obstacles(found: Project, by: Actor) -> list[str]:
    sentences = resources.project_obstacles(found, by)
    ids = list(found.clients.order_by("client_id").values_list("client_id", flat=True)[: resources.SHOWN])
    return [*sentences, *(f"It has the client {client_id}. Delete it first." for client_id in ids)]
