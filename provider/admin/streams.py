"""Event streams in the console: which apps of a project are told, whether it arrives, and their status.

What a stream is made of is for the app to say, by its own token. Who manages the project may pause and delete it.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts.console import EMPTY, moment
from clients import stream_management
from clients.models import Delivery, Stream
from clients.models.logout import NoticeState
from projects.console import ProjectFilter, ProjectScopedAdmin
from projects.door import DoorForm, actor_of


class StreamForm(DoorForm):
    class Meta:
        model = Stream
        fields = ["status", "reason"]
        help_texts = {
            "status": gettext_lazy("The app is told of it, and may change it back."),
            "reason": gettext_lazy("For the app: its status says so."),
        }

    def clean(self) -> dict[str, Any]:
        super().clean()
        said = self.cleaned_data
        if not self.errors:
            self.show(stream_management.problems(self.instance, said["status"], said["reason"], self.by))
        return said


class StreamProjectFilter(ProjectFilter):
    path = "client__project"


@admin.register(Stream)
class StreamAdmin(ProjectScopedAdmin):
    form = StreamForm
    project_path = "client__project"
    comes_when = gettext_lazy("An app makes its own stream by the API, to hear when people sign out or lose access.")
    list_display = ["client", "project", "method", "status", "last_try", "last_status", "last_problem", "waiting"]
    list_filter = [StreamProjectFilter, "status", "method"]
    list_select_related = ["client__project"]
    search_fields = ["client__client_id", "client__name", "description"]
    SHOWN = ("client", "project", "method", "host", "description", "events", "created_at")
    fields = [*SHOWN, "status", "reason", "last_try", "last_status", "last_problem", "waiting"]
    readonly_fields = [*SHOWN, "last_try", "last_status", "last_problem", "waiting"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stream]:
        """With what the last try came to, and how much waits."""
        found: QuerySet[Stream] = super().get_queryset(request)
        tried = Delivery.objects.filter(stream=OuterRef("pk"), tried_at__isnull=False).order_by("-tried_at")
        last = {f"_last_{name}": Subquery(tried.values(name)[:1]) for name in ("tried_at", "status", "problem")}
        due = Count("deliveries", filter=Q(deliveries__state=NoticeState.DUE))
        return found.annotate(**last, _waiting=due)

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """The app makes it."""
        return False

    @admin.display(description=gettext_lazy("project"))
    def project(self, stream: Stream) -> str:
        return str(stream.client.project or "")

    @admin.display(description=gettext_lazy("sent to"))
    def host(self, stream: Stream) -> str:
        return stream_management.host_of(stream)

    @admin.display(description=gettext_lazy("events"))
    def events(self, stream: Stream) -> str:
        return "\n".join(stream.events_requested)

    @admin.display(description=gettext_lazy("last try"))
    def last_try(self, stream: Stream) -> str:
        return moment(vars(stream).get("_last_tried_at"))

    @admin.display(description=gettext_lazy("status of the answer"))
    def last_status(self, stream: Stream) -> str:
        return str(vars(stream).get("_last_status") or EMPTY)

    @admin.display(description=gettext_lazy("last problem"))
    def last_problem(self, stream: Stream) -> str:
        return vars(stream).get("_last_problem") or ""

    @admin.display(description=gettext_lazy("waiting"))
    def waiting(self, stream: Stream) -> int:
        return int(vars(stream).get("_waiting") or 0)

    def save_model(self, request: HttpRequest, obj: Stream, form: Any, change: bool) -> None:
        """One place writes it; Django only notes it for its history."""
        said = form.cleaned_data
        stream_management.set_status(obj, said["status"], said["reason"], actor_of(request))

    def delete_model(self, request: HttpRequest, obj: Stream) -> None:
        stream_management.delete(obj, actor_of(request))
