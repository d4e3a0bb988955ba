"""Keeps allauth's address rows, with which people sign in, current when somebody else changes an account's e-mail."""

from __future__ import annotations

from allauth.account import signals as account
from allauth.account.models import EmailAddress
from django.db.models.signals import pre_save
from django.dispatch import Signal, receiver
from django.http import HttpRequest

from accounts import events, normalization, notices
from accounts.models import AccountEventKind, User
from common import clock

# The primary address is another one, or gone, whoever did it. `before` and `after`: where each was proved to be theirs.
changed = Signal()


@receiver(pre_save, sender=EmailAddress, dispatch_uid="accounts.normalize_address")
def _normalize_address(instance: EmailAddress, **kwargs: object) -> None:
    """The row is allauth's, which knows small letters only.

    One that came past us may have other letters before the @: that was proved of another mailbox than this.
    """
    before, instance.email = instance.email, normalization.mail_address(instance.email)
    if not normalization.is_same_mailbox(before, instance.email):
        instance.verified = False


def record_change(user: User, before: str, verified: bool) -> None:
    """Record a changed address, whoever changed it: mail that resets the password goes there.

    `verified`: what `was_verified` said of the one before.
    """
    if not normalization.is_same_mailbox(before, user.email):
        events.record(user, AccountEventKind.EMAIL_CHANGED if user.email else AccountEventKind.EMAIL_REMOVED, None)
        tell(user, before, verified)


def was_verified(user: User, before: str) -> bool:
    """Whether the address of before was proved to be theirs: asked while its row is there."""
    if not before or normalization.is_same_mailbox(before, user.email):
        return False
    return EmailAddress.objects.filter(pk__in=_rows_of(user, normalization.small(before)), verified=True).exists()


def tell(user: User, before: str, verified: bool) -> None:
    after = EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists() if user.email else False
    changed.send(
        sender=User, user=user, before=before if verified else "", after=user.email if after else "", at=clock.now()
    )


@receiver(account.email_changed, dispatch_uid="accounts.email_changed")
def _changed_by_themselves(
    request: HttpRequest, user: User, from_email_address: EmailAddress | None, **kwargs: object
) -> None:
    events.record(user, AccountEventKind.EMAIL_CHANGED, request)
    before = from_email_address
    tell(user, before.email if before else "", bool(before and before.verified))


@receiver(account.email_removed, dispatch_uid="accounts.email_removed")
def _removed(request: HttpRequest, user: User, email_address: EmailAddress, **kwargs: object) -> None:
    events.record(user, AccountEventKind.EMAIL_REMOVED, request)
    if email_address.primary:
        tell(email_address.user, email_address.email, email_address.verified)


@receiver(account.email_confirmed, dispatch_uid="accounts.email_is_verified")
def _confirmed(email_address: EmailAddress, **kwargs: object) -> None:
    touch(email_address.user)


def touch(user: User) -> None:
    """They changed: of what apps are told, `email_verified` alone stands in another row."""
    User.objects.filter(pk=user.pk).update(updated_at=clock.now())


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
