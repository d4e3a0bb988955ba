"""How somebody who has no account yet says what will open it: a password, or a passkey."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.webauthn import forms as webauthn
from allauth.mfa.webauthn.internal import auth
from django import forms
from django.contrib.sessions.backends.base import SessionBase
from django.utils.translation import gettext_lazy as _

from accounts import newcomers, normalization
from accounts.mfa_forms import CredentialMixin, stored_credential
from accounts.models import User
from accounts.newcomers import Passkey

HANDLE = "first_passkey_handle"  # in the session: whom the passkey that is being made will name


class FirstPasswordForm(forms.Form):
    password1 = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data, label_suffix="")
        self.user = user

    def clean_password1(self) -> str:
        """As it is kept, and judged beside the address that it must not be like."""
        text = normalization.password(self.cleaned_data["password1"])
        return str(get_adapter().clean_password(text, user=self.user))


class FirstPasskeyForm(CredentialMixin, webauthn.SignupWebAuthnForm):
    """One that signs in alone: there is nothing else yet."""

    def __init__(self, data: Any = None, *, address: str, session: SessionBase) -> None:
        self.session = session
        handle = bytes.fromhex(session.get(HANDLE, "")) or newcomers.new_handle()
        session[HANDLE] = handle.hex()
        user = User(username=address, email=address)
        user.passkey_handle = handle
        super().__init__(data, user=user, initial={"name": str(_("Passkey"))})
        del self.fields["name"]

    def begin(self) -> dict[str, Any]:
        """What the browser makes one of."""
        return auth.begin_registration(self.user, True)

    def clean(self) -> dict[str, object]:
        if not self.cleaned_data.get("credential"):
            return self.cleaned_data
        self.check_origin(self.cleaned_data["credential"])
        with self.rejecting_malformed():
            cleaned: dict[str, Any] = super().clean()
            answer = auth.parse_registration_response(cleaned["credential"]).response
            if not answer.attestation_object.auth_data.is_user_verified():
                raise ValueError("the person was not verified")
            cleaned["credential"] = stored_credential(cleaned["credential"], alone=True)
        return cleaned

    def passkey(self) -> Passkey:
        """The answer, whose handle is used up."""
        handle = bytes.fromhex(self.session.pop(HANDLE))
        return Passkey(str(self.initial["name"]), self.cleaned_data["credential"], handle)
