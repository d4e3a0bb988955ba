"""Steps between a right password and a completed sign-in."""

from __future__ import annotations

from allauth.account.stages import EmailVerificationStage

from accounts.models import User


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
