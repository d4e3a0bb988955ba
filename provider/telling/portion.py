"""Who is told what of some of it: looked up for many people at once, for a renamed group is about everybody in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from clients import streams
from clients.models import Delivery, Stream, Webhook
from clients.models.stream import StreamStatus
from clients.models.telling import ToldKind
from projects.models import Project
from projects.sectors import told_moment, told_sid, told_sub
from provider.telling import addresses, sets
from provider.telling.new_claims import NewClaims
from provider.telling.relations import projects_of_each
from provider.telling.sets import Details
from provider.telling.table import Happened

NONE: frozenset[int] = frozenset()


class Portion:
    """`left`: the projects that knew somebody who is deleted by now."""

    def __init__(self, said: Sequence[Happened], among: frozenset[int], left: Mapping[str, frozenset[int]]) -> None:
        self._said = [*zip(said, _whose(said, among, left), strict=True)]
        projects = NONE.union(*(whose for _one, whose in self._said))
        self._webhooks: defaultdict[int, list[Webhook]] = defaultdict(list)
        for webhook in Webhook.objects.filter(project__in=projects).select_related("project").order_by("pk"):
            self._webhooks[webhook.project_id].append(webhook)
        self._streams: defaultdict[int, list[Stream]] = defaultdict(list)
        there = Stream.objects.filter(streams.ENTITLED, client__project__in=projects)
        for stream in there.exclude(status=StreamStatus.DISABLED).select_related("client__project").order_by("pk"):
            self._streams[stream.client.home.pk].append(stream)
        self._excluded = {one.pk: self._excluded_of(one) for some in self._streams.values() for one in some}
        told_there = {one.client.home.pk: one.client.home for some in self._streams.values() for one in some}
        self._new_claims = NewClaims(said, told_there.values())

    def deliveries(self) -> list[Delivery]:
        return [row for one, projects in self._said for project in sorted(projects) for row in self._of(one, project)]

    def _excluded_of(self, stream: Stream) -> frozenset[str]:
        project = stream.client.home
        subs = {told_sub(one.sub, project) for one, projects in self._said if project.pk in projects}
        return frozenset(stream.exclusions.filter(sub__in=subs).values_list("sub", flat=True))

    def _of(self, one: Happened, project: int) -> Iterator[Delivery]:
        """A row for each recipient of this project that was there by then, and wants this kind."""
        for webhook in self._webhooks.get(project, ()):
            if webhook.created_at <= one.at and (not webhook.kinds or one.kind in webhook.kinds):
                sub, at = told_sub(one.sub, webhook.project), told_moment(one.at, webhook.project)
                data = {} if one.kind == ToldKind.EMAIL else _told(one, webhook.project)  # no address (rule W3)
                yield Delivery(webhook=webhook, sub=sub, kind=one.kind, data=data, happened_at=at)
        for stream in self._streams.get(project, ()):
            if stream.created_at <= one.at:
                yield from self._of_stream(one, stream, stream.client.home)

    def _of_stream(self, one: Happened, stream: Stream, project: Project) -> Iterator[Delivery]:
        """A session of another app of the project is no matter of this one's."""
        sub = told_sub(one.sub, project)
        named = one.data.get("client_ids", one.data.get("client_id"))
        apps = [named] if isinstance(named, str) else named
        wanted = sets.wanted(one.kind, _told(one, project), stream.events_requested)
        of_others = apps is not None and stream.client.client_id not in apps
        if wanted is not None and not of_others and sub not in self._excluded[stream.pk]:
            claims = self._new_claims.of(one, project)
            at = told_moment(one.at, project)
            whose = {addresses.PERSON: one.sub} if sets.BEFORE in wanted else {}
            if claims is not None:
                data = {**wanted, **claims, **whose}
                yield Delivery(stream=stream, sub=sub, kind=one.kind, data=data, happened_at=at)


def _whose(
    said: Sequence[Happened], among: frozenset[int], left: Mapping[str, frozenset[int]]
) -> Iterator[frozenset[int]]:
    """The projects that hear of each. What is of some projects stays theirs."""
    asked: defaultdict[tuple[datetime, frozenset[int]], set[str]] = defaultdict(set)
    for one in said:
        if (chosen := _chosen(one, among)) is not None:
            asked[one.at, chosen].add(one.sub)
    known = {(at, chosen): projects_of_each(subs, at, chosen) for (at, chosen), subs in asked.items()}
    for one in said:
        if (chosen := _chosen(one, among)) is None:
            yield one.projects or NONE
        else:
            yield known[one.at, chosen].get(one.sub, NONE) | (left.get(one.sub, NONE) & chosen)


def _chosen(one: Happened, among: frozenset[int]) -> frozenset[int] | None:
    """Those of which it has to be found out whether they know the person; None: it is told to all it names."""
    if one.projects is None:
        return among
    return one.projects & among if one.only_known else None


def _told(one: Happened, project: Project) -> Details:
    """With the sign-in as this project knows it."""
    return {**one.data, "sid": told_sid(str(one.data["sid"]), project)} if "sid" in one.data else one.data
