"""What the log of accounts tells of."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class AccountEventKind(models.TextChoices):
    """What can happen to an account, in the words that its person reads."""

    SIGN_IN = "sign_in", _("Signed in")
    SIGN_IN_FAILED = "sign_in.failed", _("Wrong password entered")
    SECOND_STEP_FAILED = "second_step.failed", _("Wrong code entered after the right password")
    LOCKED_OUT = "sign_in.locked_out", _("Sign-in has to wait after too many wrong tries")
    UNLOCKED = "sign_in.unlocked", _("Let in again by an operator before the wait was over")
    SESSION_ENDED = "session.ended", _("Signed out another browser")
    PASSWORD_CHANGED = "password.changed", _("Password changed")
    PASSWORD_RESET = "password.reset", _("Password reset by mail")
    PASSWORD_REPLACED = "password.replaced", _("Password set by an administrator")
    EMAIL_ADDED = "email.added", _("E-mail address added")
    EMAIL_VERIFIED = "email.verified", _("E-mail address verified")
    EMAIL_CHANGED = "email.changed", _("Primary e-mail address changed")
    EMAIL_REMOVED = "email.removed", _("E-mail address removed")
    TOTP_ADDED = "factor.totp_added", _("Authenticator app set up")
    TOTP_REMOVED = "factor.totp_removed", _("Authenticator app turned off")
    PASSKEY_ADDED = "factor.webauthn_added", _("Passkey added")
    PASSKEY_REMOVED = "factor.webauthn_removed", _("Passkey removed")
    RECOVERY_CODES_MADE = "factor.recovery_codes_added", _("Recovery codes made")
    RECOVERY_CODE_USED = "factor.recovery_code_used", _("Recovery code used")
    RECOVERY_CODES_REMOVED = "factor.recovery_codes_removed", _("Recovery codes deleted")
    FACTORS_REMOVED = "factor.all_removed", _("Second steps removed by an administrator")
    FACTORS_RESEALED = "factors.resealed", _("Secrets of second steps encrypted anew")
    PROFILE_CHANGED = "profile.changed", _("Profile changed")
    LINKED = "upstream.linked", _("Sign-in from elsewhere linked")
    UNLINKED = "upstream.unlinked", _("Sign-in from elsewhere unlinked")
    SIGNED_OUT_ELSEWHERE = "upstream.signed_out", _("Signed out at the provider elsewhere")
    MAILS_CHOSEN = "mails.chosen", _("Chosen which mails come")
    DELETED = "account.deleted", _("Account deleted")
    GROUPS_CHANGED = "groups.changed", _("Groups changed")
    GROUP_CREATED = "group.created", _("Group added")
    GROUP_CHANGED = "group.changed", _("Group changed")
    GROUP_DELETED = "group.deleted", _("Group deleted")
    ATTRIBUTE_CREATED = "attribute.created", _("Attribute added")
    ATTRIBUTE_CHANGED = "attribute.changed", _("Attribute changed")
    ATTRIBUTE_DELETED = "attribute.deleted", _("Attribute deleted")
    DEACTIVATED = "account.deactivated", _("Account deactivated by an administrator")
    ACTIVATED = "account.activated", _("Account activated by an administrator")
    RIGHTS_CHANGED = "rights.changed", _("Rights in the console changed by an administrator")
