"""allauth's forms for second factors: our labels, each code accepted once, a browser's input treated as mere data."""

from __future__ import annotations

import binascii
import json
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import context
from allauth.core.internal.cryptokit import compare_user_code, normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from allauth.mfa.totp.internal.auth import (
    SECRET_SESSION_KEY,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.webauthn import forms as webauthn
from allauth.mfa.webauthn.internal import auth
from cryptography.exceptions import UnsupportedAlgorithm
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from fido2.utils import websafe_decode, websafe_encode

from accounts import guesses, normalization, passkeys
from accounts.forms import LabelsMixin
from accounts.models import User
from common import counters, issuer

MAX_CREDENTIAL = 16_000  # characters of what a passkey answers; real answers have one to three thousand
MAX_NAME = 60
LAST_PERIOD = "last_period"  # in the row of an authenticator app: that of the last code that was used
# What the libraries for CBOR, COSE and JSON raise when their input is malformed.
_DECODING_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    UnsupportedAlgorithm,
    binascii.Error,
    struct.error,
)


Answer = dict[str, Any]  # what a browser sends for a passkey: data, until it was taken apart


class CodeMixin(LabelsMixin):
    """The field for a code. A right code is accepted once, although it stays valid for longer."""

    user: User
    cleaned_data: dict[str, str]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("Code")
        self.fields["code"].widget.attrs.update(inputmode="numeric", autocomplete="one-time-code")

    def clean_code(self) -> str:
        guess = guesses.guess(context.request, guesses.CODES, self.user)
        if guess.is_one_too_many():
            guesses.must_wait(context.request)
            raise get_account_adapter().validation_error("too_many_login_attempts")
        try:
            code = self._clean_once()
        except ValidationError:
            guess.was_wrong(context.request)
            raise
        except BaseException:
            guess.take_back()
            raise
        guess.take_back()
        return code

    def _clean_once(self) -> str:
        self.cleaned_data["code"] = normalization.code(self.cleaned_data["code"])
        code: str = super().clean_code()  # type: ignore[misc]
        lifetime = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
        used = salted_hmac("second-factor-used", f"{self.user.pk}:{normalize_user_code(code)}").hexdigest()
        if not counters.is_first_use("second-factor-used", lifetime, used) or not self._is_newer(code):
            raise get_adapter().validation_error("incorrect_code")
        return code

    def _is_newer(self, code: str) -> bool:
        """The database decides, whether or not the cache is there: a period's code works once, and then no older one.

        Recovery codes are crossed out in their row by allauth. The first code of an app has no row yet.
        """
        authenticator = getattr(self, "authenticator", None)
        if authenticator is None or authenticator.type != Authenticator.Type.TOTP:
            return True
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
            period = _period_of(get_adapter().decrypt(row.data["secret"]), code)
            if period <= row.data.get(LAST_PERIOD, 0):
                return False
            row.data[LAST_PERIOD] = period
            row.save(update_fields=["data"])
        return True


def _code(secret: str, period: int) -> str:
    return format_hotp_value(hotp_value(secret, period))


def _period_of(secret: str, code: str) -> int:
    """The latest period that this code is right for; 0 when its time has just run out."""
    periods = yield_hotp_counters_from_time()
    right = [one for one in periods if compare_user_code(actual=code, expected=_code(secret, one))]
    return max(right, default=0)


class AuthenticateForm(CodeMixin, base.AuthenticateForm):
    pass


class ReauthenticateForm(CodeMixin, base.ReauthenticateForm):
    pass


class ActivateTOTPForm(CodeMixin, totp.ActivateTOTPForm):
    """The secret waits in the session for its first code, encrypted there as it will be in the account."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        waiting = context.request.session.get(SECRET_SESSION_KEY)
        super().__init__(*args, **kwargs)
        if self.is_bound and waiting:
            self.secret = get_adapter().decrypt(waiting)
        else:
            context.request.session[SECRET_SESSION_KEY] = get_adapter().encrypt(self.secret)


class CredentialField(forms.JSONField):
    """The answer of a passkey as JSON. It is never shown again: each answer is for one challenge."""

    def __init__(self) -> None:
        super().__init__(widget=forms.HiddenInput)

    def to_python(self, value: str | None) -> Any:
        try:
            if len(value or "") > MAX_CREDENTIAL:
                raise ValueError("too long")
            answer = super().to_python(value)
            json.dumps(answer, ensure_ascii=False).encode()  # half a surrogate pair can be neither stored nor shown
        except (RecursionError, ValueError):
            raise get_adapter().validation_error("incorrect_passkey") from None
        return answer

    def bound_data(self, data: object, initial: object) -> object:
        return initial

    def prepare_value(self, value: object) -> str:
        return ""


class CredentialMixin(LabelsMixin):
    """A form that carries the answer of a passkey (WebAuthn Level 3, sections 7.1 and 7.2)."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField()

    @contextmanager
    def rejecting_malformed(self) -> Iterator[None]:
        """A damaged or forged answer is a validation error, never a server error."""
        try:
            yield
        except _DECODING_ERRORS:
            raise get_adapter().validation_error("incorrect_passkey") from None

    def check_origin(self, answer: Answer) -> None:
        """The answer must come from our own page. allauth would also accept pages of subdomains of the issuer."""
        with self.rejecting_malformed():
            client_data = json.loads(websafe_decode(answer["response"]["clientDataJSON"]))
            if client_data["origin"] != issuer.origin() or client_data.get("crossOrigin"):
                raise ValueError("another origin")


class AssertionMixin(CredentialMixin):
    cleaned_data: dict[str, Any]

    def clean_credential(self) -> Authenticator:
        self.check_origin(self.cleaned_data["credential"])
        clean: Callable[[], Authenticator] = super().clean_credential  # type: ignore[misc]
        with self.rejecting_malformed():
            return clean()


class LoginWebAuthnForm(AssertionMixin, webauthn.LoginWebAuthnForm):
    def clean_credential(self) -> Authenticator:
        """A passkey alone must have verified its person, whatever its challenge was for: all pages share one challenge.

        A challenge for the second step asks for no PIN, and whoever found a security key gets one with an account of
        their own. Nor does a key stand alone that its person enrolled as a second step.
        """
        answer = self.cleaned_data["credential"]
        self.check_origin(answer)
        with self.rejecting_malformed():
            said = auth.parse_authentication_response(answer).response
            person = passkeys.person_of(said.user_handle or b"")
            if person is None or not said.authenticator_data.is_user_verified():
                raise ValueError("nobody's, or the person was not verified")
            found: Authenticator = auth.complete_authentication(person, answer)
        if not passkeys.stands_alone(found):
            raise get_adapter().validation_error("not_alone")
        return found


class AuthenticateWebAuthnForm(AssertionMixin, webauthn.AuthenticateWebAuthnForm):
    pass


class ReauthenticateWebAuthnForm(AssertionMixin, webauthn.ReauthenticateWebAuthnForm):
    pass


class AddWebAuthnForm(CredentialMixin, webauthn.AddWebAuthnForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        name = forms.CharField(label=_("Name"), max_length=MAX_NAME, required=False, initial=self.initial["name"])
        name.help_text = _("So that you know it from your others.")
        self.fields["name"] = name
        self.fields["passwordless"].label = _("Sign in with this passkey alone, without the password")
        self.fields["passwordless"].help_text = _("Your device then asks for your face, your finger or a PIN.")
        self.fields["passwordless"].initial = True

    def clean(self) -> dict[str, object]:
        if not self.cleaned_data.get("credential"):
            return self.cleaned_data
        self.check_origin(self.cleaned_data["credential"])
        with self.rejecting_malformed():
            cleaned: dict[str, Any] = super().clean()
            cleaned["credential"] = stored_credential(cleaned["credential"], alone=bool(cleaned.get("passwordless")))
        return cleaned


class EditWebAuthnForm(LabelsMixin, webauthn.EditWebAuthnForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = forms.CharField(label=_("Name"), max_length=MAX_NAME)


def stored_credential(credential: Answer, *, alone: bool) -> dict[str, object]:
    """Only what a sign-in needs later: a browser may add anything to its answer."""
    answer = auth.parse_registration_response(credential)
    key = websafe_encode(answer.raw_id)
    kept = {
        "clientDataJSON": websafe_encode(answer.response.client_data),
        "attestationObject": websafe_encode(answer.response.attestation_object),
    }
    discoverable = credential.get("clientExtensionResults", {}).get("credProps", {}).get("rk")
    extensions = {"credProps": {"rk": discoverable}} if isinstance(discoverable, bool) else {}
    stored = {"id": key, "rawId": key, "type": "public-key", "response": kept, "clientExtensionResults": extensions}
    return {**stored, passkeys.ALONE: alone}
