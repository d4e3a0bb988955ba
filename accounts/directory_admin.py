"""Groups and the schema of attributes in the console: for superusers only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import attribute_schema, events, groups, normalization
from accounts.attribute_types import OWN_TYPES
from accounts.attributes import STANDARD, Definition
from accounts.console import Change, actor
from accounts.console_forms import ConsoleForm, LinesField, shortened
from accounts.fresh_proof import SuperusersAdmin
from accounts.models import Attribute, EditableBy, Group, GroupMember, User

if TYPE_CHECKING:
    from django.contrib.admin.options import _FieldsetSpec

MOST_LINES = 1000  # members in one field
TYPES = {
    "text": gettext_lazy("Text"),
    "number": gettext_lazy("Number"),
    "boolean": gettext_lazy("Yes or no"),
    "list": gettext_lazy("List of texts"),
    "date": gettext_lazy("Date"),
}


class GroupForm(ConsoleForm):
    people = LinesField(
        label=gettext_lazy("Members"),
        most=MOST_LINES,
        help_text=gettext_lazy("User names, one per line. Whom a connector put there is listed below."),
    )

    class Meta:
        model = Group
        fields = ("name", "description", "external_id")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.members: list[User] | None = None  # None: they stay as they are
        people = self.fields["people"]
        if self.instance.pk is None or self.instance._state.adding:
            return
        by_hand = GroupMember.objects.filter(group=self.instance, source="")
        names = list(by_hand.order_by("user__username").values_list("user__username", flat=True)[: MOST_LINES + 1])
        people.initial = "\n".join(names[:MOST_LINES])
        if len(names) > MOST_LINES:
            people.disabled = True
            people.help_text = _("There are too many to be shown here: the HTTP API puts people in and takes them out.")

    def clean_people(self) -> str:
        said: str = self.cleaned_data["people"]
        if self.fields["people"].disabled:
            return said
        names = {normalization.user_name(one) for one in said.split()}
        found = list(User.objects.filter(username__in=names).only("pk", "sub", "username"))
        if unknown := names - {one.username for one in found}:
            raise ValidationError(_("Nobody has this user name: %(names)s.") % {"names": shortened(sorted(unknown))})
        self.members = found
        return said

    def clean(self) -> dict[str, object]:
        super().clean()
        said = {name: str(self.cleaned_data[name]) for name in self.Meta.fields if name in self.cleaned_data}
        but = None if self.instance._state.adding else self.instance
        for one in groups.problems(said, but):
            self.add_error(one.name, one.message)
        return self.cleaned_data


@admin.register(Group)
class GroupAdmin(SuperusersAdmin):
    form = GroupForm
    comes_when = gettext_lazy(
        "A group holds people who belong together. Projects may let groups in, give them roles, and tell apps of them."
    )
    list_display = ["name", "description", "how_many"]
    search_fields = ["name", "description", "=external_id"]
    fields = ["name", "description", "external_id", "people", "managed", "made_by"]
    readonly_fields = ["managed", "made_by"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return cast("QuerySet[Group]", super().get_queryset(request)).annotate(
            number=Count("members__user", distinct=True)
        )

    @admin.display(description=gettext_lazy("people"), ordering="number")
    def how_many(self, group: Group) -> int:
        return int(getattr(group, "number", 0))

    @admin.display(description=gettext_lazy("Put there by connectors and directories"))
    def managed(self, group: Group) -> str:
        rows = GroupMember.objects.filter(group=group).exclude(source="")
        counted = rows.values_list("source").annotate(number=Count("pk")).order_by("source")
        return ", ".join(f"{source}: {number}" for source, number in counted) or "—"

    @admin.display(description=gettext_lazy("Looked after by"))
    def made_by(self, group: Group) -> str:
        return group.source or "—"

    def construct_change_message(
        self, request: HttpRequest, form: forms.BaseForm, formsets: Iterable[Any], add: bool = False
    ) -> list[Change]:
        """Without the names of people: the history would keep them when their accounts are gone."""
        message = super().construct_change_message(request, form, formsets, add)
        label = str(form.fields["people"].label)
        for one in message:
            for said in one.values():
                if names := said.get("fields"):
                    said["fields"] = [label if name.startswith(f"{label}: ") else name for name in names]
        return message

    def save_model(self, request: HttpRequest, obj: Group, form: forms.ModelForm[Any], change: bool) -> None:
        by = events.person(actor(request))
        said = {name: str(form.cleaned_data[name]) for name in GroupForm.Meta.fields}
        if change:
            groups.change(Group.objects.get(pk=obj.pk), by, **said)
        else:
            made = groups.make(said.pop("name"), by, **said)
            obj.pk, obj.name, obj._state.adding = made.pk, made.name, False
        if isinstance(form, GroupForm) and form.members is not None:
            groups.set_members(obj, form.members, "", by)

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        groups.delete(obj, events.person(actor(request)))


class AttributeForm(ConsoleForm):
    type = forms.ChoiceField(
        label=gettext_lazy("Type"),
        required=False,
        choices=list(TYPES.items()),
        help_text=gettext_lazy("Another type takes away the value of everybody who has one."),
    )
    lose_values = forms.BooleanField(
        label=gettext_lazy("Values may be lost"),
        required=False,
        help_text=gettext_lazy("Needed for another type, where people have values."),
    )

    class Meta:
        model = Attribute
        fields = ("name", "type", "label", "editable_by", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.name in STANDARD:
            for name in ("type", "lose_values", "label", "position"):
                self.fields[name].disabled = True
        elif "name" in self.fields:
            self.fields["name"].help_text = _(
                "What apps may call it. Of a standard claim only who may edit it counts: %(names)s."
            ) % {"names": ", ".join(STANDARD)}

    @property
    def wanted(self) -> Definition:
        said = self.cleaned_data
        name = str(said.get("name") or self.instance.name)
        by = EditableBy(said.get("editable_by") or EditableBy.ADMINISTRATOR)
        if standard := STANDARD.get(name):
            return Definition(name, standard.type, standard.label, by, standard=True)
        label, position = str(said.get("label") or name), int(said.get("position") or 0)
        return Definition(name, str(said.get("type") or OWN_TYPES[0]), label, by, position=position)

    def clean(self) -> dict[str, object]:
        super().clean()
        if self.errors:
            return self.cleaned_data
        new, wanted = self.instance._state.adding, self.wanted
        for one in attribute_schema.problems_of(wanted, new=new):
            self.add_error(one.name, one.message)
        if not new and wanted.type != self.initial.get("type") and not self.cleaned_data.get("lose_values"):
            self._refuse_loss(attribute_schema.people_with(wanted.name))
        return self.cleaned_data

    def _refuse_loss(self, number: int) -> None:
        if number:
            self.add_error("lose_values", _lost(number))


def _lost(number: int) -> str:
    said = ngettext("%(number)s person loses a value.", "%(number)s people lose a value.", number)
    return said % {"number": number}


@admin.register(Attribute)
class AttributeAdmin(SuperusersAdmin):
    form = AttributeForm
    comes_when = gettext_lazy("An attribute is something more to know of everybody, such as their cost centre.")
    list_display = ["name", "label", "type", "editable_by", "position"]
    list_filter = ["editable_by"]

    def get_readonly_fields(self, request: HttpRequest, obj: Attribute | None = None) -> list[str]:
        return [] if obj is None else ["name"]

    def get_fieldsets(self, request: HttpRequest, obj: Attribute | None = None) -> _FieldsetSpec:
        lost = ["lose_values"] if obj is not None else []
        return [(None, {"fields": ["name", "type", *lost, "label", "editable_by", "position"]})]

    def save_model(self, request: HttpRequest, obj: Attribute, form: forms.ModelForm[Any], change: bool) -> None:
        if isinstance(form, AttributeForm):
            attribute_schema.define(form.wanted, events.person(actor(request)))
            obj.pk, obj._state.adding = Attribute.objects.get(name=form.wanted.name).pk, False

    def delete_model(self, request: HttpRequest, obj: Attribute) -> None:
        attribute_schema.delete(obj.name, events.person(actor(request)))

    def lost_for_good(self, obj: Attribute) -> list[str]:
        number = 0 if obj.name in STANDARD else attribute_schema.people_with(obj.name)
        return [_lost(number)] if number else []
