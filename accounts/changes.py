"""Changes of somebody's account by somebody else: what the console and the HTTP API do alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import events, sign_in
from accounts.attributes import NAMES
from accounts.events import By
from accounts.models import AccountEventKind, SignIn, User
from common import clock

NOT_FROM_YOURSELF = gettext_lazy("You cannot remove this from yourself. Ask another superuser.")
RIGHTS = ("is_staff", "is_superuser")
LAST_SUPERUSER = "This is the last superuser. Make somebody else a superuser first."  # programs alone come so far


def finish(user: User, changed: Collection[str], by: By, attributes: Collection[str] = ()) -> None:
    """After these columns and attributes were saved: its person reads of it, and who is not active is signed out."""
    record_profile(user, by, [*(name for name, column in NAMES.items() if column in changed), *attributes])
    record_rights(user, by, changed)
    if not user.is_active:
        sign_in.end_all(user)


def record_profile(user: User, by: By, names: Collection[str]) -> None:
    """Which of the attributes of this account changed, by name."""
    if names:
        events.record_change(user, AccountEventKind.PROFILE_CHANGED, by, changed=sorted(set(names)))


def record_rights(user: User, by: By, changed: Collection[str]) -> None:
    """Which of the rights changed; each is there or is not, so what it was is the other."""
    detail = {
        name: {"before": not getattr(user, name), "after": bool(getattr(user, name))}
        for name in RIGHTS
        if name in changed
    }
    if detail:
        events.record_change(user, AccountEventKind.RIGHTS_CHANGED, by, None, **detail)


def taken(user: User, *, email_before: str) -> Iterator[tuple[str, str]]:
    """What of this account another one has, by column: people type their name and their address in any case."""
    others = User.objects.exclude(pk=user.pk)
    if others.filter(username__iexact=user.username).exists():
        yield "username", _("Another account has this user name in other capitals.")
    if user.email and others.filter(email__iexact=user.email).exists():
        yield "email", _("Another account has this e-mail address.")
    elif user.email.lower() != email_before.lower() and user.is_verified_by_another(user.email):
        yield "email", _("Another account has verified this e-mail address.")


def remove_second_steps(user: User) -> bool:
    """For who lost their devices and codes. Whoever was signed in with them is signed out. Whether there were any."""
    return bool(remove_second_steps_of([user]))


def remove_second_steps_of(people: Collection[User]) -> list[User]:
    """The same for many at once, in a few statements. Answers those who had some."""
    there = Authenticator.objects.filter(user__in=[one.pk for one in people])
    having = set(there.values_list("user", flat=True))
    done = [one for one in people if one.pk in having]
    there.delete()
    SignIn.objects.filter(user__in=having, ended_at=None).update(ended_at=clock.now())
    events.record_each(done, AccountEventKind.FACTORS_REMOVED)
    return done


def deactivate(people: Collection[User]) -> list[User]:
    """What saving each as not active does (`User.save`), and `finish` after it, in a few statements. Answers whom.

    In a transaction that has their rows locked.
    """
    active = [one for one in people if one.is_active]
    now, over = clock.now(), clock.end_of_all_before(None, on=False)
    keys: dict[datetime, list[int]] = defaultdict(list)  # rows that become the same are written by one statement
    for one in active:
        keys[max(one.tokens_not_before or over, over)].append(one.pk)
    for moment, some in keys.items():
        User.objects.filter(pk__in=some).update(is_active=False, tokens_not_before=moment, updated_at=now)
    events.record_each(active, AccountEventKind.DEACTIVATED)
    SignIn.objects.filter(user__in=[one.pk for one in active], ended_at=None).update(ended_at=now)
    return active


def is_last_superuser(user: User) -> bool:
    """Whether nobody else decides everything, as the database has it. Until the caller's transaction ends nobody stops
    to: two of them must not go at the same moment."""
    with transaction.atomic():
        active = User.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("pk")
        return [*active.values_list("pk", flat=True)] == [user.pk]


def obstacles(user: User, by: User | None) -> list[str]:
    """What stands in the way of a deletion. The log of changes is deleted with its author, so an author stays."""
    sentences = []
    if by is not None and user.pk == by.pk:
        sentences.append(_("This is your own account."))
    elif user.is_superuser and is_last_superuser(user):
        sentences.append(LAST_SUPERUSER)
    if number := user.logentry_set.count():
        sentences.append(
            ngettext(
                "%(number)s entry of the change log was made by this person. Untick “Active” instead.",
                "%(number)s entries of the change log were made by this person. Untick “Active” instead.",
                number,
            )
            % {"number": number}
        )
    return sentences
