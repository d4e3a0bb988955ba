"""Whom and what the rows of a page name, read at once: apps, projects and people, as far as the viewer may know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.contrib.admin.models import LogEntry
from django.db.models import Q
from django.urls import reverse

from accounts.models import AccountEvent, User
from clients.models import Client, RefusedRequest, SecurityEvent
from projects import access
from projects.models import Member, Project
from projects.sectors import told_sub
from provider.admin.happened.asked import Asked
from provider.admin.happened.sources import Raw

PEOPLE = ("person", "member", "by", "inviter")  # in the details of events: a `sub`, or the name of who is no person


@dataclass(frozen=True, slots=True)
class Named:
    """`exact`: an identifier, not a name."""

    text: str
    url: str = ""
    exact: bool = False
    value: str = ""  # what the filter of the page calls it


NOBODY = Named("")


class Names:
    def __init__(self, wanted: Asked, rows: Iterable[Raw]) -> None:
        self._everything = wanted.everything
        ids, keys, subs, users = set[str](), set[str](), set[str](), set[str]()
        for raw in rows:
            row = raw.row
            if isinstance(row, RefusedRequest):
                ids.add(row.client_id)
            elif isinstance(row, LogEntry):
                users |= {str(row.user_id), str(row.object_id)}
            elif isinstance(row, AccountEvent | SecurityEvent):
                subs |= {row.sub, *(str(row.detail.get(one, "")) for one in PEOPLE)}
            if isinstance(row, SecurityEvent):
                ids |= {row.client_id, row.target_client_id}
                keys.add(str(row.detail.get("project", "")))
        visible = access.visible(wanted.viewer)
        self._apps = self._clients(wanted, ids)
        self._projects = {one.key: one for one in visible.filter(key__in=keys)} if keys - {""} else {}
        self._people = self._users(wanted, Q(sub__in=subs) | Q(pk__in=[one for one in users if one.isdecimal()]))

    def _clients(self, wanted: Asked, ids: set[str]) -> Mapping[str, Client]:
        found = Client.objects.filter(client_id__in=ids - {""}).select_related("project")
        found = found if wanted.everything else found.filter(project__in=access.visible(wanted.viewer))
        return {one.client_id: one for one in found}

    def _users(self, wanted: Asked, which: Q) -> Mapping[str, User]:
        """Members know each other by name, and nobody else."""
        found = User.objects.filter(which).only("sub", "username", "first_name", "last_name")
        if not wanted.everything:
            members = Member.objects.filter(project__in=access.visible(wanted.viewer))
            found = found.filter(pk__in=members.values("user"))
        return {one.sub: one for one in found}

    def client(self, client_id: str) -> Client | None:
        return self._apps.get(client_id)

    def app(self, client_id: str) -> Named:
        if not client_id:
            return NOBODY
        found = self._apps.get(client_id)
        if found is None:
            return Named(client_id, exact=True, value=client_id)
        page = "guest_change" if found.guest else "client_connect"
        url = reverse(f"admin:clients_{page}", args=[found.pk])
        return Named(found.name or client_id, url, value=client_id)

    def project_of(self, event: SecurityEvent) -> Project | None:
        app = self._apps.get(event.client_id)
        return app.project if app and app.project else self._projects.get(str(event.detail.get("project", "")))

    def project(self, project: Project | None) -> Named:
        if project is None:
            return NOBODY
        return Named(project.name, reverse("admin:projects_project_overview", args=[project.pk]), value=project.key)

    def person(self, sub: str, project: Project | None, *, colleague: bool = False) -> Named:
        """`colleague`: they act for a project, so its members may know who it was."""
        if not sub:
            return NOBODY
        found = self._people.get(sub)
        if self._everything:
            if found is None:
                return Named(sub, exact=True, value=sub)
            url = reverse("admin:accounts_user_person", args=[found.pk])
            return Named(found.get_full_name() or found.username, url, value=found.sub)
        if colleague and found is not None:
            return Named(found.username)
        told = told_sub(sub, project) if project is not None else ""
        return Named(told, exact=True, value=told)

    def user(self, pk: object) -> User | None:
        return next((one for one in self._people.values() if str(one.pk) == str(pk)), None)
