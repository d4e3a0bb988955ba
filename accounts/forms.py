"""allauth's forms with our labels instead of placeholders, which vanish while one types."""

from __future__ import annotations

from allauth.account import forms
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.forms import Field, Form
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from accounts import attribute_fields, attributes, events, normalization, sign_in
from accounts.attributes import Editor
from accounts.fields import MailAddressField
from accounts.models import User
from accounts.normalization import MAX_MAIL_ADDRESS
from common.json_type import Json

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
        self.fields["login"].widget.attrs.update(
            autocomplete="username webauthn", autocapitalize="none", spellcheck="false"
        )
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
                if self.account_already_exists:
                    return None, self._of_nobody(request)
                saved: tuple[object, HttpResponse | None] = super().try_save(request)
                return saved
        except IntegrityError:
            messages.error(request, _("Somebody was quicker. Try again."))
            return None, redirect("account_signup")

    def _of_nobody(self, request: HttpRequest) -> HttpResponse:
        """allauth's `prevent_enumeration`, leading where the sign-up does: the pages after it name the app."""
        onward = get_next_redirect_url(request)
        login = Login(user=None, email=self.cleaned_data["email"], redirect_url=onward, signup=True)
        answer: HttpResponse = perform_login(request, login)
        return answer


class ProfileForm(LabelsMixin, Form):
    """What people enter about themselves. Apps get it with the scopes `profile`, `phone` and `address`."""

    def __init__(self, data: QueryDict | None, person: User) -> None:
        self.person, self.before = person, attributes.values_of(person)
        self.definitions = [one for one in attributes.schema().values() if one.editable_for(Editor.PERSON)]
        self.changes: dict[str, Json] = {}
        super().__init__(data)
        self.fields.update(attribute_fields.fields(self.definitions, self.before))

    def clean(self) -> dict[str, object]:
        self.changes = attribute_fields.read_form(self, Editor.PERSON, self.definitions, self.before)
        return self.cleaned_data

    def save(self, request: HttpRequest) -> None:
        attributes.change(self.person, self.changes, events.person(self.person), request)

    @property
    def others(self) -> list[tuple[str, str]]:
        """What is known of them that they cannot change."""
        theirs = {one.name for one in self.definitions}
        return [
            (str(one.label), attribute_fields.shown(self.before[name]))
            for name, one in attributes.schema().items()
            if name not in theirs and name in self.before
        ]


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
