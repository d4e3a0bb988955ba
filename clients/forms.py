"""The console's forms for clients, their audiences and their secrets."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from accounts.console_forms import LinesField
from clients.around import Around
from clients.form_texts import HELP
from clients.metadata import CERTIFICATE_NAMES, FIXED_FOR_PUBLIC, PUBLIC_METHOD, Audience, ClientMetadata
from clients.models import AudienceEntry, Client
from clients.models.allowlist import EntryMode
from clients.models.choices import GrantType
from clients.models.response_type import ResponseType, usual
from clients.policy import HELD, listing_problems, metadata_of, problems
from clients.rules import LIFETIMES as ALWAYS
from clients.rules import LIFETIMES_OR_NONE, SHOWN_URIS, TEXTS, URI_LISTS, audience_problems
from projects import admission
from projects.actors import Right
from projects.door import DoorForm, DoorFormSet, actor_of
from projects.models import Project
from projects.problems import Problem, new_problems
from projects.rules import LONGEST_LIFETIME
from projects.sign_in_fields import names_field, typed

LIFETIMES = (*ALWAYS, *LIFETIMES_OR_NONE)
LINES = (*URI_LISTS, "introspects", "allowed_callers", "acts_for", *TEXTS, "administers")
ABOUT = ("application_type", *SHOWN_URIS, "initiate_login_uri", "default_max_age")
BOXES = ("grant_types", "response_types")
# Fields whose value is that of the metadata of the same name.
SAME = (
    "client_id",
    "enabled",
    "client_type",
    "token_endpoint_auth_method",
    "backchannel_logout_uri",
    "scope",
    "access_token_format",
    *LIFETIMES,
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "authorization_signed_response_alg",
    "require_pkce",
    "require_pushed_authorization_requests",
    "profile",
    "rotate_refresh_tokens",
    "refresh_tokens",
    "tokens_not_before",
    "cross_client_public",
    "introspection",
    "dpop_bound_access_tokens",
    "jwks_uri",
    "token_endpoint_auth_signing_alg",
    "request_object_signing_alg",
    "tls_client_certificate_bound_access_tokens",
    *CERTIFICATE_NAMES,
    *ABOUT,
)


def _column(name: str) -> models.Field[Any, Any]:
    return cast("models.Field[Any, Any]", Client._meta.get_field(name))


def _lifetime(name: str) -> forms.IntegerField:
    column = _column(name)
    return forms.IntegerField(
        label=capfirst(column.verbose_name),
        help_text=HELP[name],
        required=not column.blank,
        min_value=1,
        max_value=LONGEST_LIFETIME,
        initial=column.get_default(),
    )


def _lines(name: str, **kwargs: Any) -> LinesField:
    return LinesField(label=capfirst(_column(name).verbose_name), help_text=HELP[name], **kwargs)


class ClientForm(DoorForm):
    name = forms.CharField(max_length=255, label=gettext_lazy("Name"), help_text=HELP["name"])
    grant_types = forms.MultipleChoiceField(
        choices=GrantType.choices,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "radiolist"}),
        required=False,
        label=gettext_lazy("Grant types"),
        help_text=HELP["grant_types"],
    )
    response_types = forms.MultipleChoiceField(
        choices=ResponseType.choices,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "radiolist"}),
        required=False,
        initial=usual,
        label=gettext_lazy("Response types"),
        help_text=HELP["response_types"],
    )
    redirect_uris = _lines("redirect_uris")
    post_logout_redirect_uris = _lines("post_logout_redirect_uris")
    scope = _lines("scope", separator=" ")
    introspects = _lines("introspects")
    allowed_callers = _lines("allowed_callers")
    acts_for = _lines("acts_for")
    contacts = _lines("contacts")
    default_acr_values = _lines("default_acr_values")
    administers = _lines("administers")
    let_in = names_field()
    access_token_lifetime = _lifetime("access_token_lifetime")
    id_token_lifetime = _lifetime("id_token_lifetime")
    refresh_token_lifetime = _lifetime("refresh_token_lifetime")
    refresh_token_idle_lifetime = _lifetime("refresh_token_idle_lifetime")

    class Meta:
        model = Client
        fields = [
            "project",
            "name",
            "client_id",
            "enabled",
            "client_type",
            "token_endpoint_auth_method",
            "grant_types",
            "response_types",
            "redirect_uris",
            "post_logout_redirect_uris",
            "backchannel_logout_uri",
            "scope",
            "access_token_format",
            *LIFETIMES,
            "id_token_signed_response_alg",
            "userinfo_signed_response_alg",
            "authorization_signed_response_alg",
            "require_pkce",
            "require_pushed_authorization_requests",
            "profile",
            "rotate_refresh_tokens",
            "refresh_tokens",
            "tokens_not_before",
            "allowed_callers",
            "cross_client_public",
            "introspection",
            "introspects",
            "acts_for",
            "dpop_bound_access_tokens",
            "jwks_uri",
            "token_endpoint_auth_signing_alg",
            "request_object_signing_alg",
            "tls_client_certificate_bound_access_tokens",
            *CERTIFICATE_NAMES,
            *ABOUT,
            *TEXTS,
            *("administers", "sign_in"),
        ]
        help_texts = HELP

    names = {"client_name": "name", "sign_in": "let_in"}
    wanted: ClientMetadata

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("redirect_uris", "post_logout_redirect_uris", "scope"):
            self.initial[name] = str(self.initial.get(name) or "").split()
        for name in ("introspects", "allowed_callers"):
            self.initial[name] = [client.client_id for client in self.initial.get(name) or ()]
        self.initial["acts_for"] = [api.identifier for api in self.initial.get("acts_for") or ()]
        self.initial["let_in"] = [*admission.let_in(self.instance).names]
        self.initial["administers"] = list(metadata_of(self.current).administers) if self.current else []
        if self.instance.held and not self.by.may(Right.OVERRULE_MEMBERS) and "enabled" in self.fields:
            self.fields["enabled"].help_text = HELD
        if self.instance.pk is None:
            self.initial = {"client_type": Client.CLIENT_CONFIDENTIAL, **self.initial}

    @property
    def current(self) -> Client | None:
        """The row before the change; None: it is a new client."""
        return self.instance if self.instance.pk else None

    @property
    def project(self) -> Project | None:
        project: Project | None = self.instance.project if self.instance.pk else self.cleaned_data.get("project")
        return project

    def _wanted(self) -> ClientMetadata:
        """What was typed, its audiences apart: they are in rows below."""
        said = {name: self.cleaned_data[name] for name in SAME if name in self.cleaned_data}
        said |= {name: self.words(name) for name in LINES if name in self.cleaned_data}
        if "name" in self.cleaned_data:
            said["client_name"] = self.cleaned_data["name"]
        said |= {name: tuple(self.cleaned_data[name]) for name in BOXES if name in self.cleaned_data}
        said |= typed(self.cleaned_data)
        if said.get("token_endpoint_auth_method") == PUBLIC_METHOD or said.get("client_type") == Client.CLIENT_PUBLIC:
            said |= dict.fromkeys(FIXED_FOR_PUBLIC)  # the page says that these are no choice
        return (metadata_of(self.current) if self.current else ClientMetadata()).changed(said)

    def clean(self) -> dict[str, Any]:
        super().clean()
        self.wanted = self._wanted()
        if self.project is not None:
            self.instance.project = self.project  # the rows below ask for it
            self.show(problems(self.wanted, self.project, self.by, self.current))
        for name in ("introspects", "allowed_callers", "acts_for", "administers"):
            if name in self.cleaned_data:
                self.cleaned_data[name] = self.words(name)
        return self.cleaned_data


class AudienceEntryForm(DoorForm):
    class Meta:
        model = AudienceEntry
        fields = ["value", "mode", "default"]
        widgets = {"value": forms.TextInput(attrs={"size": 40})}
        help_texts = {
            "default": gettext_lazy(
                "Used when an app asks for no audience at all. "
                "Ticked for you when a new app has client credentials only, and one audience."
            )
        }

    def entry(self) -> Audience:
        """A new row has a mode that nobody chose yet: for what is no address it means nothing."""
        value, mode = self.cleaned_data["value"], self.cleaned_data.get("mode")
        unsaid = self.instance.pk is None and mode == EntryMode.PREFIX
        return Audience(value, None if unsaid else mode, self.cleaned_data.get("default", False))

    def clean(self) -> dict[str, Any]:
        super().clean()
        self.instance.value = self.cleaned_data.get("value", "")  # the history names the row by it
        return self.cleaned_data


class AudienceEntryFormSet(DoorFormSet[Audience]):
    def typed(self, form: AudienceEntryForm) -> Audience:
        return form.entry()

    def stored(self, row: AudienceEntry) -> Audience:
        return Audience(row.value, row.mode, row.default)

    def judge(self, values: tuple[Audience, ...]) -> list[Problem]:
        client: Client = self.instance
        had = metadata_of(client).audience if client.pk else ()
        wanted, before = ClientMetadata(audience=values).with_modes(), ClientMetadata(audience=had)
        found = new_problems(lambda one: audience_problems(one.audience), wanted, before)
        if client.project is None:
            return found
        wrong = {one.field for one in found}
        unlisted = listing_problems(values, actor_of(self.form.request), Around([wanted], client.project), had)
        return found + [one for one in unlisted if one.field not in wrong]
