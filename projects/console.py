"""Permissions in the console: the role in a project decides what people see and change who are not superusers.

Django's model permissions play no part. Every page and inline of an object that belongs to a project is based on
`ProjectScoped`, which asks `projects.access`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db import connection
from django.db.models import ForeignKey, ManyToManyField, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _

from accounts.console import ConsoleAdmin, actor
from accounts.console_seen import WatchedRows, watched
from projects import access
from projects.kept_forms import waits_for_proof
from projects.models import Project, Role
from projects.problems import RegistrationError

if TYPE_CHECKING:
    Inline = admin.options.InlineModelAdmin[Any, Any]
    Base = admin.options.BaseModelAdmin[Any]
    Rows = forms.BaseInlineFormSet[Any, Any, forms.ModelForm[Any]]
else:
    Inline = admin.options.InlineModelAdmin
    Base = object
    Rows = forms.BaseInlineFormSet


# A form has at most 1,000 fields (DATA_UPLOAD_MAX_NUMBER_FIELDS) and a row sends at least four of them. No more rows
# are made, whatever number was sent: Django would make 2,000.
MAX_ROWS = 250


def roles_of(request: HttpRequest) -> access.Roles:
    """The roles of whoever is signed in, read once per request. Works for anonymous visitors, too."""
    person, kept = request.user, vars(request)
    if kept.get("roles_are_of") != person:
        kept["roles_are_of"], kept["roles"] = person, access.Roles.of(person)
    found: access.Roles = kept["roles"]
    return found


def forget_roles(request: HttpRequest) -> None:
    """Read the roles again when they may have changed: where a saved page redirects depends on them."""
    vars(request).pop("roles_are_of", None)


class ProjectScoped(Base):
    """Permissions from the person's role in the project of an object (for inlines: of the page's object)."""

    # The lookup from the object to its project; empty: the object is the project.
    project_path = "project"
    # Roles that may change it. Others who see it may only look.
    editors: tuple[Role, ...] = access.EDITORS

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._has_role(request, access.VIEWERS, obj)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._has_role(request, self.editors, obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._has_role(request, self.editors, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._has_role(request, self.editors, obj)

    def _has_role(self, request: HttpRequest, roles: tuple[Role, ...], obj: Model | None) -> bool:
        """Whether the person has one of these roles in the object's project; without an object, in any project."""
        mine = roles_of(request)
        if obj is None:
            return mine.in_any_project(roles)
        for name in filter(None, self.project_path.split("__")):
            obj = getattr(obj, name)
        return mine.in_project(obj.pk, roles)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Model, Model], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField[Any] | None:
        """Offer only projects that this person may change, and nothing else except to superusers."""
        person = actor(request)
        if db_field.related_model is Project:
            kwargs["queryset"] = access.editable(person)
            if not kwargs["queryset"].exists():  # a new installation's superuser
                kwargs["help_text"] = _("There is no project yet. Add one first.")
        elif not person.is_superuser:
            kwargs["queryset"] = db_field.related_model._default_manager.none()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Model, Model], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelMultipleChoiceField[Any] | None:
        """Forms take such objects in a textarea and check each. A list to choose from would show everybody's."""
        if not actor(request).is_superuser:
            kwargs["queryset"] = db_field.related_model._default_manager.none()
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class ProjectScopedAdmin(ProjectScoped, ConsoleAdmin):
    @property
    def urls(self) -> list[URLPattern]:
        """Not `get_urls`: a page that a subclass adds there would be forgotten."""
        urls: list[URLPattern] = super().urls
        for one in urls:
            one.callback = waits_for_proof(one.callback)
        return urls

    def has_module_permission(self, request: HttpRequest) -> bool:
        return roles_of(request).in_any_project(access.VIEWERS)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        """The project that the address names, if they may add to it; and nothing else, as `ConsoleAdmin` says."""
        key = request.GET.get("project", "")
        found = access.editable(actor(request)).filter(key=key).first() if key else None
        return {"project": str(found.pk)} if found else {}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Lists, searches, filters, actions and pages by id all start from this."""
        lookup = f"{self.project_path or 'pk'}__in"
        return super().get_queryset(request).filter(**{lookup: access.visible(actor(request))})

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """What is about to be saved stays locked from here on: a form checked against an older row undoes nothing."""
        found = super().get_object(request, object_id, from_field)
        if found is not None and request.method == "POST" and connection.in_atomic_block:
            found = self.locked(found.pk)
            forget_roles(request)  # who waited for the lock may have lost the role meanwhile
        return found

    def locked(self, pk: object) -> Model | None:
        """The row, and nobody else changes it until the transaction ends."""
        found: Model | None = self.model._default_manager.select_for_update(of=("self",)).filter(pk=pk).first()
        return found

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


class LabelledRows(Rows):
    """Rows of a table, where fields have no label but the column's heading: each gets a name that says its row."""

    def add_fields(self, form: forms.ModelForm[Model], index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():
            row = "" if index is None else f" {index + 1}"
            field.widget.attrs.setdefault("aria-label", f"{field.label}{row}")


class ProjectScopedInline(ProjectScoped, Inline):
    template = admin.TabularInline.template
    max_num = MAX_ROWS

    def get_formset(self, request: HttpRequest, obj: Model | None = None, **kwargs: object) -> type[Rows]:
        kwargs["absolute_max"] = MAX_ROWS  # not self.max_num, which is 0 for those who add none
        if self.template == admin.TabularInline.template:
            kwargs["formset"] = type("TableRows", (LabelledRows, WatchedRows, self.formset), {})
        formset = super().get_formset(request, obj, **kwargs)  # a class of its own for every request
        formset.form = watched(formset.form, request)
        formset.form.actor, formset.form.request = actor(request), request
        return formset


class ProjectFilter(admin.SimpleListFilter):
    """By project, offering only those the person sees. `path` leads from the row to its project."""

    title = Project._meta.verbose_name
    parameter_name = "project"
    path = "project"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(project.key, project.name) for project in access.visible(actor(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        return queryset.filter(**{f"{self.path}__key": self.value()}) if self.value() else queryset
