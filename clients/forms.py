"""The console's forms for clients, their audiences and their secrets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console_forms import ConsoleForm, LinesField, shortened
from clients.form_texts import HELD, HELP
from clients.models import AudienceEntry, Client
from clients.models.client import AuthMethod, GrantType, Introspection
from projects import access, matcher
from projects.apis import refusal_to_list, resolve
from projects.forms import LONGEST_LIFETIME
from projects.models import Api, ApiScope, Project
from projects.scopes import SIGN_IN_SCOPES

if TYPE_CHECKING:
    InlineFormSet = forms.BaseInlineFormSet[Any, Any, Any]
else:
    InlineFormSet = forms.BaseInlineFormSet

LIFETIMES = ("access_token_lifetime", "id_token_lifetime", "refresh_token_lifetime", "refresh_token_idle_lifetime")


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


class ClientForm(ConsoleForm):
    name = forms.CharField(max_length=255, label=gettext_lazy("Name"), help_text=HELP["name"])
    grant_types = forms.MultipleChoiceField(
        choices=GrantType.choices,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "radiolist"}),
        required=False,
        label=gettext_lazy("Grant types"),
        help_text=HELP["grant_types"],
    )
    redirect_uris = _lines("redirect_uris")
    post_logout_redirect_uris = _lines("post_logout_redirect_uris")
    scope = _lines("scope", separator=" ")
    introspects = _lines("introspects")
    allowed_callers = _lines("allowed_callers")
    acts_for = _lines("acts_for")
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
            "redirect_uris",
            "post_logout_redirect_uris",
            "backchannel_logout_uri",
            "scope",
            "access_token_format",
            *LIFETIMES,
            "id_token_signed_response_alg",
            "userinfo_signed_response_alg",
            "require_pkce",
            "rotate_refresh_tokens",
            "tokens_not_before",
            "allowed_callers",
            "cross_client_public",
            "introspection",
            "introspects",
            "acts_for",
        ]
        help_texts = HELP

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("redirect_uris", "post_logout_redirect_uris", "scope"):
            self.initial[name] = str(self.initial.get(name) or "").split()
        for name in ("introspects", "allowed_callers"):
            self.initial[name] = [client.client_id for client in self.initial.get(name) or ()]
        self.initial["acts_for"] = [api.identifier for api in self.initial.get("acts_for") or ()]
        if self.instance.held and not self.actor.is_superuser and "enabled" in self.fields:
            self.fields["enabled"].help_text = HELD
        if self.instance.pk is None:
            self.initial = {"require_pkce": True, "client_type": Client.CLIENT_CONFIDENTIAL, **self.initial}

    @property
    def project(self) -> Project | None:
        project: Project | None = self.instance.project if self.instance.pk else self.cleaned_data.get("project")
        return project

    def clean_enabled(self) -> bool:
        enabled: bool = self.cleaned_data["enabled"]
        if enabled and self.instance.held and not self.actor.is_superuser:
            raise ValidationError(HELD)
        return enabled

    def clean_scope(self) -> str:
        scope: str = self.cleaned_data["scope"]
        if self.project is None:
            return scope
        had = self.instance.scope.split()  # from a file, or of an API that went: no reason to refuse another change
        known = {*SIGN_IN_SCOPES, *_scopes_of(self.project), *had}
        if unknown := [name for name in scope.split() if name not in known]:
            raise ValidationError(
                _("Unknown: %(names)s. Add the scope to an API of the project, or have its API shared with it.")
                % {"names": shortened(unknown)}
            )
        return scope

    def clean_allowed_callers(self) -> list[Client]:
        """Only clients of one project get ID tokens for each other, whoever allows it (protocol section 2)."""
        named = self.cleaned_data["allowed_callers"].split()
        return self._found(named, "client_id", Client.objects.filter(project=self.project))

    def clean_introspects(self) -> list[Client]:
        return self._in_reach("introspects", "client_id", Client.objects.all())

    def clean_acts_for(self) -> list[Api]:
        return self._in_reach("acts_for", "identifier", Api.objects.all())

    def _in_reach(self, name: str, column: str, rows: Any) -> list[Any]:
        """Those of the project and those named before; any, for a superuser (protocol section 0)."""
        named = self.cleaned_data[name].split()
        if not self.actor.is_superuser:
            within = rows.filter(project=self.project)
            rows = within | rows.filter(pk__in=getattr(self.instance, name).all()) if self.instance.pk else within
        return self._found(named, column, rows)

    @staticmethod
    def _found(named: list[str], column: str, rows: Any) -> list[Any]:
        """One answer for what does not exist and for what is somebody else's."""
        found = {getattr(row, column): row for row in rows.filter(**{f"{column}__in": named})}
        if unknown := [name for name in named if name not in found]:
            raise ValidationError(_("Not found in this project: %(names)s.") % {"names": shortened(unknown)})
        return [found[name] for name in named]

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        if cleaned.get("client_type") == Client.CLIENT_PUBLIC:
            if cleaned.get("token_endpoint_auth_method") != AuthMethod.NONE:
                self.add_error(
                    "token_endpoint_auth_method",
                    _("A public client cannot keep a secret: choose “None”, or make it confidential."),
                )
            # What a public client always has and never may; the fields say so.
            cleaned |= {"require_pkce": True, "rotate_refresh_tokens": True, "introspection": Introspection.NONE}
        elif cleaned.get("token_endpoint_auth_method") == AuthMethod.NONE:
            self.add_error(
                "token_endpoint_auth_method",
                _("A confidential client proves who it is: choose how it sends its secret, or make it public."),
            )
        everything = cleaned.get("introspection") == Introspection.ALL
        if everything and "introspection" in self.changed_data and not self.actor.is_superuser:
            self.add_error("introspection", _("Only a superuser may let a client introspect every token."))
        elif not self.actor.is_superuser and self._reaches_out_again():
            self.add_error(
                "introspection",
                _(
                    "It names clients or APIs of other projects below. Only a superuser may let it introspect for them "
                    "again: remove them first."
                ),
            )
        return cleaned

    def _reaches_out_again(self) -> bool:
        """What a superuser granted and then switched off stays off, though the lists still name it."""
        before = self.instance.introspection  # as it is kept: the form changes it later
        if self.instance.pk is None or before == Introspection.ALL:
            return False
        had = self._outside(before, self.instance.introspects.all(), self.instance.acts_for.all())
        named = (self.cleaned_data.get(name) or () for name in ("introspects", "acts_for"))
        return not self._outside(self.cleaned_data.get("introspection", before), *named) <= had

    def _outside(self, introspection: str, clients: Iterable[Client], apis: Iterable[Api]) -> set[Client | Api]:
        """Of these lists what is of other projects and counts (protocol section 8)."""
        rows: list[Client | Api] = [
            *(clients if introspection == Introspection.LISTED else ()),
            *(apis if introspection != Introspection.NONE else ()),
        ]
        return {one for one in rows if one.project_id != self.instance.project_id}


def _scopes_of(project: Project) -> list[str]:
    return list(ApiScope.objects.filter(api__in=access.open_apis(project)).values_list("name", flat=True))


class AudienceEntryForm(ConsoleForm):
    class Meta:
        model = AudienceEntry
        fields = ["value", "mode", "default"]
        widgets = {"value": forms.TextInput(attrs={"size": 40})}

    def clean_value(self) -> str:
        value: str = self.cleaned_data["value"]
        try:
            matcher.parse(value)
        except matcher.Malformed as error:
            raise ValidationError(str(error)) from None
        return value

    def clean(self) -> dict[str, Any]:
        """Without a superuser only registered APIs one may use; one answer for all others (protocol section 0)."""
        super().clean()
        value, client = self.cleaned_data.get("value"), self.cleaned_data.get("client")
        project: Project | None = getattr(client, "project", None)
        if not value or project is None or not self.has_changed() or self.actor.is_superuser:
            return self.cleaned_data
        if resolve(value) is None or refusal_to_list(value, project):
            self.add_error("value", _("Not an API of this project or shared with it. Only a superuser may list it."))
        return self.cleaned_data


class AudienceEntryFormSet(InlineFormSet):
    def clean(self) -> None:
        super().clean()
        # Entries this page does not show: somebody added them since it was opened.
        shown = [form.instance.pk for form in self.initial_forms]
        others = AudienceEntry.objects.filter(client=self.instance.pk).exclude(pk__in=shown)
        seen = set(others.values_list("canonical", flat=True))
        for form in self.forms:
            value = form.cleaned_data.get("value") if form.is_valid() else None
            if not value or form.cleaned_data.get("DELETE"):
                continue
            canonical = matcher.canonical(value)
            if canonical in seen:
                form.add_error("value", _("This audience is listed twice."))
            seen.add(canonical)


class NewSecretForm(forms.Form):
    """`seen` is the newest secret the page showed: sending the same page twice makes one secret, not two."""

    label = forms.CharField(
        label=gettext_lazy("Label"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Where it will be used, such as “production, Frankfurt”."),
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("Works"),
        choices=[
            ("", gettext_lazy("until revoked")),
            ("90", gettext_lazy("for 90 days")),
            ("365", gettext_lazy("for a year")),
        ],
        coerce=int,
        empty_value=None,
        required=False,
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput, max_length=20)

    @property
    def expires_at(self) -> datetime | None:
        days: int | None = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None
