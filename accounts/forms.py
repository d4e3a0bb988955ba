"""allauth's forms with our labels instead of placeholders, which vanish while one types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.forms import Field, Textarea, TextInput
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from accounts import normalization, sign_in
from accounts.fields import MailAddressField
from accounts.models import User
from accounts.normalization import MAX_MAIL_ADDRESS

if TYPE_CHECKING:
    from django import forms as django_forms

    ModelForm = django_forms.ModelForm[User]
else:
    from django.forms import ModelForm

LABELS = {
    "login": _("User name or e-mail"),
    "email": _("E-mail address"),
    "oldpassword": _("Current password"),
    "password1": _("New password"),
    "password2": _("New password again"),
}


class LabelsMixin:
    """Our labels, without placeholders and colons, and mail addresses as we keep them."""

    fields: dict[str, Field]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        if "email" in self.fields:
            self.fields["email"] = MailAddressField(widget=self.fields["email"].widget, max_length=MAX_MAIL_ADDRESS)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
        for name in LABELS.keys() & self.fields.keys():
            self.fields[name].label = LABELS[name]


class NormalizedPasswords:
    """The two fields of a new password are checked and compared as it is kept, and not as they were typed."""

    cleaned_data: dict[str, str]

    def clean_password1(self) -> str:
        return normalization.password(self.cleaned_data["password1"])

    def clean_password2(self) -> str:
        return normalization.password(self.cleaned_data["password2"])


class LoginForm(LabelsMixin, forms.LoginForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs.update(autocomplete="username", autocapitalize="none", spellcheck="false")
        self.fields["password"].help_text = ""  # the page has the link, behind the button


class SignupForm(LabelsMixin, forms.SignupForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = _("Password")

    def try_save(self, request: HttpRequest) -> tuple[object, HttpResponse | None]:
        """Take the same time whether or not the address has an account. Survive two sign-ups at once."""
        if self.account_already_exists:
            User().set_password(self.cleaned_data["password1"])
        try:
            with transaction.atomic():
                saved: tuple[object, HttpResponse | None] = super().try_save(request)
                return saved
        except IntegrityError:
            messages.error(request, _("Somebody was quicker. Try again."))
            return None, redirect("account_signup")


class ProfileForm(LabelsMixin, ModelForm):
    """What people enter about themselves. Apps get it with the scopes `profile`, `phone` and `address`."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", "phone_number", "address"]
        labels = {
            "first_name": _("Given name"),
            "last_name": _("Family name"),
            "phone_number": _("Phone number"),
            "address": _("Postal address"),
        }
        widgets = {
            "first_name": TextInput(attrs={"autocomplete": "given-name"}),
            "last_name": TextInput(attrs={"autocomplete": "family-name"}),
            "phone_number": TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
            "address": Textarea(attrs={"rows": 3, "autocomplete": "street-address"}),
        }


class ReauthenticateForm(LabelsMixin, forms.ReauthenticateForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""


class ChangePasswordForm(LabelsMixin, NormalizedPasswords, forms.ChangePasswordForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].help_text = ""


class AddEmailForm(LabelsMixin, forms.AddEmailForm):
    pass


class SetPasswordForm(LabelsMixin, NormalizedPasswords, forms.SetPasswordForm):
    pass


class ResetPasswordForm(LabelsMixin, forms.ResetPasswordForm):
    pass


class ResetPasswordKeyForm(LabelsMixin, NormalizedPasswords, forms.ResetPasswordKeyForm):
    def save(self) -> None:
        """The page says "signed out everywhere": in this browser too."""
        super().save()
        sign_in.end_all(self.user)
