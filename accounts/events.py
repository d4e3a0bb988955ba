"""The log of account events, fed by the signals of allauth and Django."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from allauth.account import signals as account
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.contenttypes.models import ContentType
from django.dispatch import Signal, receiver
from django.http import HttpRequest

from accounts.models import AccountEvent, AccountEventKind, User
from common.address import address_of

many_recorded = Signal()  # of rows that were written at once, of which `post_save` says nothing


class By(Protocol):
    """Who acts, as far as a log has to know it. An `Actor` of the layers above is one."""

    @property
    def sub(self) -> str: ...  # of a person

    @property
    def name(self) -> str: ...  # of who is none

    @property
    def run_by(self) -> str: ...  # of a command: the user and machine that ran it

    @property
    def through(self) -> str: ...  # the app by whose token they ask


@dataclass(frozen=True, slots=True)
class Whoever:
    """Who acts, where there is no more to know of them."""

    sub: str = ""
    name: str = ""
    run_by: str = ""
    through: str = ""


def person(user: User) -> Whoever:
    return Whoever(sub=user.sub)


def record_change(
    user: User | None, kind: AccountEventKind, by: By, request: HttpRequest | None = None, **detail: object
) -> None:
    """One row of what somebody did to this account, or to none of them; `by` says who, if it was another."""
    record(user, kind, request, **_said(detail), **_whose(by, user))


def record_changes(kind: AccountEventKind, by: By, about: Iterable[tuple[User, dict[str, object]]]) -> None:
    """The same for many people at once."""
    _write(
        AccountEvent(sub=user.sub, kind=kind, detail={**_said(detail), **_whose(by, user)}) for user, detail in about
    )


def record_each(people: Iterable[User], kind: AccountEventKind) -> None:
    """One row for each of them, at once."""
    _write(AccountEvent(sub=one.sub, kind=kind) for one in people)


def _write(rows: Iterable[AccountEvent]) -> None:
    written = AccountEvent.objects.bulk_create(rows, batch_size=500)
    many_recorded.send(AccountEvent, rows=written)


def _said(detail: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in detail.items() if value not in ("", [], None)}


def _whose(by: By, user: User | None) -> dict[str, str]:
    someone = "" if user is not None and by.sub == user.sub else by.sub or by.name
    said = {"by": someone, "run_by": by.run_by, "through": by.through}
    return {name: value for name, value in said.items() if value}


def record(
    user: AbstractBaseUser | None, kind: AccountEventKind, request: HttpRequest | None, **detail: object
) -> None:
    """Add one row. `detail` never holds a name, mail address or secret: rows outlive the account."""
    sub = user.sub if isinstance(user, User) else ""
    address = address_of(request)[:45] if request is not None else ""
    AccountEvent.objects.create(sub=sub, kind=kind, address=address, detail=detail)


def record_deletion(user: User, request: HttpRequest | None) -> None:
    """Record that the account is about to be deleted, and remove its name from the console's history.

    Who changed it and when stays in the history, but not what: values before and after are names and addresses.
    """
    record(user, AccountEventKind.DELETED, request)
    rows = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk))
    rows.update(object_repr=user.sub, change_message="")


@receiver(account.password_changed, dispatch_uid="accounts.password_changed")
@receiver(account.password_set, dispatch_uid="accounts.password_set")
def _password_changed(request: HttpRequest, user: User, **kwargs: object) -> None:
    record(user, AccountEventKind.PASSWORD_CHANGED, request)


@receiver(account.password_reset, dispatch_uid="accounts.password_reset")
def _password_reset(request: HttpRequest, user: User, **kwargs: object) -> None:
    record(user, AccountEventKind.PASSWORD_RESET, request)


@receiver(account.email_added, dispatch_uid="accounts.email_added")
def _email_added(request: HttpRequest, user: User, **kwargs: object) -> None:
    record(user, AccountEventKind.EMAIL_ADDED, request)


@receiver(account.email_confirmed, dispatch_uid="accounts.email_confirmed")
def _email_confirmed(request: HttpRequest, email_address: EmailAddress, **kwargs: object) -> None:
    record(email_address.user, AccountEventKind.EMAIL_VERIFIED, request)


@receiver(mfa.authenticator_added, dispatch_uid="accounts.factor_added")
@receiver(mfa.authenticator_reset, dispatch_uid="accounts.factor_reset")
def _factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: object) -> None:
    record(user, AccountEventKind(f"factor.{authenticator.type}_added"), request)


@receiver(mfa.authenticator_removed, dispatch_uid="accounts.factor_removed")
def _factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: object) -> None:
    record(user, AccountEventKind(f"factor.{authenticator.type}_removed"), request)


@receiver(mfa.authentication_failed, dispatch_uid="accounts.second_step_failed")
def _second_step_failed(request: HttpRequest, user: User, **kwargs: object) -> None:
    record(user, AccountEventKind.SECOND_STEP_FAILED, request)
