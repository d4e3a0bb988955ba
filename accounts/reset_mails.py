"""The mail with the link for a new password, when somebody else than its person asks for it."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.db import transaction

from accounts.forms import ResetPasswordForm
from accounts.models import User

TEMPLATE = "account/email/password_reset_key"


def can_be_sent(user: User) -> bool:
    """Whether “Forgot your password?” would write to this very person at their address."""
    form = ResetPasswordForm({"email": user.email})
    return form.is_valid() and user in form.users


def send(user: User) -> None:
    """Once the caller's transaction is kept. It tells of no browser: that would be somebody else's."""
    adapter = get_adapter()
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    said = {
        "user": user,
        "password_reset_url": adapter.get_reset_password_from_key_url(key),
        "by_others": True,
    }
    transaction.on_commit(lambda: adapter.send_mail(TEMPLATE, user.email, said), robust=True)
