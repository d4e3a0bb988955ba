"""Steps between a right password and a completed sign-in."""

from __future__ import annotations

from allauth.account.models import Login
from allauth.account.stages import EmailVerificationStage, LoginStage
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from accounts.models import User

_KEPT = "password_hash"


def password_is_the_same(login: Login) -> bool:
    """Whether the person's password is still the one that began this sign-in."""
    return constant_time_compare(str(login.state.get(_KEPT, "")), _hash_of(login))


def refusal(request: HttpRequest, login: Login) -> HttpResponse | None:
    """Where a sign-in ends that nobody may complete any more; None for every other.

    One without a person goes on: so begins the sign-up with an address that is taken, which has to look like any other.
    """
    if not password_is_the_same(login):
        if login.user is not None:  # else the account is gone
            messages.error(request, _("Your password was changed meanwhile. Sign in with the new one."))
        return redirect("account_login")
    if isinstance(login.user, User) and not login.user.is_active:
        return redirect("account_inactive")
    return None


class KeepPasswordStage(LoginStage):
    """The first step: write down which password was right, as Django does in sessions that are signed in."""

    key = "keep_password"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        self.login.state[_KEPT] = _hash_of(self.login)
        return None, True


class SamePasswordStage(LoginStage):
    """The last step: who changes a password, deactivates or deletes an account ends the sign-ins that wait, too."""

    key = "same_password"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        response = refusal(self.request, self.login)
        return response, response is None


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
