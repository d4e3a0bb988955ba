"""Keeps allauth's address rows, with which people sign in, current when somebody else changes an account's e-mail."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db.models.signals import pre_save
from django.dispatch import receiver

from accounts import events, normalization, notices
from accounts.models import AccountEventKind, User


@receiver(pre_save, sender=EmailAddress, dispatch_uid="accounts.normalize_address")
def _normalize_address(instance: EmailAddress, **kwargs: object) -> None:
    """The row is allauth's, which knows small letters only.

    One that came past us may have other letters before the @: that was proved of another mailbox than this.
    """
    before, instance.email = instance.email, normalization.mail_address(instance.email)
    if not normalization.is_same_mailbox(before, instance.email):
        instance.verified = False


def record_change(user: User, before: str) -> None:
    """Record a changed address, whoever changed it: mail that resets the password goes there."""
    if not normalization.is_same_mailbox(before, user.email):
        events.record(user, AccountEventKind.EMAIL_CHANGED if user.email else AccountEventKind.EMAIL_REMOVED, None)


def delete_replaced_address(user: User, before: str) -> None:
    """Delete the previous address: it signs nobody in any more, and gets no mail that resets the password. Where it was
    theirs, it gets one that says so: this is for changes by others."""
    if before and not normalization.is_same_mailbox(before, user.email):
        rows = EmailAddress.objects.filter(pk__in=_rows_of(user, normalization.small(before)))
        if rows.filter(verified=True).exists():
            notices.address_replaced(user, before)
        rows.delete()


def replace_primary_address(user: User, before: str) -> None:
    """Make the account's address the primary one. It is verified only if the person verified it earlier."""
    delete_replaced_address(user, before)
    mine, same = EmailAddress.objects.filter(user=user), _rows_of(user, user.email)
    mine.exclude(pk__in=same).update(primary=False)
    if user.email and not mine.filter(pk__in=same).update(primary=True):
        EmailAddress.objects.create(user=user, email=user.email, primary=True)


def _rows_of(user: User, address: str) -> list[int]:
    """Compared here: databases take more letters for the same."""
    rows = EmailAddress.objects.filter(user=user).values_list("pk", "email")
    return [pk for pk, email in rows if normalization.small(email) == address]
