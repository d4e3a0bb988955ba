"""The console's page of a project's claim table: what its apps are told of people, row by row."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import attributes
from accounts.console import EMPTY
from projects import access, registration
from projects.claim_presets import PRESETS
from projects.claim_rules import MAX_ROWS
from projects.claim_table import DEFAULTS, PLACES, SCOPES, SOURCES, ClaimRow, effective, stored
from projects.door import actor_of
from projects.models import Project
from projects.problems import Problem, RegistrationError
from projects.role_admin import NamesField, lines

if TYPE_CHECKING:
    from projects.project_pages import ProjectPages as Base
else:
    Base = object

SOURCE_WORDS = {
    "groups": gettext_lazy("Groups of this installation"),
    "roles": gettext_lazy("Roles of this project"),
    "attribute": gettext_lazy("An attribute of the person"),
}
PLACE_WORDS = {
    "id_token": gettext_lazy("ID token"),
    "userinfo": gettext_lazy("Userinfo"),
    "access_token": gettext_lazy("Access tokens that are JWTs, for this project's own APIs"),
    "introspection": gettext_lazy("Introspection, by this project's own clients"),
}
OF_ITS_SOURCE = ("", gettext_lazy("That of its source"))
ARROW = "="  # in a line of `rename`


def _attributes() -> list[tuple[str, str]]:
    return [("", "-"), *((one.name, f"{one.label} ({one.name})") for one in attributes.schema().values())]


class ClaimForm(forms.Form):
    """A row of the table. What may stand in it is for the registration to say."""

    name = forms.CharField(
        label=gettext_lazy("Claim"),
        max_length=200,
        help_text=gettext_lazy("Such as groups, roles, team, or an address of your own."),
    )
    source = forms.ChoiceField(
        label=gettext_lazy("Made of"), choices=lambda: [(one, SOURCE_WORDS[one]) for one in SOURCES]
    )
    attribute = forms.ChoiceField(label=gettext_lazy("Attribute"), required=False, choices=_attributes)
    begins = forms.CharField(
        label=gettext_lazy("Only names that begin with"), required=False, max_length=100, strip=False
    )
    only = NamesField(label=gettext_lazy("And these names, one per line"), required=False)
    rename = NamesField(
        label=gettext_lazy("Told by another name"),
        required=False,
        help_text=gettext_lazy("One per line, such as library-admins = admin."),
    )
    told_in = forms.MultipleChoiceField(
        label=gettext_lazy("Where it is told"),
        choices=lambda: [(one, PLACE_WORDS[one]) for one in PLACES],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    scope = forms.ChoiceField(
        label=gettext_lazy("Scope that asks for it"),
        choices=lambda: [OF_ITS_SOURCE, *((one, one) for one in SCOPES)],
        required=False,
    )

    def row(self) -> ClaimRow:
        said = self.cleaned_data
        pairs = (line.partition(ARROW) for line in lines(said["rename"]))
        return ClaimRow(
            name=said["name"],
            source=said["source"],
            attribute=said["attribute"],
            prefix=said["begins"],
            only=lines(said["only"]),
            rename=tuple((name.strip(), told.strip()) for name, _arrow, told in pairs),
            told_in=tuple(said["told_in"]),
            scope=said["scope"],
        )


def _initial(row: ClaimRow) -> dict[str, object]:
    rename = tuple(f"{name} {ARROW} {told}" for name, told in row.rename)
    plain = {name: getattr(row, name) for name in ("name", "source", "attribute", "only", "scope")}
    return {**plain, "begins": row.prefix, "told_in": list(row.told_in), "rename": rename}


class _Rows(forms.BaseFormSet):  # type: ignore[type-arg]
    """Those that count: neither empty nor to be deleted. A new one begins with what most people want."""

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        if i >= self.initial_form_count():
            kwargs["initial"] = BLANK
        return super()._construct_form(i, **kwargs)  # type: ignore[misc]

    def kept(self) -> list[Any]:
        deleted = {id(form) for form in self.deleted_forms}
        said = (form for form in self.forms if form.has_changed() or form.initial.get("name"))
        return [form for form in said if id(form) not in deleted]


BLANK = _initial(ClaimRow(name="", source=SOURCES[0]))


class ClaimPages(Base):
    """Mixed into the page of projects."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.claims_view)
        return [path("<path:object_id>/claims/", view, name="projects_project_claims"), *super().get_urls()]

    def claims_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        project = self.project_of(request, object_id)
        may_change = self._has_role(request, access.OWNERS, project)
        if request.method == "POST" and not may_change:
            raise PermissionDenied
        before = registration.metadata_of(project).claims
        rows = _formset(request, before)
        stale = request.method == "POST" and request.POST.get("seen") != _seen(before)
        if stale:
            told = _(
                "Somebody changed the claim table since this page was shown. Nothing is saved yet: what you entered "
                "stands below. Saving it replaces what is there now: %(claims)s."
            )
            messages.warning(request, told % {"claims": ", ".join(row.name for row in before) or EMPTY})
        elif request.method == "POST" and rows.is_valid() and self._saved(request, project, rows):
            messages.success(request, _("The claim table was saved. The next token says what it says."))
            return HttpResponseRedirect(request.path)
        context = {
            "title": _("What apps are told"),
            "rows": rows,
            "seen": _seen(before),
            "may_change": may_change,
            "presets": [(key, preset.words) for key, preset in PRESETS.items()],
            "unsaid": [row for row in DEFAULTS if row in effective(before)],
        }
        return self.page(request, project, "claims", context)

    def _saved(self, request: HttpRequest, project: Project, rows: Any) -> bool:
        kept = rows.kept()
        wanted = replace(registration.metadata_of(project), claims=tuple(form.row() for form in kept))
        try:
            with transaction.atomic():
                changed = registration.change(project, wanted, actor_of(request))
                if changed:
                    self.log_change(request, project, _("Changed what apps are told."))
        except RegistrationError as error:
            _show(error.problems, kept)
            return False
        return True


def _seen(rows: tuple[ClaimRow, ...]) -> str:
    return hashlib.sha256(json.dumps(stored(rows)).encode()).hexdigest()


def _formset(request: HttpRequest, before: tuple[ClaimRow, ...]) -> Any:
    preset = PRESETS.get(request.GET.get("preset", ""))
    proposed = [row for row in preset.rows if row.name not in {one.name for one in before}] if preset else []
    made = forms.formset_factory(
        ClaimForm, formset=_Rows, extra=1, can_delete=True, max_num=MAX_ROWS, absolute_max=MAX_ROWS
    )
    initial = [_initial(row) for row in (*before, *proposed)]
    return made(request.POST if request.method == "POST" else None, initial=initial, prefix="claims")


def _show(problems: tuple[Problem, ...], forms_of_rows: list[Any]) -> None:
    """Each where it stands: `claims[1].name`."""
    for one in problems:
        index, member = one.field.partition("[")[2].partition("]")[0], one.field.rpartition(".")[2]
        member = {"prefix": "begins"}.get(member, member)
        form = forms_of_rows[int(index)] if index.isdigit() and int(index) < len(forms_of_rows) else None
        if form is None:
            form, member = forms_of_rows[0] if forms_of_rows else None, ""
        if form is not None:
            form.add_error(member if member in form.fields else None, one.message)
