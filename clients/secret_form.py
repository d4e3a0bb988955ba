"""The console's form for a new secret of a client."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy


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
    others = forms.TypedChoiceField(
        label=gettext_lazy("The one it has"),
        choices=[
            ("", gettext_lazy("works until you revoke it")),
            ("1", gettext_lazy("works for one more day")),
            ("7", gettext_lazy("works for one more week")),
        ],
        widget=forms.RadioSelect(attrs={"class": "radiolist"}),
        coerce=int,
        empty_value=None,
        required=False,
        initial="",
        help_text=gettext_lazy("Both work meanwhile, so that the app can change over."),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput, max_length=20)

    @property
    def others_end_at(self) -> datetime | None:
        days: int | None = self.cleaned_data.get("others")
        return timezone.now() + timedelta(days=days) if days else None

    @property
    def expires_at(self) -> datetime | None:
        days: int | None = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None
