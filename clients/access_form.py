"""The short form of an app: where people come back to, what it may ask for, and whom it lets in.

It offers what its project has, to be ticked; what is of elsewhere is typed. The long form has everything else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import Any, TypeAlias, cast

from django import forms
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console_forms import LinesField
from clients.forms import ClientForm
from clients.metadata import Audience, ClientMetadata
from clients.models.choices import GrantType
from clients.policy import metadata_of
from projects.models import Api
from projects.problems import Problem
from projects.scopes import SIGN_IN_SCOPES

MOST_APIS = 40  # that are offered to be ticked; more are typed
BACK, WHO = ("redirect_uris", "post_logout_redirect_uris"), ("sign_in", "let_in")  # of apps that sign people in
GETS = ("apis", "audiences", "scopes", "scope", "seen")
BY_ITSELF = frozenset({GrantType.CLIENT_CREDENTIALS, GrantType.TOKEN_EXCHANGE})
Choice: TypeAlias = tuple[str, str]
Group: TypeAlias = tuple[str, list[Choice]]
STALE = gettext_lazy("Somebody changed this app since the page was shown. Open it again, and change what is there now.")


def speaks_for_people(client: ClientMetadata) -> bool:
    return not BY_ITSELF.issuperset(client.grant_types)


class AccessForm(ClientForm):
    watches_itself = True
    names = {**ClientForm.names, "audience": "audiences"}
    apis = forms.MultipleChoiceField(
        required=False,
        label=gettext_lazy("APIs of this project"),
        help_text=gettext_lazy("What it may get tokens for."),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "radiolist"}),
    )
    audiences = LinesField(
        label=gettext_lazy("Other addresses"),
        help_text=gettext_lazy("APIs of other projects, or a part of one: the exact address, one per line."),
    )
    scopes = forms.MultipleChoiceField(
        required=False,
        label=gettext_lazy("Scopes"),
        help_text=gettext_lazy("What it may ask for there, and of people."),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "radiolist"}),
    )
    scope = LinesField(
        label=gettext_lazy("Other scopes"),
        help_text=gettext_lazy("Of APIs of other projects, one per line."),
        separator=" ",
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.fields) - {*GETS, *(BACK + WHO if speaks_for_people(self.had) else ())}:
            del self.fields[name]
        for name in ("post_logout_redirect_uris", "audiences", "scope", "let_in"):
            if name in self.fields:
                self.fields[name].widget.attrs["rows"] = 2
        self._offer("apis", [(one.identifier, _named(one.name, one.identifier)) for one in self._own], self._listed)
        self._offer("scopes", self._offered, self.had.scopes)
        ticked = {*self.initial["apis"], *self.initial["scopes"]}
        self.initial["audiences"] = [one for one in self._listed if one not in ticked]
        self.initial["scope"] = [one for one in self.had.scopes if one not in ticked]
        self.initial["seen"] = _mark(self.had)

    @cached_property
    def had(self) -> ClientMetadata:
        return metadata_of(self.instance)

    @cached_property
    def _own(self) -> list[Api]:
        return list(Api.objects.filter(project=self.instance.project).prefetch_related("scopes")[:MOST_APIS])

    @property
    def _listed(self) -> list[str]:
        return [one.value for one in self.had.audience]

    @cached_property
    def _offered(self) -> list[Group]:
        """By what they are of. The same name may be a scope of several APIs, and is one."""
        people: list[Choice] = [(name, _named(_(one.words), name)) for name, one in SIGN_IN_SCOPES.items()]
        groups: list[Group] = [(_("People"), people)] if speaks_for_people(self.had) else []
        names: set[str] = set()
        for api in self._own:
            own = [(one.name, _named(one.description, one.name)) for one in api.scopes.all() if one.name not in names]
            names |= {name for name, _words in own}
            groups += [(api.name, own)] if own else []
        return groups

    def _offer(self, name: str, choices: Sequence[Choice | Group], has: Iterable[str]) -> None:
        field = cast(forms.MultipleChoiceField, self.fields[name])
        field.choices = choices
        self.initial[name] = [one for one in has if field.valid_value(one)]

    def clean(self) -> dict[str, Any]:
        """What this form would undo without a word, somebody else has just decided."""
        super().clean()
        if self.cleaned_data.get("seen") != _mark(self.had):
            self.add_error(None, str(STALE))
        return self.cleaned_data

    def _wanted(self) -> ClientMetadata:
        wanted = super()._wanted()
        said: dict[str, Any] = {}
        if {"scopes", "scope"} <= self.cleaned_data.keys():
            said["scope"] = " ".join(_in_order(self.had.scopes, self.cleaned_data["scopes"], self.words("scope")))
        if {"apis", "audiences"} <= self.cleaned_data.keys():
            entries = {one.value: one for one in self.had.audience}
            values = _in_order(self._listed, self.cleaned_data["apis"], self.words("audiences"))
            said["audience"] = tuple(entries.get(one, Audience(one)) for one in values)
        return wanted.changed(said)

    def show(self, problems: Iterable[Problem]) -> None:
        """A problem of a field that is on another tab says where that is."""
        here: list[Problem] = []
        for one in problems:
            name = self.names.get(one.name, one.name)
            if name in self.fields:
                here.append(one)
            else:
                self.add_error(None, self._elsewhere(name, one.message))
        super().show(here)

    def _elsewhere(self, name: str, message: str) -> str:
        url = reverse("admin:clients_client_change", args=[self.instance.pk])
        label = ClientForm.base_fields[name].label if name in ClientForm.base_fields else name
        return format_html('<a href="{}#id_{}">{}</a>: {}', url, name, label, message)


def _named(words: str, name: str) -> str:
    return format_html('{} <span class="identifier">{}</span>', words, name)


def _in_order(before: Iterable[str], *chosen: Iterable[str]) -> list[str]:
    """What was there keeps its place."""
    now = dict.fromkeys(one for some in chosen for one in some)
    kept = [one for one in before if one in now]
    return [*dict.fromkeys([*kept, *now])]


def _mark(has: ClientMetadata) -> str:
    """Of what this form changes."""
    uris, audience = (has.redirect_uris, has.post_logout_redirect_uris), [astuple(one) for one in has.audience]
    shown = repr((uris, audience, has.scope, has.sign_in.who, sorted(has.sign_in.names)))
    return hashlib.sha256(shown.encode()).hexdigest()
