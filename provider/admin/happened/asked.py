"""What somebody asks of the list: filters as they stand in an address, within what this person may see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple, Self

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import normalization
from accounts.console import actor
from accounts.models import User
from clients.models import Client
from common import clock
from projects import access
from projects.models import Project
from provider.admin.by_sub import known_by, word_of
from provider.admin.happened.marks import Sort, sort_of

LONGEST = 200  # characters that are looked for
MOST_APPS = 50  # that a part of a name may stand for
REFERENCE = re.compile(r"[\w.:/+=-]{6,}")
_PLACE = re.compile(r"([0-9]{1,17})\.([0-3])\.([0-9]{1,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    key: str
    label: str | Promise
    length: timedelta | None


SPANS = (
    Span("hour", _("1 hour"), timedelta(hours=1)),
    Span("1", _("24 hours"), timedelta(days=1)),
    Span("7", _("7 days"), timedelta(days=7)),
    Span("30", _("30 days"), timedelta(days=30)),
    Span("all", _("All time"), None),
)
USUAL, EVER = SPANS[2], SPANS[-1]


class Place(NamedTuple):
    """Where in the merged list: what follows is older, or of the same moment and further down."""

    at: datetime
    rank: int  # of the source
    pk: int

    @classmethod
    def of(cls, text: str) -> Self | None:
        found = _PLACE.fullmatch(text)
        if found is None:
            return None
        try:
            return cls(_EPOCH + int(found[1]) * _MICROSECOND, int(found[2]), int(found[3]))
        except OverflowError:
            return None

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // _MICROSECOND}.{self.rank}.{self.pk}"


@dataclass(frozen=True)
class Asked:
    """Whose rows, which, and since when. `nothing`: a filter names what is not there, or not to be seen."""

    viewer: User
    sort: Sort = field(default_factory=lambda: sort_of(""))
    span: Span = EVER
    app: str = ""  # a client ID
    project: Project | None = None
    person: User | None = None
    known_as: str = ""  # a person as a member of a project knows them
    text: str = ""
    nothing: bool = False
    routine: bool = True

    @property
    def everything(self) -> bool:
        """Whether they see rows of people, and those that belong to no project."""
        return bool(self.viewer.is_superuser)

    @cached_property
    def projects(self) -> QuerySet[Project]:
        visible = access.visible(self.viewer)
        return visible if self.project is None else visible.filter(pk=self.project.pk)

    @property
    def whole(self) -> bool:
        return self.everything and self.project is None

    @cached_property
    def since(self) -> datetime | None:
        return clock.now() - self.span.length if self.span.length else None

    @cached_property
    def apps(self) -> list[str] | None:
        """Client IDs that the filters stand for; None: all of them."""
        if self.app:
            return [self.app]
        if not self.text:
            return None
        named = Q(name__icontains=self.text) | Q(client_id__icontains=self.text)
        found = Client.objects.filter(named) if self.whole else Client.objects.filter(named, project__in=self.projects)
        ids = list(found.order_by("name", "client_id").values_list("client_id", flat=True)[:MOST_APPS])
        exactly = self.everything and self.text not in ids  # of an app that is gone
        return [*ids, *([self.text] if exactly else [])]

    @cached_property
    def meant(self) -> User | None:
        """Whom the text names."""
        return person_named(self.text) if self.text and self.everything else None

    @property
    def of_people(self) -> bool:
        """Whether only rows of one person are wanted."""
        return bool(self.person or self.known_as)

    @cached_property
    def about_known_as(self) -> Q:
        """Rows about them. Found once, however many pages of rows are read: it may mean going through all people."""
        return known_by(word_of(self.known_as), self.projects, _of_apps, "sub")

    @property
    def reference(self) -> str:
        return self.text if REFERENCE.fullmatch(self.text) else ""


def _of_apps(projects: QuerySet[Project]) -> Q:
    return Q(client_id__in=Client.objects.filter(project__in=projects).values("client_id"))


def person_named(text: str) -> User | None:
    """By the whole name, address or `sub`: nobody is found by guessing at parts."""
    exactly = Q(username__iexact=normalization.user_name(text)) | Q(sub=text)
    exactly |= Q(email__iexact=normalization.mail_address(text))
    return User.objects.filter(exactly).order_by("pk").first()


def asked(request: HttpRequest, said: Mapping[str, str]) -> Asked:
    """As the address says it. What it says wrongly is left out; what it names and nobody sees finds nothing."""
    viewer = actor(request)
    text = said.get("q", "").strip()[:LONGEST]
    spans = {one.key: one for one in SPANS}
    wanted = Asked(
        viewer,
        sort_of(said.get("kind", "")),
        spans.get(said.get("days", ""), EVER if text else USUAL),
        app=said.get("app", "")[:255],
        text=text,
    )
    if key := said.get("project", ""):
        project = access.visible(viewer).filter(key=key).first()
        wanted = replace(wanted, project=project, nothing=project is None)
    return _about(wanted, said.get("person", "").strip()[:LONGEST])


def _about(wanted: Asked, person: str) -> Asked:
    """Superusers find people by name; members by what their project knows them by."""
    if not wanted.everything:
        return replace(wanted, known_as=person)
    if person:
        found = person_named(person)
        return replace(wanted, person=found, nothing=wanted.nothing or found is None)
    return wanted
