"""The console as a door to the registrations: it translates, shows what they say, and has no rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from django import forms
from django.http import HttpRequest

from accounts.console import actor
from accounts.console_forms import ConsoleForm
from accounts.fresh_proof import is_fresh
from projects.actors import Actor
from projects.console import forget_roles, roles_of
from projects.problems import Problem

if TYPE_CHECKING:
    InlineFormSet = forms.BaseInlineFormSet[Any, Any, Any]
else:
    InlineFormSet = forms.BaseInlineFormSet

Value = TypeVar("Value")


def actor_of(request: HttpRequest) -> Actor:
    """Whoever is signed in, as registrations ask them; asked once per request how long ago they proved who they are."""
    by, kept = Actor.person(actor(request), roles_of(request)), vars(request)
    if by.rights and "proof_is_fresh" not in kept:
        kept["proof_is_fresh"] = is_fresh(request)
    return by if kept.get("proof_is_fresh", True) else by.before_proof()


def actor_anew(request: HttpRequest) -> Actor:
    """The same once a lock is held: whoever waited for it may have lost the role meanwhile."""
    forget_roles(request)
    return actor_of(request)


class DoorForm(ConsoleForm):
    """Its row stays as it is: a registration writes it."""

    # Fields of the form by the JSON names of problems, where they differ.
    names: ClassVar[Mapping[str, str]] = {}

    @property
    def by(self) -> Actor:
        return actor_of(self.request)

    def _post_clean(self) -> None:
        """Django would give the row what was typed, and judge it by itself."""

    def show(self, problems: Iterable[Problem]) -> None:
        """Each problem on its field, but on none that was refused before: it judges a value nobody typed."""
        refused = set(self.errors)
        for one in problems:
            field = self.names.get(one.name, one.name)
            if field not in refused:
                self.add_error(field if field in self.fields else None, one.message)

    def words(self, name: str) -> tuple[str, ...]:
        """The lines of a textarea."""
        return tuple(str(self.cleaned_data[name]).split())


class DoorFormSet(InlineFormSet, Generic[Value]):
    """Rows of a page as the items of one list: those it shows, and those somebody added since it was opened."""

    def typed(self, form: Any) -> Value:
        """What a row of the page says."""
        raise NotImplementedError

    def stored(self, row: Any) -> Value:
        """What a row of the database says."""
        raise NotImplementedError

    def judge(self, values: tuple[Value, ...]) -> Iterable[Problem]:
        """What a registration says of them. The only number in a problem's path is the place in the list."""
        raise NotImplementedError

    def items(self) -> list[tuple[Value, forms.BaseForm | None]]:
        """The list that is wanted, each item with its row of the page."""
        said = [(self.typed(form), form) for form in self.forms if _says(form)]
        unseen = [(self.stored(row), None) for row in self._unseen()]
        shown = sum(form.instance.pk is not None for _value, form in said)  # they come first
        return [*said[:shown], *unseen, *said[shown:]]

    def _unseen(self) -> list[Any]:
        if self.instance.pk is None or self.model is None:
            return []
        rows = self.model._default_manager.filter(**{self.fk.name: self.instance})
        return list(rows.exclude(pk__in=[form.instance.pk for form in self.initial_forms]).order_by("pk"))

    def values(self) -> tuple[Value, ...]:
        return tuple(value for value, _form in self.items())

    def clean(self) -> None:
        super().clean()
        items = self.items()
        for one in self.judge(tuple(value for value, _form in items)):
            form = items[int(one.field.partition("[")[2].partition("]")[0])][1]
            field = one.field.rpartition(".")[2]
            if form is not None and field not in form.errors:
                form.add_error(field, one.message)


def _says(form: Any) -> bool:
    """Whether a row counts: neither empty, nor wrong, nor to be deleted."""
    return bool(form.is_valid() and form.cleaned_data and not form.cleaned_data.get("DELETE"))
