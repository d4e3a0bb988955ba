"""The form of a new app: what the three questions offer, and their answers as metadata."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django import forms
from django.utils.translation import gettext_lazy

from accounts.console_forms import LinesField
from clients.identifiers import new_client_id
from clients.metadata import ClientMetadata
from clients.new_app import BY_KEY, KINDS, PEOPLE, Answers, Kind, Permission, audiences, wanted
from clients.policy import problems
from projects import quotas
from projects.actors import Actor
from projects.models import Project
from projects.problems import Problem

MOST_APIS = 40  # that are offered; others are typed
FIRST = KINDS[0].key
NOWHERE = gettext_lazy("Say where people are sent back to, such as https://shop.example.com/callback.")


@dataclass(frozen=True, slots=True)
class Box:
    value: str
    name: str
    words: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """An API of the project, and its scopes."""

    api: Box
    scopes: list[Box] = field(default_factory=list)


class NewAppForm(forms.Form):
    kind = forms.ChoiceField(
        choices=[(kind.key, kind.label) for kind in KINDS], initial=FIRST, label=gettext_lazy("What is it?")
    )
    client_id = forms.CharField(max_length=255, widget=forms.HiddenInput)  # sent twice, it is one app and not two
    name = forms.CharField(
        max_length=255,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("People who are asked read it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    redirect_uris = LinesField(
        label=gettext_lazy("Send people back to"),
        help_text=gettext_lazy(
            "One address per line. It has to be exactly what the app sends: no wildcards. While you develop, "
            "http://127.0.0.1:3000/callback and the like are fine."
        ),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocapitalize": "none"}),
    )
    people = forms.MultipleChoiceField(
        choices=PEOPLE,
        required=False,
        initial=[name for name, _words in PEOPLE],
        label=gettext_lazy("What it learns of people"),
    )
    permissions = forms.MultipleChoiceField(required=False)
    apis = forms.MultipleChoiceField(required=False)
    apis_elsewhere = LinesField(
        label=gettext_lazy("APIs of other projects"),
        help_text=gettext_lazy("The exact identifier of each, one per line; its project has to share it."),
        most=quotas.AUDIENCES,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocapitalize": "none"}),
    )
    scopes_elsewhere = LinesField(
        label=gettext_lazy("Their scopes"),
        help_text=gettext_lazy("One per line, as that API calls them."),
        separator=" ",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocapitalize": "none"}),
    )

    wanted: ClientMetadata

    def __init__(self, said: object, project: Project, by: Actor, kind: str = "", api: str = "") -> None:
        """`api`: one of the project's that is ticked at first. What is none of these ticks nothing."""
        first = {"client_id": new_client_id(), "kind": kind if kind in BY_KEY else FIRST, "apis": [api]}
        super().__init__(said, initial=first, label_suffix="")  # type: ignore[arg-type]
        self.project, self.by = project, by
        found = project.apis.prefetch_related("scopes").order_by("name", "identifier")
        self.known = list(found[:MOST_APIS])
        self.more_apis = project.apis.count() > MOST_APIS if len(self.known) == MOST_APIS else False
        choices = self.fields["permissions"], self.fields["apis"]
        values = ([str(Permission(api.identifier, one.name)) for api in self.known for one in api.scopes.all()],)
        for one, offered in zip(choices, (*values, [api.identifier for api in self.known]), strict=True):
            assert isinstance(one, forms.MultipleChoiceField)  # noqa: S101
            one.choices = [(value, value) for value in offered]

    # --- What is offered ---

    def _ticked(self, name: str) -> list[str]:
        value = self[name].value()
        return [str(one) for one in value] if isinstance(value, (list, tuple)) else []

    @property
    def kinds(self) -> list[tuple[Kind, bool]]:
        chosen = str(self["kind"].value())
        return [(kind, kind.key == chosen) for kind in KINDS]

    @property
    def told(self) -> list[Box]:
        ticked = self._ticked("people")
        return [Box(name, name, str(words), name in ticked) for name, words in PEOPLE]

    @property
    def offers(self) -> list[Offer]:
        apis, permissions = self._ticked("apis"), self._ticked("permissions")
        return [
            Offer(
                Box(api.identifier, api.name, api.identifier, api.identifier in apis),
                [
                    Box(value, scope.name, scope.description, value in permissions)
                    for scope in api.scopes.all()
                    for value in [str(Permission(api.identifier, scope.name))]
                ],
            )
            for api in self.known
        ]

    @property
    def opens_elsewhere(self) -> bool:
        """Whether the part for what is not of this project is shown unfolded."""
        names = ("apis_elsewhere", "scopes_elsewhere")
        return self.more_apis or any(self[name].value() or self[name].errors for name in names)

    # --- What was said ---

    def clean(self) -> dict[str, object]:
        said = super().clean() or {}
        kind = BY_KEY.get(self.cleaned_data.get("kind", ""))
        if kind is None:
            return said
        self.answers = self._answers()
        self.wanted = wanted(kind, self.answers)
        self.show(problems(self.wanted, self.project, self.by))
        return said

    def _answers(self) -> Answers:
        said = self.cleaned_data
        pairs = [Permission(*str(one).split(" ", 1)) for one in said.get("permissions", ())]
        return Answers(
            client_id=said.get("client_id", ""),
            name=said.get("name", ""),
            people=tuple(said.get("people", ())),
            permissions=tuple(pairs),
            apis=tuple(said.get("apis", ())),
            redirect_uris=self._lines("redirect_uris"),
            apis_elsewhere=self._lines("apis_elsewhere"),
            scopes_elsewhere=self._lines("scopes_elsewhere"),
        )

    def _lines(self, name: str) -> tuple[str, ...]:
        return tuple(str(self.cleaned_data.get(name, "")).split())

    def show(self, found: Iterable[Problem]) -> None:
        """Each beside what caused it, unless that was refused before."""
        refused = set(self.errors)
        for one in found:
            place = self._place(one)
            if place not in refused:
                unsaid = place == "redirect_uris" and not self.answers.redirect_uris
                self.add_error(place, str(NOWHERE) if unsaid else one.message)

    def _place(self, problem: Problem) -> str | None:
        if problem.name in ("audience", "acts_for"):
            return "apis_elsewhere" if self._asked(problem) in self.answers.apis_elsewhere else "apis"
        if problem.name == "scope":
            return "scopes_elsewhere" if self.answers.scopes_elsewhere else "permissions"
        if problem.name == "client_id":
            return None
        name = {"client_name": "name"}.get(problem.name, problem.name)
        return name if name in self.fields else None

    def _asked(self, problem: Problem) -> str:
        """The API that it is about."""
        named = self.wanted.acts_for or audiences(BY_KEY[self.cleaned_data["kind"]], self.answers)
        index = problem.field.partition("[")[2].partition("]")[0]
        return named[int(index)] if index.isdecimal() and int(index) < len(named) else ""
