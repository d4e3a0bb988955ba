"""A full installation for `tests.benchmarks.pages`: 2,000 apps in 50 projects, 5,000 people, 100,000 of what happens.

Everything is numbered, so that any two of them are filled alike. The first project has a fifth of the apps, everybody
uses its first app, and the first person uses an app of every project.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model

from accounts.models import AccountEvent, AccountEventKind, Group, GroupMember, SignIn, User
from clients.models import (
    AccessToken,
    AudienceEntry,
    Authorization,
    Client,
    LogoutNotice,
    ProjectTally,
    RefusedRequest,
    SecurityEvent,
    Tally,
)
from common import clock
from projects.models import Api, ApiScope, Consent, ConsentScreen, Member, Project
from provider.keys import keyring

DAYS = 30


@dataclass(frozen=True, slots=True)
class Size:
    projects: int = 50
    apps: int = 2_000
    people: int = 5_000
    each: int = 100_000  # sign-ins, authorizations, tokens, events of either kind

    @property
    def first(self) -> int:
        """Apps of the first project."""
        return self.apps // 5

    def ago(self, number: int) -> datetime:
        """Spread over the days, the newest first."""
        return clock.now() - timedelta(seconds=number * DAYS * 86_400 / self.each)


AT_ONCE = 5_000  # rows that are made before they are written
SCOPES = ["openid", "profile", "email", "read-0", "write-0"]
GRANTS = ("authorization_code", "client_credentials")
Row = TypeVar("Row", bound=Model)


def fill(size: Size) -> None:
    """An empty database."""
    keyring.ensure_keys()
    written = ((Consent, "created_at"), (AccessToken, "created"), (AccountEvent, "at"), (SecurityEvent, "at"))
    with transaction.atomic():
        _people(size)
        _projects(size)
        _apps(size)
        with as_given(*written):
            _sign_ins(size)
            _authorizations(size)
            _happened(size)
        _tallies(size)


def _write(rows: Iterator[Row]) -> None:
    while some := list(islice(rows, AT_ONCE)):
        type(some[0])._default_manager.bulk_create(some, batch_size=500)


@contextmanager
def as_given(*models: tuple[type[Model], str]) -> Iterator[None]:
    """Columns that say when their row was written: here that is long ago."""
    columns = [model._meta.get_field(name) for model, name in models]
    for one in columns:
        vars(one)["auto_now_add"] = False
    try:
        yield
    finally:
        for one in columns:
            vars(one)["auto_now_add"] = True


def _people(size: Size) -> None:
    User.objects.create_superuser("root", "root@people.example", None)
    User.objects.create(username="member", email="member@people.example", is_staff=True)
    _write(
        User(
            username=f"user{n:04}",
            email=f"user{n:04}@people.example",
            first_name=f"Given {n:04}",
            last_name="Of the family",
            is_active=n % 50 > 0 or n == 0,
        )
        for n in range(size.people)
    )
    groups = Group.objects.bulk_create(Group(name=f"Group {n:02}") for n in range(20))
    _write(GroupMember(group=groups[n % 20], user_id=key) for n, key in enumerate(_keys(User)))


def _keys(model: type[Model]) -> list[int]:
    return list(model._default_manager.order_by("pk").values_list("pk", flat=True))


def _projects(size: Size) -> None:
    _write(Project(key=f"project-{n:02}", name=f"Project {n:02}") for n in range(size.projects))
    projects = list(Project.objects.order_by("key"))
    _write(ConsentScreen(project=one, app_name=one.name) for one in projects)
    member, people = User.objects.get(username="member"), _keys(User)[2:]
    _write(Member(project=one, user=member, role="owner") for one in projects[:1])
    _write(
        Member(project=one, user_id=people[(10 * n + m) % len(people)], role="editor")
        for n, one in enumerate(projects)
        for m in range(5)
    )
    for one in projects:
        for n in range(max(size.people // 80, 2) if one is projects[0] else 2):
            address = f"https://api.{one.key}.example/{n}"
            api = Api.objects.create(project=one, identifier=address, name=f"API {n} of {one.name}")
            names = (f"read-{n}", f"write-{n}")
            ApiScope.objects.bulk_create(ApiScope(api=api, name=name, description=f"To {name}") for name in names)


def _apps(size: Size) -> None:
    projects = list(Project.objects.order_by("key"))

    def home(n: int) -> Project:
        return projects[0] if n < size.first else projects[1 + n % (size.projects - 1)]

    _write(
        Client(
            project=home(n),
            client_id=f"app-{n:04}",
            name=f"App {n:04}",
            client_type="confidential",
            grant_types=[*GRANTS],
            redirect_uris=f"https://app-{n:04}.example/callback",
            scope=" ".join(SCOPES),
            enabled=n % 40 > 0 or n == 0,
        )
        for n in range(size.apps)
    )

    def entries() -> Iterator[AudienceEntry]:
        for n, key in enumerate(_keys(Client)):
            for address in (f"https://api.{home(n).key}.example/{m}" for m in range(2)):
                yield AudienceEntry(client_id=key, value=address, canonical=address)

    _write(entries())


def _sign_ins(size: Size) -> None:
    people = _keys(User)
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    at = {n: size.ago(n) for n in range(size.each)}
    _write(
        SignIn(
            sid=uuid.UUID(int=n + 1),
            user_id=people[n % len(people)],
            auth_time=at[n],
            created_at=at[n],
            seen_at=at[n],
            user_agent=agent,
            address="192.0.2.7",
            ended_at=None if n < size.each // 2 else at[n],
            announced_at=None if n < size.each // 2 else at[n],
        )
        for n in range(size.each)
    )


def _authorizations(size: Size) -> None:
    """The person with number n uses the first app and those whose turn it is; the first person one of every project."""
    people, apps = _keys(User), list(Client.objects.order_by("client_id").values_list("pk", "project"))
    theirs = [
        (n % len(people), 0 if n < 4 * len(people) else (n * 7) % size.apps) for n in range(size.each - size.projects)
    ]
    theirs += [(2, size.first + n) for n in range(size.projects)]  # numbers 0 and 1 are at the console
    pairs = {(people[who], apps[which][1]) for who, which in theirs}
    _write(
        Consent(user_id=who, project_id=project, scopes=SCOPES, audiences=[], created_at=size.ago(0))
        for who, project in sorted(pairs)
    )
    consents = {(one.user_id, one.project_id): one.pk for one in Consent.objects.all()}
    _write(
        Authorization(
            id=uuid.UUID(int=n + 1),
            client_id=apps[which][0],
            user_id=people[who],
            consent_id=consents[people[who], apps[which][1]],
            sign_in_id=uuid.UUID(int=n + 1),
            scopes=SCOPES,
            offline=True,
            auth_time=size.ago(n),
            created_at=size.ago(n),
        )
        for n, (who, which) in enumerate(theirs)
    )
    _write(_tokens(size, theirs, [key for key, _project in apps]))


def _tokens(size: Size, theirs: Iterable[tuple[int, int]], apps: list[int]) -> Iterator[AccessToken]:
    over = clock.now() + timedelta(days=1)
    for n, (_who, which) in enumerate(theirs):
        own = n % 10 == 0
        yield AccessToken(
            digest=f"{n:064x}",
            application_id=apps[which],
            authorization_id=None if own else uuid.UUID(int=n + 1),
            scope="read-0",
            expires=over,
            created=size.ago(n),
        )


def _happened(size: Size) -> None:
    """What people did, what became of apps, what was refused and who changed what."""
    subs = list(User.objects.order_by("pk").values_list("sub", flat=True))
    kinds = [AccountEventKind.SIGN_IN, AccountEventKind.SIGN_IN, AccountEventKind.PASSWORD_CHANGED]
    _write(
        AccountEvent(sub=subs[n % len(subs)], kind=kinds[n % 3], address="192.0.2.7", at=size.ago(n))
        for n in range(size.each)
    )
    said = ("client.changed", "client.secret_generated", "token.exchanged", "token.cross_client_refused")
    _write(
        SecurityEvent(kind=said[n % 4], client_id=f"app-{n % size.apps:04}", sub=subs[n % len(subs)], at=size.ago(n))
        for n in range(size.each)
    )
    _write(_refusals(size))
    kind, apps, root = ContentType.objects.get_for_model(Client), _keys(Client), User.objects.get(username="root")
    _write(
        LogEntry(
            user=root,
            content_type=kind,
            object_id=str(apps[n % size.apps]),
            object_repr=f"App {n % size.apps:04}",
            action_flag=CHANGE,
            change_message="Changed.",
            action_time=size.ago(n * 5),
        )
        for n in range(size.each // 5)
    )
    _write(
        LogoutNotice(sid=uuid.UUID(int=n + 1), sub=subs[n % len(subs)], told_sub=subs[n % len(subs)], client_id=apps[0])
        for n in range(size.each // 10)
    )


def _refusals(size: Size) -> Iterator[RefusedRequest]:
    for n in range(size.each // 2):
        at, app = size.ago(2 * n), n * 3 % size.apps
        yield RefusedRequest(
            hour=at.replace(minute=0, second=0, microsecond=0),
            project=f"project-{0 if app < size.first else 1 + app % (size.projects - 1):02}",
            client_id=f"app-{app:04}",
            endpoint="token",
            grant_type=GRANTS[n % 2],
            error="invalid_scope",
            step=f"scopes-{n}",
            network="192.0.2.0/24",
            description="Not registered for this client: read-7",
            count=1 + n % 9,
            first_at=at,
            last_at=at,
            request_ids=f"{n:08x}",
        )


def _tallies(size: Size) -> None:
    days = [(clock.now() - timedelta(days=n)).date() for n in range(DAYS)]
    names = list(Client.objects.order_by("client_id").values_list("client_id", flat=True))
    each = [(day, kind) for day in days for kind in GRANTS]
    _write(Tally(day=day, client_id=name, grant_type=kind, count=7) for day, kind in each for name in names)
    homes = _keys(Project)
    _write(ProjectTally(day=day, project=key, grant_type=kind, count=280) for day, kind in each for key in homes)
