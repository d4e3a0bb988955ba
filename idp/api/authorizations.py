"""What apps may do in people's names: of one person for superusers, and of a project's apps for its members."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from clients.models import Authorization
from common.json_type import Json
from idp.api import pages
from idp.api.described import PAGE, operation
from idp.api.people import OfPerson
from idp.api.problems import not_found
from idp.api.provider_wide import ProviderWide
from idp.api.resource import Resource, identifier_of, storable
from projects.actors import Actor
from projects.json_shape import as_json
from projects.models import Project
from projects.sectors import told_moment, told_sub
from provider import living, revocation
from provider.store import live


class OfPersonList(OfPerson):
    @operation(
        "list_authorizations_of_user",
        "List what apps may do in a person's name",
        answers="AuthorizationPage",
        parameters=PAGE,
    )
    def get(self, request: HttpRequest, sub: str) -> HttpResponse:
        """What is not over, of guest apps as well."""
        return self.listed(_of(self.person(sub)), "pk", represent)


class OneOfPerson(OfPerson):
    @operation("delete_authorization_of_user", "End what an app may do in a person's name", status=204)
    def delete(self, request: HttpRequest, sub: str, authorization: str) -> HttpResponse:
        """Every code and token of it stops working, and no consent gives it again unasked."""
        with transaction.atomic():
            _end(_of(self.person(sub)), authorization, self.by)
        return HttpResponse(status=204)


class OfProjectList(Resource):
    tag = "authorizations"

    @operation(
        "list_authorizations",
        "List what apps of a project may do in people's names",
        answers="AuthorizationPage",
        parameters=(*PAGE, "client_id"),
    )
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """What is not over. People are named by the `sub` that the project knows: managing an app does not reveal who
        uses it."""
        rows = _at(self.project(project))
        client_id = pages.parameter(request, "client_id")
        if client_id is not None:
            rows = rows.filter(client__client_id=client_id) if storable(client_id) else rows.none()
        return self.listed(rows, "pk", as_told)


class OneOfProject(Resource):
    tag = "authorizations"
    fresh_within = ProviderWide.fresh_within

    @operation("delete_authorization", "End what an app may do in a person's name", status=204)
    def delete(self, request: HttpRequest, project: str, authorization: str) -> HttpResponse:
        """Every code and token of it stops working, and no consent gives it again unasked. For owners and editors."""
        with transaction.atomic():
            by = self.by
            _end(_at(self.editable(project, by)), authorization, by)
        return HttpResponse(status=204)


def _of(person: User) -> QuerySet[Authorization]:
    """Not those of a deleted client, which wait to be cleared."""
    return _whole().filter(user=person, client__client_id__isnull=False)


def _at(project: Project) -> QuerySet[Authorization]:
    """Of guests, too, that it let in. Not those of a deleted person or client, which wait to be cleared."""
    of_it = living.of_projects(Project.objects.filter(pk=project.pk))
    return _whole().filter(of_it, user__sub__isnull=False, client__client_id__isnull=False)


def _whole() -> QuerySet[Authorization]:
    return Authorization.objects.filter(live.may_live()).select_related("client__project", "project", "user")


def _end(rows: QuerySet[Authorization], which: str, by: Actor) -> None:
    if not revocation.end_by(rows.filter(pk=identifier_of(which)), by):
        raise not_found()


def represent(rows: Sequence[Authorization]) -> list[dict[str, Json]]:
    return [_one(row) for row in rows]


def as_told(rows: Sequence[Authorization]) -> list[dict[str, Json]]:
    """The same with people as the project of each knows them."""
    sectors = [row.project or row.client.home for row in rows]
    return [{**_one(row), **_told(row, sector)} for row, sector in zip(rows, sectors, strict=True)]


def _told(row: Authorization, sector: Project) -> dict[str, Json]:
    """One sign-in is of several authorizations."""
    return {
        "sub": told_sub(row.user.sub, sector),
        "auth_time": as_json(told_moment(row.auth_time, sector)),
    }


def _one(row: Authorization) -> dict[str, Json]:
    project = row.client.project or row.project
    return {
        "id": str(row.pk),
        "sub": row.user.sub,
        "client_id": row.client.client_id,
        "project": project.key if project else None,
        "scopes": as_json(row.scopes),
        "audiences": as_json(row.audiences),
        "offline": row.offline,
        "auth_time": as_json(row.auth_time),
        "acr": row.acr,
        "amr": as_json(row.amr),
        "created_at": as_json(row.created_at),
        "renewed_at": as_json(row.rotated_at),
        "ends_at": as_json(living.ends_at(row)),
    }
