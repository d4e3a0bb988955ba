"""django-allauth's adapter for second factors: what we decide differently."""

from __future__ import annotations

from urllib.parse import urlsplit

import qrcode
from allauth.account.utils import user_display
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from qrcode.image.svg import SvgPathImage

from accounts import passkeys
from common import sealing

PURPOSE = "second factors"
_SEALED = {"totp": "secret", "recovery_codes": "seed"}


class MFAAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This code is wrong, or it was used already. Try the next one."),
        "not_alone": gettext_lazy("This passkey is a second step. Give your password first, and then this passkey."),
        "incorrect_passkey": gettext_lazy("This did not work. Try again, or use another way."),
    }

    def encrypt(self, text: str) -> str:
        """TOTP secrets and the seed of recovery codes are never in the database in clear."""
        return sealing.seal(PURPOSE, text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(PURPOSE, encrypted_text)

    def build_totp_svg(self, url: str) -> str:
        """A code on a clean screen needs little error correction, and so is half as large."""
        drawing = qrcode.make(url, image_factory=SvgPathImage, error_correction=qrcode.ERROR_CORRECT_L)
        return str(drawing.to_string(encoding="unicode"))

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Passkeys belong to the issuer's host, whatever the Host header says (WebAuthn Level 3, "RP ID")."""
        return {"id": urlsplit(settings.IDP_ISSUER).hostname or "", "name": settings.IDP_NAME}

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, object]:
        """Authenticators name their person by a random handle: the number of a row could be guessed."""
        return {
            "id": passkeys.handle_of(user),
            "display_name": user_display(user),
            "name": self._get_user_identifier(user),
        }

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return _("Passkey") if number == 1 else _("Passkey %(number)s") % {"number": number}


def reseal() -> int:
    """Encrypt every TOTP secret and recovery seed under the first of IDP_KEY_SECRETS. Returns how many there are.

    Rows are locked, so a recovery code that is used meanwhile stays used. Raises sealing.Unreadable, having changed
    nothing.
    """
    number = 0
    with transaction.atomic():
        for row in Authenticator.objects.select_for_update().filter(type__in=_SEALED).order_by("pk"):
            name = _SEALED[row.type]
            row.data = {**row.data, name: sealing.reseal(PURPOSE, row.data[name])}
            row.save(update_fields=["data"])
            number += 1
    return number
