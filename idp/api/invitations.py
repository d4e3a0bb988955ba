"""Invitations: of a project for its owners and editors, all of them for superusers and machines of every project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from common.json_type import Json
from idp.api import repeats
from idp.api.described import PAGE, operation
from idp.api.documents import said_in
from idp.api.problems import not_found, refused
from idp.api.provider_wide import ProviderWide
from idp.api.resource import Resource, identifier_of, storable, url_of
from projects import inviting
from projects.choices import Role
from projects.invitation import Invitation
from projects.inviting import Wanted
from projects.json_shape import Members, Spot, as_json, choice, flag, read_members, text, texts
from projects.models import Project
from projects.problems import Problem, require
from projects.sectors import told_sub

MAKES = """A mail with a link goes to the address, and nothing that is answered says whether it has an account.
Whoever is invited again gets another mail, and the link of before is dead."""
TO_PROJECT: Members = {
    "email": text,
    "role": choice(["", *Role.values]),
    "roles": texts,
    "groups": texts,
    "console": flag,
}
TO_ANYTHING: Members = {**TO_PROJECT, "project": text}


class InvitationList(ProviderWide):
    tag = "invitations"

    @operation("list_invitations", "List invitations", answers="InvitationPage", parameters=PAGE)
    def get(self, request: HttpRequest) -> HttpResponse:
        """To every project, and to this provider alone. Who accepted or was told no is not in it any more."""
        self.refuse_others()
        return self.listed(_rows(), "pk", represent)

    @operation(
        "create_invitation",
        "Invite somebody",
        answers="Invitation",
        status=201,
        sends="InvitationWanted",
        parameters=("idempotency_key",),
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        self.refuse_others()
        return self.once(self._make, allow=self.refuse_others)

    def _make(self) -> HttpResponse:
        said = said_in(self.sent(), _read_any)
        key = str(said.pop("project", ""))
        project = self.seen(key, self.by) if key else None
        if key and project is None:
            require([Problem("project", "There is no project with this id.")])
        made = inviting.invite(_wanted(said), project, self.by)
        return self.made(represent([made])[0], "invitations", str(made.pk))


class OneInvitation(ProviderWide):
    tag = "invitations"

    @operation("get_invitation", "Get an invitation", answers="Invitation")
    def get(self, request: HttpRequest, invitation: str) -> HttpResponse:
        self.refuse_others(hidden=True)
        return self.shown(represent([_found(_rows(), invitation)])[0])

    @operation("delete_invitation", "Take back an invitation", status=204, parameters=("if_match",))
    def delete(self, request: HttpRequest, invitation: str) -> HttpResponse:
        """Its link is dead."""
        self.refuse_others(hidden=True)
        return _take_back(self, _rows(), invitation)


class OfProject(Resource):
    tag = "invitations"

    def rows(self, key: str) -> tuple[Project, QuerySet[Invitation]]:
        project = self.editable(key, self.by)
        return project, _rows().filter(project=project)


class ProjectInvitationList(OfProject):
    @operation(
        "list_project_invitations", "List who is invited to a project", answers="InvitationPage", parameters=PAGE
    )
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """For owners and editors. Who accepted is not in it any more."""
        return self.listed(self.rows(project)[1], "pk", represent)

    @operation(
        "create_project_invitation",
        "Invite somebody to a project",
        answers="Invitation",
        status=201,
        sends="ProjectInvitationWanted",
        parameters=("idempotency_key",),
    )
    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        def allow() -> Project:
            found = self.editable(project, self.by)
            if not inviting.may_invite(self.by, found):
                raise refused("forbidden", "Only superusers invite people here.")
            return found

        found = allow()
        return self.once(lambda: self._make(found), allow=allow)

    def _make(self, project: Project) -> HttpResponse:
        made = inviting.invite(_wanted(said_in(self.sent(), _read)), project, self.by)
        return self.made(represent([made])[0], "projects", project.key, "invitations", str(made.pk))


class OneProjectInvitation(OfProject):
    @operation("get_project_invitation", "Get an invitation to a project", answers="Invitation")
    def get(self, request: HttpRequest, project: str, invitation: str) -> HttpResponse:
        return self.shown(represent([_found(self.rows(project)[1], invitation)])[0])

    @operation(
        "delete_project_invitation", "Take back an invitation to a project", status=204, parameters=("if_match",)
    )
    def delete(self, request: HttpRequest, project: str, invitation: str) -> HttpResponse:
        """Its link is dead."""
        return _take_back(self, self.rows(project)[1], invitation)


ProjectInvitationList.post.__doc__ = InvitationList.post.__doc__ = MAKES


def _rows() -> QuerySet[Invitation]:
    return Invitation.objects.select_related("project", "inviter").prefetch_related("roles", "groups")


def _found(rows: QuerySet[Invitation], number: str) -> Invitation:
    found = rows.filter(pk=identifier_of(number)).first() if storable(number) else None
    if found is None:
        raise not_found()
    return found


def _take_back(resource: Resource, rows: QuerySet[Invitation], number: str) -> HttpResponse:
    with transaction.atomic():
        found = _found(rows.select_for_update(of=("self",)), number)
        resource.require(represent([found])[0])
        inviting.take_back(found, resource.by)
    return HttpResponse(status=204)


@receiver(post_delete, sender=Invitation, dispatch_uid="api.answers_of_invitation")
def _forget(instance: Invitation, **_signal: object) -> None:
    """Accepted, taken back, or gone with whoever invited: whose address it was is in no answer any more."""
    steps = ("invitations", str(instance.pk))
    keys = Project.objects.filter(pk=instance.project_id or 0).values_list("key", flat=True)
    repeats.forget(url_of(*steps), *(url_of("projects", key, *steps) for key in keys))


def _read(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(TO_PROJECT, spot, needed=["email"]), spot.found


def _read_any(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(TO_ANYTHING, spot, needed=["email"]), spot.found


def _wanted(said: Mapping[str, object]) -> Wanted:
    return Wanted(**{"email": "", **said})  # type: ignore[arg-type]  # readers answer what the fields hold


def represent(rows: Sequence[Invitation]) -> list[dict[str, Json]]:
    return [
        {
            "id": str(one.pk),
            "email": one.email,
            "project": one.project.key if one.project else None,
            "role": str(one.role),
            "roles": [role.name for role in one.roles.all()],
            "groups": sorted(group.name for group in one.groups.all()),
            "console": one.console,
            "inviter": _inviter(one),
            "created_at": as_json(one.created_at),
            "sent_at": as_json(one.sent_at),
            "expires_at": as_json(one.expires_at),
        }
        for one in rows
    ]


def _inviter(one: Invitation) -> str | None:
    """As the project knows them that it invites to."""
    if one.inviter is None or one.project is None:
        return one.inviter.sub if one.inviter else None
    return told_sub(one.inviter.sub, one.project)
