"""The console's page of a role: its words, and who has it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from projects import quotas, roles
from projects.actors import Actor
from projects.console import ProjectFilter, ProjectScopedAdmin
from projects.door import DoorForm, actor_of
from projects.metadata import RoleMetadata
from projects.models import Project, ProjectRole

HOLDERS = ("users", "groups")


class NamesField(forms.CharField):
    """Names with spaces in them, one per line."""

    widget = forms.Textarea(attrs={"rows": 6, "cols": 60, "spellcheck": "false"})

    def prepare_value(self, value: object) -> object:
        return "\n".join(map(str, value)) if isinstance(value, tuple) else value

    def has_changed(self, initial: object, data: object) -> bool:
        return lines(str(self.prepare_value(initial) or "")) != lines(str(data or ""))


def lines(text: str) -> tuple[str, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


class RoleForm(DoorForm):
    users = NamesField(
        label=_("People"),
        required=False,
        help_text=_("Exact usernames, one per line: everybody who has this role by name."),
    )
    groups = NamesField(
        label=_("Groups"),
        required=False,
        help_text=_("Names of groups, one per line: everybody in them has this role, as long as they are in."),
    )

    class Meta:
        model = ProjectRole
        fields = ["project", "name", "description"]
        help_texts = {
            "name": _("What apps are told, such as admin. A role opens nothing here: the apps decide what it means."),
            "description": _("For whoever gives it to people."),
        }

    wanted: RoleMetadata

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            now = roles.metadata_of(self.instance)
            self.initial.update({name: getattr(now, name) for name in HOLDERS})

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned, current = self.cleaned_data, self.instance if self.instance.pk else None
        said = {name: lines(cleaned.get(name) or "") for name in HOLDERS}
        name = roles.plain(cleaned.get("name") or "")
        self.wanted = RoleMetadata(name=name, description=cleaned.get("description") or "", **said)
        project: Project | None = current.project if current else cleaned.get("project")
        if project is not None:
            self.show(roles.problems(self.wanted, project, self.by, current))
        return cleaned


class RoleAdmin(ProjectScopedAdmin):
    form = RoleForm
    comes_when = _(
        "A role is what the apps of a project are told of somebody, such as editor. The apps decide what it means."
    )
    list_display = ["name", "project", "description"]
    list_filter = [ProjectFilter]
    list_select_related = ["project"]
    search_fields = ["name", "description"]
    fieldsets = [
        (None, {"fields": ["project", "name", "description"]}),
        (_("Who has it"), {"fields": [*HOLDERS]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["project"] if obj else []

    @admin.display(description=_("People"))
    def users(self, role: ProjectRole) -> str:
        """For those who look only; editors get the form's field of that name."""
        return _shown(role, "users")

    @admin.display(description=_("Groups"))
    def groups(self, role: ProjectRole) -> str:
        return _shown(role, "groups")

    def save_model(self, request: HttpRequest, obj: ProjectRole, form: Any, change: bool) -> None:
        by: Actor = actor_of(request)
        if change:
            roles.change(obj, form.wanted, by)
        else:
            made = roles.register(form.wanted, form.cleaned_data["project"], by)
            vars(obj).update(vars(made))  # Django goes on with the row it gave the form

    def delete_model(self, request: HttpRequest, obj: ProjectRole) -> None:
        roles.delete(obj, actor_of(request))


def _shown(role: ProjectRole, member: str) -> str:
    names: tuple[str, ...] = getattr(roles.metadata_of(role), member)
    more = len(names) - quotas.ROLE_HOLDERS // 10
    return ", ".join(names[: quotas.ROLE_HOLDERS // 10]) + (f" … (+{more})" if more > 0 else "") or "-"
