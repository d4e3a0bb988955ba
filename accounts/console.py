"""What every page of the console has in common: a history that says what changed, and no back doors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import display_for_value
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import BadRequest, FieldDoesNotExist, ValidationError
from django.db import IntegrityError, models
from django.db.models.options import Options
from django.http import HttpRequest, HttpResponse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext, ngettext

from accounts.asked_first import AsksFirst, page
from accounts.console_lists import FirstRows, Rows
from accounts.console_saved import SaysSaved
from accounts.console_seen import marks_of, watched
from accounts.models import User

if TYPE_CHECKING:
    from django.contrib.admin.options import _ListFilterT

    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

Change = dict[str, dict[str, Any]]  # as Django keeps it in its log: of what kind, and of what
ALLOWED_LOOKUPS = ("", "exact", "isnull", "gte", "lt")  # the ones in the links of Django's filters
EMPTY = "-"  # as Django shows what is not there
GOOD, WARN, BAD = "good", "warn", "bad"  # what a badge says by its colour, beside its words
MAX_NAMED = 10  # how many obstacles to a deletion are named


def actor(request: HttpRequest) -> User:
    """The signed-in person; the console lets nobody else in."""
    return cast(User, request.user)


class LabelledDateTime(forms.SplitDateTimeWidget):
    """The browser's own fields for date and time: they need no script, and look like the others."""

    def __init__(self) -> None:
        super().__init__(
            date_attrs={"type": "date"},
            time_attrs={"type": "time", "step": "1"},
            date_format="%Y-%m-%d",
            time_format="%H:%M:%S",
        )

    def belongs_to(self, label: str | Promise) -> None:
        """No label of the page points at two fields at once, so each says whose it is."""
        for widget, part in zip(self.widgets, (gettext("Date"), gettext("Time (UTC)")), strict=True):
            widget.attrs["aria-label"] = f"{label}: {part}"


class ConsoleAdmin(SaysSaved, ModelAdmin):
    """The base of all console pages. Its forms know the person who edits as `actor`, and how they came."""

    formfield_overrides = {models.DateTimeField: {"form_class": forms.SplitDateTimeField, "widget": LabelledDateTime}}
    view_on_site = False
    show_full_result_count = False
    delete_confirmation_template = "admin/delete.html"
    menu_name: str | Promise = ""  # of the list, where the model's own name is not what people look for
    add_words: str | Promise = ""  # on the button that adds one
    comes_when: str | Promise = ""  # on an empty list: what it is, and when something comes
    first_page = "change"  # of a row: where it leads in lists, and from its other pages
    paginator = FirstRows
    most_at_once = 500  # rows that an action is done to in one request

    def get_form(
        self, request: HttpRequest, obj: models.Model | None = None, change: bool = False, **kwargs: object
    ) -> type[forms.ModelForm[Any]]:
        form = watched(super().get_form(request, obj, change=change, **kwargs), request)  # a class for this request
        form.actor, form.request = actor(request), request
        return form

    def formfield_for_dbfield(
        self, db_field: models.Field[object, object], request: HttpRequest, **kwargs: object
    ) -> forms.Field | None:
        """Plain choices: the buttons that add or open a related object in another window need JavaScript."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, LabelledDateTime):
            field.widget.belongs_to(field.label or "")
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def response_action(  # type: ignore[override]  # the stubs are of a later Django, which says where the button was
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> HttpResponse | None:
        """Whoever chooses all that were found chooses no more than the list offers: who would know what they do?"""
        if request.POST.get("select_across") == "1" and queryset[: self.most_at_once + 1].count() > self.most_at_once:
            told = gettext("At most %(most)s at once. Search for some, or choose filters.")
            most = number_format(self.most_at_once, force_grouping=True)
            self.message_user(request, told % {"most": most}, messages.ERROR)
            return None
        return super().response_action(request, queryset)

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        return Rows

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        form = context["adminform"].form
        form.label_suffix = ""
        if change and self.has_change_permission(request, obj):
            tables = [one.formset for one in context["inline_admin_formsets"]]
            context["seen"] = marks_of(form, (row for table in tables for row in table.initial_forms))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow what the filters offer and nothing else: other columns could be guessed letter by letter."""
        name, _, comparison = lookup.partition("__")
        try:
            self.opts.get_field(name)
        except FieldDoesNotExist:
            return super().lookup_allowed(lookup, value, request)
        offered = _field_names(self.get_list_filter(request))
        return name in offered and comparison in ALLOWED_LOOKUPS and super().lookup_allowed(lookup, value, request)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        """A form begins empty: otherwise a link could fill it in, even with values that no form expects."""
        return {}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Refuse selected rows whose keys are malformed: the database would fail on them. The title is the list's."""
        for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                self.opts.pk.clean(key, None)
            except ValidationError:
                raise BadRequest("A selected row has a malformed key.") from None
        return super().changelist_view(request, {"title": self.list_name, **(extra_context or {})})

    @property
    def list_name(self) -> str:
        return str(self.menu_name) or capfirst(str(self.opts.verbose_name_plural))

    def counted(self, number: int) -> str:
        """What stands below a list."""
        return f"{number_format(number, force_grouping=True)} {_plural(self.opts, number)}"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        try:
            return self._changed_or_asked(request, object_id, form_url, extra_context)
        except IntegrityError:
            # Somebody saved the same object in between: the second attempt finds it and says so on the form.
            return self._changed_or_asked(request, object_id, form_url, extra_context)

    def _changed_or_asked(
        self, request: HttpRequest, object_id: str | None, form_url: str, extra_context: dict[str, object] | None
    ) -> HttpResponse:
        """What hurts is told first (`accounts.asked_first`): whatever was written until then is rolled back."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except AsksFirst as asked:
            return page(request, asked)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except IntegrityError:
            # Something began to depend on it in between: the second attempt names that, or deletes it as well.
            return super().delete_view(request, object_id, extra_context)

    def stands_in_the_way(self, request: HttpRequest, obj: Any) -> list[str]:
        """Sentences that say why this must not be deleted."""
        return []

    def lost_for_good(self, obj: Any) -> list[str]:
        """Sentences that say what cannot be restored. The page that asks before deleting shows them."""
        return []

    def render_delete_form(self, request: HttpRequest, context: dict[str, object]) -> HttpResponse:
        return super().render_delete_form(request, {**context, "lost": self.lost_for_good(context["object"])})

    def get_deleted_objects(
        self, objs: Sequence[models.Model] | models.QuerySet[models.Model], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Count what is deleted too, instead of listing it: a client may have a million tokens."""
        counts: dict[str, int] = {}
        obstacles = [sentence for obj in objs for sentence in self.stands_in_the_way(request, obj)]
        for relation in self.opts.related_objects:
            if relation.many_to_many:
                continue
            opts = relation.related_model._meta
            rows = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": objs})
            number = rows.count()
            if number and relation.on_delete is models.PROTECT:
                named = ", ".join(str(row) for row in rows[:MAX_NAMED]) + (", …" if number > MAX_NAMED else "")
                obstacles.append(f"{number} {_plural(opts, number)}: {named}")
            elif number and relation.on_delete in (models.CASCADE, models.DO_NOTHING):
                counts[_plural(opts, number)] = number
        return [str(obj) for obj in objs], counts, set(), obstacles

    def construct_change_message(
        self, request: HttpRequest, form: forms.BaseForm, formsets: Iterable[Any], add: bool = False
    ) -> list[Change]:
        """Django records who changed which field. We add the values before and after."""
        message: list[Change] = []
        if add:
            message.append({"added": {}})
        elif form.changed_data:
            message.append({"changed": {"fields": changes(form)}})
        for formset in formsets or ():
            message += [{"added": _name_of(row)} for row in formset.new_objects]
            for row, _fields in formset.changed_objects:
                changed = next(one for one in formset.forms if one.instance is row)
                message.append({"changed": {**_name_of(row), "fields": changes(changed)}})
            message += [{"deleted": _name_of(row)} for row in formset.deleted_objects]
        return message


def badge(words: str | Promise, tone: str = "") -> str:
    """A state in a word or two."""
    return format_html('<span class="badge {}">{}</span>', tone, words)


def moment(value: datetime | None) -> str:
    """As Django shows a column of a list. On the page of one row it would show what a method answers as it is."""
    return str(display_for_value(value, EMPTY))


def changes(form: forms.BaseForm) -> list[str]:
    """Each changed field of a valid form as `label: before → after`. Passwords are named, never shown."""
    changed = []
    for name in form.changed_data:
        field = form.fields.get(name)  # the form that sets a password names a field it does not have
        label = str((field and field.label) or name)
        if field is None or isinstance(field.widget, forms.PasswordInput):
            changed.append(label)
            continue
        before = _text(field, form.get_initial_for_field(field, name))
        changed.append(f"{label}: {before} → {_text(field, form.cleaned_data.get(name))}")
    return changed


def _text(field: forms.Field, value: object) -> str:
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)):
        value = ", ".join(str(one) for one in value)
    shown = " ".join(str("" if value is None else field.prepare_value(value)).split())
    return f"“{Truncator(shown).chars(200)}”"


def _name_of(row: models.Model) -> dict[str, str]:
    return {"name": str(row._meta.verbose_name), "object": str(row)}


def _plural(opts: Options[models.Model], number: int) -> str:
    return ngettext(str(opts.verbose_name), str(opts.verbose_name_plural), number)


def _field_names(list_filter: Iterable[_ListFilterT]) -> set[str]:
    names: set[str] = set()
    for one in list_filter:
        if isinstance(one, type) and issubclass(one, admin.SimpleListFilter):
            names.add(str(one.parameter_name))
        else:
            names.add(str(one[0] if isinstance(one, (list, tuple)) else one))
    return names
