"""Keeps allauth's address rows, with which people sign in, current when somebody else changes an account's e-mail."""

from __future__ import annotations

from allauth.account.models import EmailAddress

from accounts import events
from accounts.models import AccountEventKind, User


def record_change(user: User, before: str) -> None:
    """Record a changed address, whoever changed it: mail that resets the password goes there."""
    if before.lower() != user.email.lower():
        events.record(user, AccountEventKind.EMAIL_CHANGED if user.email else AccountEventKind.EMAIL_REMOVED, None)


def delete_replaced_address(user: User, before: str) -> None:
    """Delete the previous address: it signs nobody in any more, and gets no mail that resets the password."""
    if before and before.lower() != user.email.lower():
        EmailAddress.objects.filter(user=user, email__iexact=before).delete()


def replace_primary_address(user: User, before: str) -> None:
    """Make the account's address the primary one. It is verified only if the person verified it earlier."""
    delete_replaced_address(user, before)
    mine = EmailAddress.objects.filter(user=user)
    mine.exclude(email__iexact=user.email).update(primary=False)
    if user.email and not mine.filter(email__iexact=user.email).update(primary=True):
        EmailAddress.objects.create(user=user, email=user.email, primary=True)
