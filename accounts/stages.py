"""Steps between a right password and a completed sign-in."""

from __future__ import annotations

from allauth.account.models import Login
from allauth.account.stages import EmailVerificationStage, LoginStage
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from accounts.models import User

_KEPT = "password_hash"


def password_is_the_same(login: Login) -> bool:
    """Whether the person's password is still the one that began this sign-in."""
    return constant_time_compare(str(login.state.get(_KEPT, "")), _hash_of(login))


class KeepPasswordStage(LoginStage):
    """The first step: write down which password was right, as Django does in sessions that are signed in."""

    key = "keep_password"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        self.login.state[_KEPT] = _hash_of(self.login)
        return None, True


class SamePasswordStage(LoginStage):
    """The last step: who changes a password also ends the sign-ins that wait for a step after the old one."""

    key = "same_password"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        if password_is_the_same(self.login):
            return None, True
        messages.error(self.request, _("Your password was changed meanwhile. Sign in with the new one."))
        return redirect("account_login"), False


class VerifyEmailStage(EmailVerificationStage):
    """People who sign up by themselves must verify an address first.

    Administrators created by a command, and people who have no address, would otherwise be locked out.
    """

    def handle(self) -> tuple[object, bool]:
        user = self.login.user
        if isinstance(user, User) and not self.login.signup and (user.is_staff or not user.email):
            return None, True
        outcome: tuple[object, bool] = EmailVerificationStage.handle(self)
        return outcome


def _hash_of(login: Login) -> str:
    return login.user.get_session_auth_hash() if isinstance(login.user, User) else ""
