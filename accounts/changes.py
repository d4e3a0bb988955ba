"""Changes of somebody's account by somebody else: what the console and the HTTP API do alike."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext_lazy as _

from accounts import events, sign_in
from accounts.models import PROFILE, AccountEventKind, User

NOT_FROM_YOURSELF = _("You cannot remove this from yourself. Ask another superuser.")


def finish(user: User, changed: Collection[str]) -> None:
    """After these columns were saved: its person reads of it, and who is not active is signed out."""
    if PROFILE.intersection(changed):
        events.record(user, AccountEventKind.PROFILE_CHANGED, None)
    if not user.is_active:
        sign_in.end_all(user)
