"""The console's forms for projects, their members and their APIs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from accounts.console_forms import LinesField
from accounts.models import User
from accounts.normalization import MAX_MAIL_ADDRESS
from projects import admission, api_registration, inviting, registration, sign_in_fields
from projects.actors import Actor
from projects.door import DoorForm, DoorFormSet
from projects.inviting import Wanted
from projects.metadata import ApiMetadata, Membership, ProjectMetadata, Scope
from projects.models import Api, ApiScope, Member, Project
from projects.problems import Problem, new_problems
from projects.rules import LONGEST_LIFETIME
from projects.sign_in_fields import names_field
from projects.suggested_key import SuggestedKey

LINES = ("test_users", "guest_hosts")  # fields of a project that are a list


class ProjectForm(SuggestedKey):
    longest_grant = forms.IntegerField(
        label=gettext_lazy("Longest grant in seconds"),
        help_text=gettext_lazy(
            "What a person allowed an app ends by itself so long after they allowed it. Shortened, it cuts what was "
            "allowed before; lengthened, it gives nothing back. Empty: until they or the app end it."
        ),
        required=False,
        min_value=1,
        max_value=LONGEST_LIFETIME,
    )
    guest_hosts = LinesField(
        label=gettext_lazy("Hosts of guest apps"),
        help_text=gettext_lazy(
            "With “those of the listed hosts”: one per line, such as agent.example. localhost stands for apps on "
            "people's own devices, a scheme such as com.example.app: for one of them. Who is taken off the list, or "
            "a door that is closed, ends everything that guest apps have here."
        ),
    )
    guest_longest_grant = forms.IntegerField(
        label=gettext_lazy("Longest grant to guest apps in seconds"),
        help_text=gettext_lazy("As above, for guest apps. The shorter of both counts. Empty: as above."),
        required=False,
        min_value=1,
        max_value=LONGEST_LIFETIME,
    )
    test_users = LinesField(
        label=gettext_lazy("Test users"),
        help_text=gettext_lazy(
            "Usernames, one per line. While the project is in testing only they may sign in; whoever is taken off the "
            "list ends every token of the project."
        ),
    )

    let_in = names_field()

    class Meta:
        model = Project
        fields = [
            *("name", "key", "status", "test_users", "sign_in", "consent_mode", "cross_client", "longest_grant"),
            *("tokens_not_before", "require_pushed_authorization_requests", "profile"),
            *("guest_apps", "guest_hosts", "guest_longest_grant"),
            *("consent_uri", "subject_type"),
        ]
        error_messages = {"key": {"invalid": gettext_lazy("Use lower case letters, digits and hyphens.")}}
        help_texts = {
            "name": gettext_lazy("Shown here, and to people unless the consent screen says another name."),
            "key": gettext_lazy("Stable name used in files and commands; lower case. Empty: made of the name."),
            "status": gettext_lazy(
                "Only a superuser changes this. Every token of the project's clients ends for good when it changes."
            ),
            "guest_apps": gettext_lazy(
                "Apps that registered themselves and belong to no project, such as agents that people bring. People "
                "are always asked, and see the app's host first. Which scopes they may allow is said at each API."
            ),
            "consent_mode": gettext_lazy(
                "People who are asked see what they share. Only a superuser makes a project first party."
            ),
            "cross_client": gettext_lazy(
                "With a person's refresh token one client may get an ID token made for another client here."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["let_in"] = [*admission.let_in(self.instance).names]
        self.initial["test_users"] = [user.get_username() for user in self.initial.get("test_users") or ()]

    names = {"id": "key", "sign_in": "let_in"}
    wanted: ProjectMetadata

    def clean(self) -> dict[str, Any]:
        super().clean()
        current = self.instance if self.instance.pk else None
        before = registration.metadata_of(current) if current else ProjectMetadata(id=self.cleaned_data.get("key", ""))
        said = {name: self.cleaned_data[name] for name in registration.COLUMNS if name in self.cleaned_data}
        said |= {name: self.words(name) for name in LINES if name in self.cleaned_data}
        said |= sign_in_fields.typed(self.cleaned_data)
        self.wanted = replace(before, **said)
        self.show(registration.problems(self.wanted, self.by, current))
        self.cleaned_data |= {name: said[name] for name in LINES if name in said}
        return self.cleaned_data


class MemberForm(DoorForm):
    """A member is named by the exact username, never chosen from a list: nobody learns who else has an account.

    Owners of a project can tell whether a username they type exists. That is the price of adding members at all, and
    the reason why editors cannot.
    """

    username = forms.CharField(
        label=gettext_lazy("Username or e-mail address"),
        max_length=MAX_MAIL_ADDRESS,
        help_text=gettext_lazy(
            "The exact username; or an e-mail address, and an invitation goes there. A superuser lets the person into "
            "this console (staff status)."
        ),
    )
    invites: Wanted | None = None  # what an address in place of a username stands for

    class Meta:
        model = Member
        fields = ["role"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["username"].disabled = True
            self.initial["username"] = self.instance.user.get_username()

    def clean(self) -> dict[str, Any]:
        """The history names the row by the person and the role."""
        super().clean()
        named, role = str(self.cleaned_data.get("username", "")), self.cleaned_data.get("role")
        if "@" in named and role and self.instance.pk is None:
            self.invites = Wanted(email=named, role=role)
            return self.cleaned_data
        self.instance.role = self.cleaned_data.get("role", self.instance.role)
        person = User.objects.filter(username=self.cleaned_data.get("username", "")).first()
        if person is not None and self.instance.pk is None:
            self.instance.user = person
        return self.cleaned_data

    def has_changed(self) -> bool:
        """An invitation is no member yet."""
        return self.invites is None and super().has_changed()


class MemberFormSet(DoorFormSet[Membership]):
    def items(self) -> list[tuple[Membership, forms.BaseForm | None]]:
        return [one for one in super().items() if getattr(one[1], "invites", None) is None]

    def invited(self) -> list[tuple[MemberForm, Wanted]]:
        """Rows with an address in place of a username."""
        rows = [form for form in self.forms if form.is_valid() and not form.cleaned_data.get("DELETE")]
        return [(form, form.invites) for form in rows if form.invites is not None]

    def clean(self) -> None:
        super().clean()
        for form, wanted in self.invited():
            for problem in inviting.problems(wanted, self.instance, form.by):
                form.add_error("role" if problem.field == "role" else "username", problem.message)

    def typed(self, form: MemberForm) -> Membership:
        return Membership(form.cleaned_data["username"], form.cleaned_data["role"])

    def stored(self, row: Member) -> Membership:
        return Membership(row.user.get_username(), row.role)

    def judge(self, values: tuple[Membership, ...]) -> list[Problem]:
        return list(registration.member_problems(values))


class ApiForm(DoorForm):
    token_lifetime = forms.IntegerField(
        label=gettext_lazy("Access token lifetime in seconds"),
        help_text=gettext_lazy(
            "Tokens for this API live no longer than this. Empty: as the client says, but for clients of other "
            "projects an hour at most."
        ),
        required=False,
        min_value=1,
        max_value=LONGEST_LIFETIME,
    )
    shared_with = LinesField(
        label=gettext_lazy("Listed projects"),
        help_text=gettext_lazy("Keys of projects, one per line."),
    )

    class Meta:
        model = Api
        fields = [
            "project",
            "identifier",
            "name",
            "description",
            "token_format",
            "token_signing_alg",
            "token_lifetime",
            "tokens_not_before",
            "shared",
            "shared_with",
        ]
        help_texts = {
            "identifier": gettext_lazy(
                "An absolute URI such as https://api.example.com/orders. Tokens for this API carry it as “aud”."
            ),
            "token_format": gettext_lazy(
                "Opaque tokens are asked about at the introspection endpoint; JWTs are checked with the JWKS alone. "
                "Clients of other projects get JWTs only where this says so."
            ),
            "shared": gettext_lazy("Whose clients may list this API among their audiences."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["shared_with"] = [project.key for project in self.initial.get("shared_with") or ()]

    wanted: ApiMetadata

    @property
    def current(self) -> Api | None:
        """The row before the change; None: it is a new API."""
        return self.instance if self.instance.pk else None

    def problems(self, wanted: ApiMetadata, project: Project, by: Actor) -> list[Problem]:
        return api_registration.problems(wanted, project, by, self.current)

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned, current = self.cleaned_data, self.current
        before = api_registration.metadata_of(current) if current else ApiMetadata(identifier="")
        said = {name: cleaned[name] for name in (*api_registration.COLUMNS, "identifier") if name in cleaned}
        if "tokens_not_before" not in self.changed_data:
            said.pop("tokens_not_before", None)  # the page shows whole seconds
        if "shared_with" in cleaned:
            said["shared_with"] = self.words("shared_with")
        self.wanted = replace(before, **said)
        project: Project | None = current.project if current else cleaned.get("project")
        if project is not None:
            self.show(self.problems(self.wanted, project, self.by))
        if "shared_with" in cleaned:
            cleaned["shared_with"] = self.words("shared_with")
        return cleaned


class ApiScopeForm(DoorForm):
    class Meta:
        model = ApiScope
        fields = ["name", "description", "sensitive", "guests"]

    def clean(self) -> dict[str, Any]:
        super().clean()
        self.instance.name = self.cleaned_data.get("name", "")  # the history names the row by it
        return self.cleaned_data


class ApiScopeFormSet(DoorFormSet[Scope]):
    def typed(self, form: ApiScopeForm) -> Scope:
        cleaned = form.cleaned_data
        marks = (cleaned.get(name, False) for name in ("sensitive", "guests"))
        return Scope(cleaned["name"], cleaned["description"], *marks)

    def stored(self, row: ApiScope) -> Scope:
        return Scope(row.name, row.description, row.sensitive, row.guests)

    def judge(self, values: tuple[Scope, ...]) -> list[Problem]:
        had = tuple(map(self.stored, self.instance.scopes.all())) if self.instance.pk else ()
        wanted, before = ApiMetadata(identifier="", scopes=values), ApiMetadata(identifier="", scopes=had)
        return new_problems(lambda one: api_registration.scope_problems(one.scopes), wanted, before)
