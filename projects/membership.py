"""Who manages a project, one at a time: by one name or address somebody is added, or invited.

An address is answered alike whether or not anybody here has it: a mail goes there, and whoever reads it joins. Only
superusers, who see everybody anyway, add the person whose verified address it is.
"""

from __future__ import annotations

from dataclasses import replace

from allauth.account.models import EmailAddress
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import normalization, notices
from accounts.models import User
from projects import inviting, registration
from projects.actors import Actor, Right
from projects.choices import Role
from projects.events import Detail, acting, record
from projects.invitation import Invitation
from projects.inviting import Wanted
from projects.metadata import Membership
from projects.models import Member, Project
from projects.problems import Problem, require

MAIL = "projects/email/member_added"


def add(who: str, role: str, project: Project, by: Actor, *, console: bool = False) -> Member | Invitation:
    """A member, whom a mail tells so; or an invitation. `who`: an exact user name, or an address.

    Raises RegistrationError, with problems of `who`, `role` and `console`; and ProofTooOld.
    """
    if "@" in who and (person := _known_by_address(who, by)) is None:
        return inviting.invite(Wanted(email=who, role=role, console=console), project, by)
    name = person.username if "@" in who and person else normalization.user_name(who)
    with acting(by), transaction.atomic():
        found = registration.locked(project.key) or project
        before = registration.metadata_of(found)
        require(_problems(name, role, before.members, by, console=console))
        registration.change(found, replace(before, members=(*before.members, Membership(name, role))), by)
        member = Member.objects.select_related("user").get(project=found, user__username=name)
        if console:
            let_into_console(member.user, found, by)
        _tell(member, by)
    return member


def _known_by_address(address: str, by: Actor) -> User | None:
    if not by.may(Right.INVITE_ANYBODY):
        return None
    rows = EmailAddress.objects.filter(email=normalization.mail_address(address), verified=True, user__is_active=True)
    found = rows.select_related("user").first()
    return found.user if found else None


def _problems(name: str, role: str, members: tuple[Membership, ...], by: Actor, *, console: bool) -> list[Problem]:
    found = list(inviting.console_problems(role, by, console=console))
    if any(one.username == name for one in members):
        found.append(Problem("who", _("This person is a member already. Change the role there.")))
        return found
    named = registration.member_problems([Membership(name, role)])
    return [*found, *(replace(one, field=_field(one.field)) for one in named)]


def _field(path: str) -> str:
    return "who" if path.endswith("username") else path.rpartition(".")[2]


def change(member: Member, role: str, by: Actor) -> bool:
    """Another role; empty: none any more. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        found = registration.locked(member.project.key) or member.project
        before = registration.metadata_of(found)
        name = member.user.username
        others = tuple(one for one in before.members if one.username != name)
        wanted = tuple(replace(one, role=role) if one.username == name else one for one in before.members)
        return bool(registration.change(found, replace(before, members=wanted if role else others), by))


def let_into_console(user: User, project: Project, by: Actor, **detail: Detail) -> bool:
    """Staff status, which opens no project by itself. The rights were asked before, of whoever gives or invited."""
    if user.is_staff:
        return False
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    record(by, "person.let_in", person=user.sub, project=project.key, **detail)
    return True


def let_in(member: Member, by: Actor) -> bool:
    """The same, of somebody who is a member. Raises RegistrationError and ProofTooOld."""
    with acting(by), transaction.atomic():
        require(inviting.console_problems(member.role, by, console=True))
        done = let_into_console(member.user, member.project, by)
        if done:
            _tell(member, by)
    return done


def _tell(member: Member, by: Actor) -> None:
    """Whoever is added hears of it, but from themselves."""
    if by.sub == member.user.sub or not member.user.email:
        return
    page = "admin:index" if member.user.is_staff else "home"
    inviter = User.objects.filter(sub=by.sub).first() if by.sub else None
    said: dict[str, object] = {
        "inviter": inviting.name_of(inviter),
        "place": member.project.name,
        "role": str(Role(member.role).label),
        "console": member.user.is_staff,
        "link": reverse(page),
    }
    notices.tell(member.user, MAIL, said, by_others=True)


def is_only_owner(member: Member) -> bool:
    others = Member.objects.filter(project=member.project_id, role=Role.OWNER, user__is_active=True)
    return member.role == Role.OWNER and not others.exclude(pk=member.pk).exists()
