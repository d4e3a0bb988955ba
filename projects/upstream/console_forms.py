"""The console's form of a connector: it translates, and has no rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console_forms import LinesField
from projects.door import DoorForm
from projects.upstream import registration
from projects.upstream.metadata import ConnectorMetadata
from projects.upstream.models import Connector
from projects.upstream.registration import LISTS, MAPPINGS

MOST_LINES = 200


class MappingField(forms.CharField):
    """Pairs, one per line."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 80, "spellcheck": "false"})

    def prepare_value(self, value: object) -> object:
        return "\n".join(f"{left} = {right}" for left, right in value.items()) if isinstance(value, Mapping) else value

    def to_python(self, value: object) -> dict[str, str]:  # type: ignore[override]
        found: dict[str, str] = {}
        lines = [line for line in str(super().to_python(value) or "").splitlines() if line.strip()]
        for line in lines:
            left, sign, right = (part.strip() for part in line.rpartition(" = "))  # a name of LDAP has some itself
            if not (left and sign and right) or left in found or len(lines) > MOST_LINES:
                raise ValidationError(_("Write one pair per line, as in “this = that”, and each name once."))
            found[left] = right
        return found

    def has_changed(self, initial: object, data: object) -> bool:
        try:
            return self.to_python(self.prepare_value(initial)) != self.to_python(data)
        except ValidationError:
            return True


class ConnectorForm(DoorForm):
    domains = LinesField(
        label=gettext_lazy("Domains that go straight there"),
        help_text=gettext_lazy(
            "One per line, such as example.com. Whoever types an address of such a domain is sent there."
        ),
    )
    owns_domains = LinesField(
        label=gettext_lazy("Domains it owns"),
        help_text=gettext_lazy(
            "One per line. Whoever comes with a verified address of such a domain gets the account that has it."
        ),
    )
    mfa_acr_values = LinesField(
        label=gettext_lazy("Levels that stand for two factors"),
        help_text=gettext_lazy("Values of acr there, one per line. The word mfa in amr always does."),
    )
    attributes = MappingField(
        label=gettext_lazy("Attributes"),
        required=False,
        help_text=gettext_lazy("One per line: the attribute here = the claim there. Taken over at each sign-in."),
    )
    groups = MappingField(
        label=gettext_lazy("Groups"),
        required=False,
        help_text=gettext_lazy("One per line: the group there = the group here. Empty: those that have the same name."),
    )
    client_secret = forms.CharField(
        label=gettext_lazy("Secret"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        strip=False,
        help_text=gettext_lazy("It is never shown. Empty: it stays as it is."),
    )
    new_key = forms.BooleanField(
        label=gettext_lazy("Make a new key"),
        required=False,
        help_text=gettext_lazy(
            "It signs from now on, and the one before no more. Give the provider our metadata anew."
        ),
    )
    names = {"id": "key"}
    wanted: ConnectorMetadata

    class Meta:
        model = Connector
        fields = [
            *("name", "key", "kind", "project", "enabled", "position", "issuer", "tenant", "client_id", "scope"),
            *("metadata_uri", "metadata", "search_base", "search_filter", "creates_people", "trusts_email"),
            *("trusts_mfa", "groups_claim"),
        ]

    @property
    def secret(self) -> str | None:
        return self.cleaned_data.get("client_secret") or None

    def clean(self) -> dict[str, Any]:
        super().clean()
        current = self.instance if self.instance.pk else None
        key = current.key if current else self.cleaned_data.get("key", "")
        before = registration.metadata_of(current) if current else ConnectorMetadata(id=key)
        plain = [one.name for one in fields(ConnectorMetadata) if one.name not in ("id", "project", *LISTS, *MAPPINGS)]
        said = {name: self.cleaned_data[name] for name in plain if name in self.cleaned_data}
        said |= {name: self.words(name) for name in LISTS if name in self.cleaned_data}
        said |= {name: self.cleaned_data[name] for name in MAPPINGS if name in self.cleaned_data}
        project = self.cleaned_data.get("project")
        self.wanted = replace(before, project=project.key if project else "", **said)
        self.show(registration.problems(self.wanted, self.by, current, self.secret))
        return self.cleaned_data
