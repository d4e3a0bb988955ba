"""Mails about what happened to an account, beyond those that allauth sends; and which of them people may do without."""

from __future__ import annotations

from collections.abc import Mapping

from allauth.account.adapter import get_adapter
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import events, guesses, sign_in
from accounts.models import AccountEvent, AccountEventKind, User

NEW_BROWSER, APP_ACCESS = "new_browser", "app_access"
# What people may turn off.
CHOICES = {
    NEW_BROWSER: _("Somebody signs in with a browser that is new to your account"),
    APP_ACCESS: _("An app gets access for the first time"),
}
# What everybody gets: who took over an account would turn off these first.
ALWAYS = (
    _("Your password is set, changed or reset"),
    _("An e-mail address is changed or removed"),
    _("An authenticator app or a passkey is added or removed"),
    _("Recovery codes are made, or one is used"),
    _("A sign-in from elsewhere is linked to your account or unlinked"),
    _("An app may use sensitive data of yours"),
    _("Your account is deleted"),
)


def wants(user: User, kind: str) -> bool:
    return kind not in user.muted_mails


def choose(user: User, wanted: set[str], request: HttpRequest) -> None:
    """Of the mails in CHOICES they want these."""
    muted = sorted(set(CHOICES) - wanted)
    if muted == sorted(user.muted_mails):
        return
    user.muted_mails = muted
    user.save(update_fields=["muted_mails"])
    events.record(user, AccountEventKind.MAILS_CHOSEN, request, muted=muted)


def tell(
    user: User,
    template: str,
    said: Mapping[str, object] | None = None,
    *,
    by_others: bool = False,
    to: str | None = None,
) -> None:
    """Once it is kept. Whatever goes wrong with a mail is logged. `by_others`: the browser is not this person's. `to`:
    another address than theirs."""
    context = {**(said or {}), "by_others": by_others}
    transaction.on_commit(lambda: get_adapter().send_notification_mail(template, user, context, to), robust=True)


def password_replaced(user: User) -> None:
    """Somebody else set it: whoever was signed in with the old one is out, and its person hears of it."""
    sign_in.end_all(user)
    events.record(user, AccountEventKind.PASSWORD_REPLACED, None)
    tell(user, "account/email/password_replaced", by_others=True)


def address_replaced(user: User, before: str) -> None:
    """Somebody else did: what resets the password no longer reaches the address that hears of it here."""
    if user.email:
        said = {"from_email": before, "to_email": user.email}
        tell(user, "account/email/email_changed", said, by_others=True, to=before)
    else:
        tell(user, "account/email/email_deleted", {"deleted_email": before}, by_others=True, to=before)


@receiver(mfa.authenticator_used, dispatch_uid="accounts.recovery_code_used")
def _recovery_code_used(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: object) -> None:
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        return
    events.record(user, AccountEventKind.RECOVERY_CODE_USED, request)
    left = len(Authenticator.objects.get(pk=authenticator.pk).wrap().get_unused_codes())  # as it is now
    tell(user, "mfa/email/recovery_code_used", {"left": left})


@receiver(user_logged_in, dispatch_uid="accounts.new_browser")
def _new_browser(request: HttpRequest, user: User, **kwargs: object) -> None:
    """A browser is known by a cookie of ours, and by nothing else. The first of an account is news to nobody."""
    if guesses.knows(request, user) or not wants(user, NEW_BROWSER):
        return
    signed_in = AccountEvent.objects.filter(sub=user.sub, kind=AccountEventKind.SIGN_IN)
    if signed_in[:2].count() > 1:  # this one, and one before
        tell(user, "account/email/new_browser")
