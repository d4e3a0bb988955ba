"""Keeps allauth's address rows, with which people sign in, current when somebody else changes an account's e-mail."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db.models.signals import pre_save
from django.dispatch import receiver

from accounts import events, normalization
from accounts.models import AccountEventKind, User


@receiver(pre_save, sender=EmailAddress, dispatch_uid="accounts.normalize_address")
def _normalize_address(instance: EmailAddress, **kwargs: object) -> None:
    """The row is allauth's, which knows small letters only.

    One that came past us may have other letters before the @: that was proved of another mailbox than this.
    """
    before = instance.email.lower()
    instance.email = normalization.mail_address(instance.email)
    if before.rpartition("@")[0] != instance.email.rpartition("@")[0]:
        instance.verified = False


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
