"""The rule of the console for people who are no superusers: what they see and change follows from their role.

Django's model permissions play no part. Every page and inline of something that belongs to a project stands on
`Scoped`, which asks `projects.access`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.console import ConsoleAdmin, actor
from projects import access
from projects.models import Project, Role
from projects.problems import RegistrationError

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


class Scoped(Base):
    """Permissions from the role in the project of an object (for inlines: of the page's object)."""

    # Where the project stands, as a lookup; empty: the object is the project.
    project_path = "project"
    # Who may change: everybody else who sees it looks only.
    editors: tuple[Role, ...] = access.EDITING

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._within(request, access.LOOKING, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._within(request, self.editors, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._within(request, self.editors, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._within(request, self.editors, obj)

    def _within(self, request: HttpRequest, roles: tuple[Role, ...], obj: Any) -> bool:
        """Whether they have one of these roles in the object's project; for no object yet: in any."""
        mine = roles_of(request)
        if obj is None:
            return mine.some(roles)
        for name in filter(None, self.project_path.split("__")):
            obj = getattr(obj, name)
        return mine.within(obj.pk, roles)

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


class ScopedAdmin(Scoped, ConsoleAdmin):
    def has_module_permission(self, request: HttpRequest) -> bool:
        return roles_of(request).some(access.LOOKING)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Lists, searches, filters, actions and addresses by id all start here."""
        lookup = f"{self.project_path or 'pk'}__in"
        return super().get_queryset(request).filter(**{lookup: access.visible(actor(request))})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except RegistrationError:
            # What it was checked against changed in between: a second look says so on the form.
            return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except RegistrationError:
            # Something stands in its way since it was looked at: a second look names it.
            return super().delete_view(request, object_id, extra_context)


class NamedCells(Rows):
    """Rows of a table, whose fields have no label but the head of their column: each says its own name, and the row."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():
            row = "" if index is None else f" {index + 1}"
            field.widget.attrs.setdefault("aria-label", f"{field.label}{row}")


class ScopedInline(Scoped, Inline):
    template = admin.TabularInline.template
    max_num = MAX_ROWS

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs["absolute_max"] = MAX_ROWS  # not self.max_num, which is 0 for those who add none
        if self.template == admin.TabularInline.template:
            kwargs["formset"] = type("TableRows", (NamedCells, self.formset), {})
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
