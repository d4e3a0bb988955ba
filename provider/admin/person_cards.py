"""What the page of a person shows. However much there is of it, it is read in the same number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import provisioning, reset_mails, sign_in
from accounts.browsers import describe
from accounts.models import GroupMember, User
from projects.apis import project_facts
from projects.models import ApiScope, Member, Project, RoleGrant
from projects.scopes import ADMIN_SCOPES, SIGN_IN_SCOPES
from projects.sectors import PAIRWISE, told_sub
from projects.upstream.linked import accounts_of
from projects.upstream.models import Connector
from provider import access, guest_access
from provider.access import Access
from provider.endpoints import permission_words
from provider.endpoints.told_words import words_of
from provider.guest_access import GuestAccess

MOST = 50  # of each kind
FIRST = 20  # apps that are shown before one asks for all
MOST_WORDS = 12  # permissions of one app that are named


@dataclass(frozen=True)
class App:
    """A project whose apps may do something in this person's name, or a guest app that one let in."""

    name: str
    project: Project
    permissions: int
    words: list[str]
    apps: list[str]
    last_used: datetime | None
    ends_at: datetime | None
    first_party: bool
    told: str  # what it knows the person by; empty: the `sub` that is their own
    remove_url: str
    guest: bool = False


@dataclass(frozen=True)
class Browser:
    name: str
    address: str
    seen_at: datetime
    since: datetime
    two_steps: bool
    came_by: str
    here: bool
    url: str


@dataclass(frozen=True)
class Security:
    password: bool
    authenticator: bool
    passkeys: int
    codes_left: int
    codes: int
    second_steps: bool
    reset_mail: bool


@dataclass(frozen=True)
class Belonging:
    """`projects`: whose console pages they see; `roles`: what the apps of a project are told."""

    projects: list[tuple[Project, str]]
    groups: list[tuple[str, str]]  # with what manages the membership
    roles: list[tuple[Project, list[str]]]
    connections: list[tuple[str, datetime]]
    directory: str


def url_of(person: User, act: str, of: str = "") -> str:
    """Of the question before it is done."""
    query = {"of": of} if of else None
    return reverse("admin:accounts_user_person_act", args=[person.pk, act], query=query)


def apps_of(person: User, *, everything: bool = False) -> tuple[list[App], int]:
    """The one used last first; and how many there are."""
    each: list[Access | GuestAccess] = [*access.list_access(person), *guest_access.list_guests(person)]
    each.sort(key=lambda one: one.last_used or one.since, reverse=True)
    first = each if everything else each[:FIRST]
    said = _in_words([one for one in first if isinstance(one, Access)])
    apps = [
        _app(person, one, said[one.project.pk]) if isinstance(one, Access) else _guest(person, one) for one in first
    ]
    return apps, len(each)


def _app(person: User, one: Access, words: list[str]) -> App:
    return App(
        name=permission_words.app_name(one.project),
        project=one.project,
        permissions=len(words),
        words=words[:MOST_WORDS],
        apps=[str(use.client) for use in one.uses[:MOST_WORDS]],
        last_used=one.last_used,
        ends_at=one.ends_at,
        first_party=one.first_party,
        told=_told(person, one.project),
        remove_url=url_of(person, "remove", one.project.key),
    )


def _guest(person: User, one: GuestAccess) -> App:
    return App(
        name=", ".join(one.places),
        project=one.project,
        permissions=len(one.held.scopes),
        words=[*one.held.scopes[:MOST_WORDS]],
        apps=[],
        last_used=one.last_used,
        ends_at=one.ends_at,
        first_party=False,
        told=_told(person, one.project),
        remove_url=url_of(person, "remove-guest", f"{one.client.pk}/{one.project.key}"),
        guest=True,
    )


def _told(person: User, project: Project) -> str:
    return told_sub(person.sub, project) if project.subject_type == PAIRWISE else ""


def _in_words(found: Sequence[Access]) -> dict[int, list[str]]:
    """What each project may do, as people read it when they are asked."""
    wanted = {scope for one in found for scope in one.held.scopes if scope not in SIGN_IN_SCOPES}
    audiences = {audience for one in found for audience in one.held.audiences}
    near = Q(api__project__in=[one.project for one in found]) | Q(api__identifier__in=audiences)
    rows = ApiScope.objects.filter(near, name__in=wanted).order_by("name", "api__identifier")
    said = [*rows.values_list("api__project", "api__identifier", "name", "description")]
    return {one.project.pk: [*_words(one, said)] for one in found}


def _words(one: Access, said: Iterable[tuple[int, str, str, str]]) -> Iterator[str]:
    yield from words_of(one.held.scopes, project_facts(one.project)).values()
    mine = [row for row in said if row[0] == one.project.pk or row[1] in one.held.audiences]
    for scope in one.held.scopes:
        if scope in ADMIN_SCOPES:
            yield _(ADMIN_SCOPES[scope].words)
        elif scope not in SIGN_IN_SCOPES:
            described = dict.fromkeys(row[3] for row in mine if row[2] == scope and row[3])
            yield "; ".join(described) or scope


def browsers_of(person: User, own_sid: str) -> list[Browser]:
    """Those that go on, the one used last first. `own_sid`: of the browser that looks."""
    rows = list(sign_in.live(person)[:MOST])
    names = dict(Connector.objects.filter(key__in={row.connector for row in rows}).values_list("key", "name"))
    return [
        Browser(
            name=describe(row.user_agent),
            address=row.address,
            seen_at=row.seen_at,
            since=row.auth_time,
            two_steps=sign_in.satisfies(row.acr, "aal2"),
            came_by=names.get(row.connector, row.connector),
            here=str(row.sid) == own_sid,
            url=url_of(person, "sign-out", str(row.sid)),
        )
        for row in rows
    ]


def security_of(person: User) -> Security:
    rows = list(Authenticator.objects.filter(user=person))
    codes = next((one.wrap() for one in rows if one.type == Authenticator.Type.RECOVERY_CODES), None)
    return Security(
        password=person.has_usable_password(),
        authenticator=any(one.type == Authenticator.Type.TOTP for one in rows),
        passkeys=sum(one.type == Authenticator.Type.WEBAUTHN for one in rows),
        codes_left=len(codes.get_unused_codes()) if codes else 0,
        codes=app_settings.RECOVERY_CODE_COUNT,
        second_steps=bool(rows),
        reset_mail=person.is_active and bool(person.email) and reset_mails.can_be_sent(person),
    )


def belonging_of(person: User) -> Belonging:
    members = Member.objects.filter(user=person).select_related("project").order_by("project__name", "project__key")
    belongs = GroupMember.objects.filter(user=person).select_related("group").order_by("group__name", "source")
    held = Q(user=person) | Q(group__members__user=person)
    grants = RoleGrant.objects.filter(held).select_related("role__project")
    roles = sorted({grant.role for grant in grants}, key=lambda one: (one.project.name, one.project.pk, one.name))
    links = list(accounts_of(person)[:MOST])
    names: Mapping[str, str] = dict(
        Connector.objects.filter(key__in={one.provider for one in links}).values_list("key", "name")
    )
    return Belonging(
        projects=[(one.project, one.get_role_display()) for one in members[:MOST]],
        groups=[(one.group.name, one.source) for one in belongs[:MOST]],
        roles=[
            (project, [role.name for role in its]) for project, its in groupby(roles[:MOST], lambda one: one.project)
        ],
        connections=[(names.get(one.provider, one.provider), one.date_joined) for one in links],
        directory=provisioning.source_of(person),
    )
