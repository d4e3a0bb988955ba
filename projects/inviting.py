"""Inviting people by mail: who may invite whom to what, how often, and what the mail says.

Whoever invites hears the same, after the same work, whether or not the address has an account: the mail and the page
behind its link are alike for both, and only its reader learns which.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from accounts import letters, normalization
from accounts.models import SignIn, User
from common import clock, counters
from common.counters import Limit
from projects import invited_to
from projects.access import Roles
from projects.actors import Actor, Right
from projects.choices import Role
from projects.events import Detail, acting, record
from projects.invitation import Invitation
from projects.models import Project
from projects.problems import Problem, require
from projects.scopes import WRITE

TEMPLATE = "projects/email/invitation"
HOUR, DAY = 3600, 86_400
OF_ADDRESS = Limit("invited-address", 5, DAY)  # mails to one address, whoever invites it
OF_INVITER = Limit("inviter", 100, HOUR)  # mails of one member or program
MOST_PENDING = 500  # of one project
MAX_SHOWN = 60  # characters of a name that people chose themselves
MEMBERS = "members"  # who may invite (IDP_INVITATIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whom to invite, and as what."""

    email: str
    role: str = ""
    roles: tuple[str, ...] = ()  # in the apps of the project, by name
    groups: tuple[str, ...] = ()
    console: bool = False  # whoever accepts may enter the console

    @property
    def address(self) -> str:
        return normalization.mail_address(self.email)


# --- Rules ---------------------------------------------------------------------------------------------------------


def members_may() -> bool:
    """Whether members of projects invite, or superusers alone."""
    return bool(settings.IDP_INVITATIONS == MEMBERS)


def may_invite(by: Actor, project: Project | None) -> bool:
    """Superusers to anything; owners and editors to their project, unless that is switched off."""
    if by.may(Right.INVITE_ANYBODY):
        return True
    return project is not None and by.edits(project) and members_may()


def may_give(by: Actor, project: Project | None, role: str) -> bool:
    """No role beyond their own."""
    if not role:
        return True
    return project is not None and (by.owns(project) if role == Role.OWNER else by.edits(project))


def still_holds(invitation: Invitation) -> bool:
    """An invitation is as good as whoever made it: who may not invite any more lets nobody in."""
    if invitation.expires_at <= clock.now():
        return False
    if invitation.inviter is not None:
        by = Actor.person(invitation.inviter, Roles.of(invitation.inviter))
    elif invitation.program:
        by = Actor.machine(invitation.program, _roles_of(invitation.program))
    else:
        return True  # a command
    may = may_invite(by, invitation.project) and may_give(by, invitation.project, invitation.role)
    may = may and (by.may(Right.LET_INTO_CONSOLE) or not invitation.console)
    return may and invited_to.still_may(by, invitation)


def _roles_of(program: str) -> Roles:
    """Of a client that may still change what it was given; of any other, none. Clients are of a layer above."""
    rows = apps.get_model("clients", "Client")._default_manager.filter(client_id=program, enabled=True)
    found = [*rows.values_list("scope", "administers_all", "administers")]
    given = [(everything, project) for scope, everything, project in found if WRITE in str(scope).split()]
    if any(everything for everything, _project in given):
        return Roles(is_superuser=True, by_project={})
    owned = {project: Role.OWNER.value for _everything, project in given if project is not None}
    return Roles(is_superuser=False, by_project=owned)


def problems(wanted: Wanted, project: Project | None, by: Actor) -> list[Problem]:
    return list(_rights(wanted, project, by)) or [*_own(wanted), *_limits(wanted, project, by)]


def _rights(wanted: Wanted, project: Project | None, by: Actor) -> Iterator[Problem]:
    if not may_invite(by, project):
        yield Problem("project", _("You may not invite people to this."))
    elif wanted.role and project is None:
        yield Problem("role", _("A role is in a project: name one."))
    elif not may_give(by, project, wanted.role):
        yield Problem("role", _("Only an owner of the project invites owners."))
    else:
        yield from console_problems(wanted.role, by, console=wanted.console)
        yield from invited_to.problems(wanted.roles, wanted.groups, project, by)


def console_problems(role: str, by: Actor, *, console: bool) -> Iterator[Problem]:
    """Whether somebody may be let into the console with this. Raises ProofTooOld."""
    if not console:
        return
    by.ask_for_proof(Right.LET_INTO_CONSOLE)
    if not by.may(Right.LET_INTO_CONSOLE):
        yield Problem("console", _("Only a superuser lets people into the console."))
    elif not role:
        yield Problem("console", _("Who manages nothing finds nothing in the console: choose a role."))


def _own(wanted: Wanted) -> Iterator[Problem]:
    try:
        Invitation(email=wanted.email, role=wanted.role).clean_fields(exclude=["digest", "expires_at"])
    except ValidationError as error:
        yield from (Problem(name, one) for name, messages in error.message_dict.items() for one in messages)


def _limits(wanted: Wanted, project: Project | None, by: Actor) -> Iterator[Problem]:
    if counters.is_reached(OF_ADDRESS, wanted.address):
        yield Problem(
            "email", _("This address got as many invitations today as it may. Try again tomorrow."), "too_many"
        )
    if by.may(Right.EXCEED_QUOTAS):
        return
    if counters.is_reached(OF_INVITER, by.sub or by.name):
        yield Problem("email", _("You sent as many invitations this hour as you may. Try again later."), "too_many")
    others = Invitation.objects.filter(project=project).exclude(email=wanted.address)
    if others.count() >= MOST_PENDING:
        yield Problem("email", _("So many people have not answered yet that no more can be invited."), "too_many")


# --- Writing -------------------------------------------------------------------------------------------------------


def invite(wanted: Wanted, project: Project | None, by: Actor) -> Invitation:
    """Send it; to whom it was sent before, anew, and the link of before is dead. Raises RegistrationError."""
    token = secrets.token_urlsafe(32)
    with acting(by), transaction.atomic():
        require(problems(wanted, project, by))
        counters.count(OF_ADDRESS, wanted.address)
        counters.count(OF_INVITER, by.sub or by.name)
        rows = Invitation.objects.select_for_update()
        row = rows.filter(project=project, email=wanted.address).first()
        anew = row is not None
        row = row or Invitation(project=project, email=wanted.address)
        row.digest, row.role, row.sent_at = digest_of(token), wanted.role, clock.now()
        row.console = wanted.console
        row.expires_at = row.sent_at + timedelta(days=settings.IDP_INVITATION_DAYS)
        row.inviter = User.objects.filter(sub=by.sub).first() if by.sub else None
        row.program = "" if by.sub else by.through
        row.save()
        row.roles.set(invited_to.found_roles(wanted.roles, project).values())
        row.groups.set(invited_to.found_groups(wanted.groups).values())
        _tell(by, "invitation.sent_again" if anew else "invitation.made", row)
        transaction.on_commit(lambda: _send(row, token))
    return row


def send_anew(row: Invitation, by: Actor) -> Invitation:
    brings = {name: tuple(names) for name, names in invited_to.names_of(row).items()}
    return invite(Wanted(email=row.email, role=row.role, console=row.console, **brings), row.project, by)


def take_back(row: Invitation, by: Actor) -> None:
    """Its link is dead. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        if not may_invite(by, row.project):
            require([Problem("project", _("You may not invite people to this."))])
        _tell(by, "invitation.taken_back", row)
        row.delete()


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _tell(by: Actor, kind: str, row: Invitation) -> None:
    """By its id: an event holds no address."""
    brings: dict[str, Detail] = {name: names for name, names in invited_to.names_of(row).items() if names}
    where: dict[str, Detail] = {"project": row.project.key} if row.project else {}
    if row.console:
        where["console"] = True
    record(by, kind, invitation=str(row.pk), role=row.role, **{**where, **brings})


# --- The mail ------------------------------------------------------------------------------------------------------


def _send(row: Invitation, token: str) -> None:
    rows = SignIn.objects.filter(user__email=row.email).exclude(language="").order_by("-created_at")
    language = rows.values_list("language", flat=True).first() or get_language()
    with override(language):
        letter = letters.write(TEMPLATE, said_of(row, letters.at_issuer(reverse("invitation_link", args=[token]))))
        letter.to(row.email).send()


def said_of(row: Invitation, link: str) -> dict[str, object]:
    """What the mail and the page behind its link say."""
    names = invited_to.names_of(row)
    return {
        "inviter": inviter_of(row),
        "inviter_name": row.inviter.get_username() if row.inviter else "",
        "place": place_of(row),
        "in_project": row.project is not None,
        "role": ", ".join(
            filter(None, [_managing(row), *names["roles"], _("may enter the console") if row.console else ""])
        ),
        "groups": ", ".join(names["groups"]),
        "email": row.email,
        "link": link,
        "until": letters.moment(row.expires_at),
    }


def _managing(row: Invitation) -> str:
    return str(Role(row.role).label) if row.role else ""


def inviter_of(row: Invitation) -> str:
    return name_of(row.inviter)


def name_of(inviter: User | None) -> str:
    """A person, or those who run this provider."""
    if inviter is None:
        return str(settings.IDP_NAME)
    return Truncator(inviter.get_full_name() or inviter.get_username()).chars(MAX_SHOWN)


def place_of(row: Invitation) -> str:
    return row.project.name if row.project is not None else str(settings.IDP_NAME)
