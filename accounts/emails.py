"""The e-mail address of an account that somebody else changes: allauth's rows, which sign people in, follow it."""

from __future__ import annotations

from allauth.account.models import EmailAddress

from accounts import events
from accounts.models import AccountEventKind, User


def record_change(user: User, before: str) -> None:
    """Where mail that resets the password goes is for the person to know, whoever moved it."""
    if before.lower() != user.email.lower():
        events.record(user, AccountEventKind.EMAIL_CHANGED if user.email else AccountEventKind.EMAIL_REMOVED, None)


def delete_replaced_address(user: User, before: str) -> None:
    """The address this account had `before` signs nobody in any more, and gets no mail to reset the password."""
    if before and before.lower() != user.email.lower():
        EmailAddress.objects.filter(user=user, email__iexact=before).delete()


def replace_primary_address(user: User, before: str) -> None:
    """Put the account's address in the place of the one it had; verified only where the person verified it earlier."""
    delete_replaced_address(user, before)
    mine = EmailAddress.objects.filter(user=user)
    mine.exclude(email__iexact=user.email).update(primary=False)
    if user.email and not mine.filter(email__iexact=user.email).update(primary=True):
        EmailAddress.objects.create(user=user, email=user.email, primary=True)
