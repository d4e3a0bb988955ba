"""The rule of the console for people who are no superusers: what they see and change follows from their role.

Django's model permissions play no part. Every page and inline of something that belongs to a project stands on
`Scoped`, which asks `projects.access`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.console import ConsoleAdmin, actor
from projects import access
from projects.models import Project, Role

if TYPE_CHECKING:
    Inline = admin.options.InlineModelAdmin[Any, Any]
    Base = admin.options.BaseModelAdmin[Any]
    Rows = forms.BaseInlineFormSet[Any, Any, Any]
else:
    Inline = admin.options.InlineModelAdmin
    Base = object
    Rows = forms.BaseInlineFormSet


# A form has at most 1,000 fields (DATA_UPLOAD_MAX_NUMBER_FIELDS) and a row sends at least four of them. No more rows
# are made, whatever number was sent: Django would make 2,000.
MAX_ROWS = 250


def roles_of(request: HttpRequest) -> access.Roles:
    """Those of whoever is signed in, read once per request. Also asked for visitors, on the way out."""
    person, kept = request.user, vars(request)
    if kept.get("roles_are_of") != person:
        kept["roles_are_of"], kept["roles"] = person, access.Roles.of(person)
    found: access.Roles = kept["roles"]
    return found


def forget_roles(request: HttpRequest) -> None:
    """They may have changed: where a page leads after it was saved depends on what one may see then."""
    vars(request).pop("roles_are_of", None)


class ProjectScoped(Base):
    """Permissions from the role in the project of an object (for inlines: of the page's object)."""

    # Where the project stands, as a lookup; empty: the object is the project.
    project_path = "project"
    # Who may change: everybody else who sees it looks only.
    editors: tuple[Role, ...] = access.EDITORS

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._has_role(request, access.VIEWERS, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._has_role(request, self.editors, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._has_role(request, self.editors, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._has_role(request, self.editors, obj)

    def _has_role(self, request: HttpRequest, roles: tuple[Role, ...], obj: Any) -> bool:
        """Whether they have one of these roles in the object's project; for no object yet: in any."""
        mine = roles_of(request)
        if obj is None:
            return mine.in_any_project(roles)
        for name in filter(None, self.project_path.split("__")):
            obj = getattr(obj, name)
        return mine.in_project(obj.pk, roles)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only projects this person may change are choices; nothing else is, except to superusers."""
        person = actor(request)
        if db_field.related_model is Project:
            kwargs["queryset"] = access.editable(person)
            if not kwargs["queryset"].exists():  # a new installation's superuser
                kwargs["help_text"] = _("There is no project yet. Add one first.")
        elif not person.is_superuser:
            kwargs["queryset"] = db_field.related_model._default_manager.none()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Forms name such things in a textarea and check each; a list to choose from would show everybody's."""
        if not actor(request).is_superuser:
            kwargs["queryset"] = db_field.related_model._default_manager.none()
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class ProjectScopedAdmin(ProjectScoped, ConsoleAdmin):
    def has_module_permission(self, request: HttpRequest) -> bool:
        return roles_of(request).in_any_project(access.VIEWERS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Lists, searches, filters, actions and addresses by id all start here."""
        lookup = f"{self.project_path or 'pk'}__in"
        return super().get_queryset(request).filter(**{lookup: access.visible(actor(request))})


class LabelledRows(Rows):
    """Rows of a table, whose fields have no label but the head of their column: each says its own name, and the row."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():
            row = "" if index is None else f" {index + 1}"
            field.widget.attrs.setdefault("aria-label", f"{field.label}{row}")


class ProjectScopedInline(ProjectScoped, Inline):
    template = admin.TabularInline.template
    max_num = MAX_ROWS

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs["absolute_max"] = MAX_ROWS  # not self.max_num, which is 0 for those who add none
        if self.template == admin.TabularInline.template:
            kwargs["formset"] = type("TableRows", (LabelledRows, self.formset), {})
        formset: Any = super().get_formset(request, obj, **kwargs)  # a class of its own for every request
        formset.form.actor = actor(request)
        return formset


class ProjectFilter(admin.SimpleListFilter):
    """By project, offering only those the person sees. `path` leads from the row to its project."""

    title = Project._meta.verbose_name
    parameter_name = "project"
    path = "project"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(project.key, project.name) for project in access.visible(actor(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{f"{self.path}__key": self.value()}) if self.value() else queryset
