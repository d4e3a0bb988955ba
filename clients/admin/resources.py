"""Projects and APIs, with what only clients know: what hangs on them, and who else uses an address."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console import MAX_NAMED, actor
from clients.admin import events
from clients.models import AudienceEntry, SecurityEvent
from clients.models.authorization import API_DELETED
from projects import access, matcher
from projects.admin import ApiAdmin, ProjectAdmin, link_to_list
from projects.apis import resolve
from projects.forms import ApiForm
from projects.models import Api, Project


def overlapping(identifier: str) -> list[AudienceEntry]:
    """Entries of allowlists that lie on, below or above this address."""
    parsed = matcher.parse(identifier)
    start = f"{parsed.scheme}://{parsed.host}" if parsed.host else parsed.canonical
    near = AudienceEntry.objects.filter(canonical__startswith=start).select_related("client__project")
    return [
        entry
        for entry in near
        if matcher.covers(identifier, entry.canonical) or matcher.covers(entry.canonical, identifier)
    ]


def leaning_on(api: Api) -> list[AudienceEntry]:
    """Entries that are allowed because of this API. Without it they would name an address nobody answers for."""
    found = ((entry, resolve(entry.value)) for entry in overlapping(api.identifier))
    return [entry for entry, its in found if its is not None and its.identifier == api.identifier]


def _in_use(request: HttpRequest, apis: list[Api]) -> list[str]:
    """Which clients still name these APIs; those of projects one cannot see stay nameless."""
    seen = access.visible(actor(request))
    sentences = []
    for api in apis:
        clients = {entry.client for entry in leaning_on(api)}
        known = sorted(one.client_id for one in clients if one.project in seen)
        for client_id in known[:MAX_NAMED]:
            sentences.append(
                _("%(api)s is an audience of the client %(client)s. Remove it there first.")
                % {"api": api.identifier, "client": client_id}
            )
        if len(known) < len(clients):
            sentences.append(_("%(api)s is an audience of clients of other projects.") % {"api": api.identifier})
    return sentences


class NewApiForm(ApiForm):
    def clean_identifier(self) -> str:
        """Registering an address takes it away from clients of other projects that list it already."""
        identifier = super().clean_identifier()
        project = self.cleaned_data.get("project")
        if self.actor.is_superuser or project is None:
            return identifier
        others = (entry for entry in overlapping(identifier) if entry.client.project != project)
        if any(others) or _was_anothers(identifier, project):
            raise ValidationError(_("This address overlaps an API of another project."))
        return identifier


def _was_anothers(identifier: str, project: Project) -> bool:
    """Tokens made for a deleted API may still be alive: whoever takes its address could introspect them."""
    deleted = SecurityEvent.objects.filter(kind=API_DELETED).exclude(detail__project=project.key)
    before = (event.detail["identifier"] for event in deleted)
    return any(matcher.covers(one, identifier) or matcher.covers(identifier, one) for one in before)


def _record_deletion(request: HttpRequest, api: Api) -> None:
    events.record(actor(request), API_DELETED, identifier=api.identifier, project=api.project.key)


@admin.register(Api)
class GuardedApiAdmin(ApiAdmin):
    form = NewApiForm

    def delete_model(self, request: HttpRequest, obj: Api) -> None:
        _record_deletion(request, obj)
        super().delete_model(request, obj)

    def lost_for_good(self, obj: Api) -> list[str]:
        return [_("The address %(api)s stays closed to members of other projects.") % {"api": obj.identifier}]

    def stands_in_the_way(self, request: HttpRequest, obj: Any) -> list[str]:
        return _in_use(request, [obj])


@admin.register(Project)
class GuardedProjectAdmin(ProjectAdmin):
    fieldsets = [
        (None, {"fields": ["name", "key", "clients_of_it", "apis_of_it"]}),
        *ProjectAdmin.fieldsets[1:],
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["clients_of_it", *super().get_readonly_fields(request, obj)]

    def delete_model(self, request: HttpRequest, obj: Project) -> None:
        for api in obj.apis.all():
            _record_deletion(request, api)
        super().delete_model(request, obj)

    @admin.display(description=gettext_lazy("clients"))
    def clients_of_it(self, project: Project) -> str:
        return link_to_list("clients_client", project, project.clients.count() if project.pk else 0)

    def stands_in_the_way(self, request: HttpRequest, obj: Any) -> list[str]:
        return _in_use(request, list(obj.apis.all()))
