"""Changes of somebody's account by somebody else: what the console and the HTTP API do alike."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext_lazy as _

from accounts import events, sign_in
from accounts.attributes import NAMES
from accounts.events import By
from accounts.models import AccountEventKind, User

NOT_FROM_YOURSELF = _("You cannot remove this from yourself. Ask another superuser.")


def finish(user: User, changed: Collection[str], by: By, attributes: Collection[str] = ()) -> None:
    """After these columns and attributes were saved: its person reads of it, and who is not active is signed out."""
    record_profile(user, by, [*(name for name, column in NAMES.items() if column in changed), *attributes])
    if not user.is_active:
        sign_in.end_all(user)


def record_profile(user: User, by: By, names: Collection[str]) -> None:
    """Which of the attributes of this account changed, by name."""
    if names:
        events.record_change(user, AccountEventKind.PROFILE_CHANGED, by, changed=sorted(set(names)))
