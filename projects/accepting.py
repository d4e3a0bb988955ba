"""Accepting an invitation: by the link that its mail brought, once, as the person it is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.db import models, transaction
from django.http import HttpRequest

from accounts import newcomers
from accounts.models import User
from accounts.newcomers import Passkey
from projects import invited_to, membership
from projects.actors import Actor
from projects.choices import Role
from projects.events import acting, record
from projects.invitation import Invitation
from projects.inviting import digest_of, still_holds
from projects.models import Member

RANK = ("", Role.VIEWER, Role.EDITOR, Role.OWNER)


class Over(Exception):
    """It was accepted or taken back meanwhile, it is too old, or who invited may not invite any more."""


class AnothersAddress(Exception):
    """The address belongs to another account: only its person accepts."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Who came, and to which project: its row, or None."""

    user: User
    project: int | None
    passkey: Authenticator | None = None


def of_link(token: str) -> Invitation | None:
    return of_digest(digest_of(token))


def of_digest(digest: str) -> Invitation | None:
    """The invitation, while it holds."""
    found = _rows().filter(digest=digest).first()
    return found if found is not None and still_holds(found) else None


def accept(request: HttpRequest, digest: str, user: User) -> Joined:
    """By somebody who is signed in. Raises Over and AnothersAddress."""

    def person(row: Invitation) -> Joined:
        owner = newcomers.owner_of(row.email)
        if owner is not None and owner.pk != user.pk:
            raise AnothersAddress
        if owner is not None:
            newcomers.verify(request, user, row.email)
        return Joined(user, row.project_id)

    return _accept(digest, person)


def begin(request: HttpRequest, digest: str, user: User, passkey: Passkey | None = None) -> Joined:
    """By somebody who makes the account with it. Raises Over, AnothersAddress and IntegrityError."""

    def person(row: Invitation) -> Joined:
        if newcomers.owner_of(row.email) is not None or user.email != row.email:
            raise AnothersAddress
        return Joined(user, row.project_id, newcomers.save(request, user, passkey))

    return _accept(digest, person)


def _accept(digest: str, person: Callable[[Invitation], Joined]) -> Joined:
    with transaction.atomic():
        row = _rows().select_for_update(of=("self",)).filter(digest=digest).first()
        if row is None or not still_holds(row):
            raise Over
        joined = person(row)
        by = Actor.person(joined.user)
        with acting(by):
            _join(row, joined.user, by)
            invited_to.give(row, joined.user, by)
            if row.console and row.project is not None:
                membership.let_into_console(joined.user, row.project, by, invitation=str(row.pk))
            where = {"project": row.project.key} if row.project else {}
            inviter = row.inviter.sub if row.inviter else ""
            record(by, "invitation.accepted", invitation=str(row.pk), role=row.role, inviter=inviter, **where)
            row.delete()
    return joined


def _join(row: Invitation, user: User, by: Actor) -> None:
    """A member who has a greater role already keeps it."""
    if row.project is None or not row.role:
        return
    member = Member.objects.filter(project=row.project, user=user).first()
    kind = "member.changed" if member else "member.added"
    member = member or Member(project=row.project, user=user, role="")
    if RANK.index(member.role) >= RANK.index(row.role):
        return
    member.role = row.role
    member.save()
    record(by, kind, project=row.project.key, member=user.sub, role=row.role, invitation=str(row.pk))


def _rows() -> models.QuerySet[Invitation]:
    return Invitation.objects.select_related("project", "inviter")
