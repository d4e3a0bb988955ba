"""django-allauth's adapter for accounts: what we decide differently."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts import events, guesses, letters, normalization, sign_in
from accounts.backend import candidates
from accounts.models import AccountEventKind, User
from common import clock, issuer
from common.address import address_of

logger = logging.getLogger(__name__)
# What allauth and we call the one link of a mail, and for how long it works.
LINKS = ("link", "activate_url", "password_reset_url")
VALID = {
    "account/email/password_reset_key": lambda: timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT),
    "account/email/email_confirmation": lambda: timedelta(days=app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS),
    "account/email/email_confirmation_signup": lambda: timedelta(days=app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS),
}
MAIL_SENT = "account/messages/email_confirmation_sent.txt"
WRONG_CREDENTIALS = _("The user name or the password is wrong. Try again, or reset your password.")


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": WRONG_CREDENTIALS,
        "email_password_mismatch": WRONG_CREDENTIALS,
        "incorrect_password": _("This is not your password. Try again."),
        "enter_current_password": _("This is not your current password. Try again."),
        "too_many_login_attempts": _("Too many wrong tries. Wait five minutes before you try again."),
        "duplicate_email": _("You have added this address already."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.IDP_SIGNUP_OPEN)

    def is_safe_url(self, url: str | None) -> bool:
        """`next` is a path of ours; no other host is "ours", whatever the Host header says."""
        return issuer.holds(str(url or "")) and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that allauth's limits count: only a configured proxy may report somebody else's."""
        return address_of(request)

    def authenticate(self, request: HttpRequest, **credentials: object) -> AbstractBaseUser | None:
        """The password is tried at each account that this login matches, unless that one had too many wrong ones.

        Each counts for itself: neither does one account's known browser open another, nor one's limit close it.
        """
        login = str(credentials.get("username") or credentials.get("email") or "")
        found = candidates(login, str(credentials.get("email") or ""))
        accounts: list[User | None] = [*found] or [None]
        name = normalization.user_name(login).lower()
        at = [guesses.guess(request, guesses.PASSWORDS, one, name) for one in accounts]
        at = [one for one in at if not one.is_one_too_many()]
        if not at:
            guesses.must_wait(request)
            raise self.validation_error("too_many_login_attempts")
        among = [one.user for one in at if one.user]
        try:
            user: AbstractBaseUser | None = super().authenticate(request, **credentials, among=among)
        except BaseException:
            guesses.take_back(at)
            raise
        tried = at[: among.index(user)] if isinstance(user, User) else at  # in their order, until it fits
        guesses.take_back(at[len(tried) :])
        for one in tried:
            one.was_wrong(request)
        return user

    def authentication_failed(
        self, request: HttpRequest, among: list[User] | None = None, **credentials: object
    ) -> None:
        """Add a row whether or not the account exists: response times must not tell which accounts exist."""
        tried: list[User | None] = [*(among or [])] or [None]
        for one in tried:
            events.record(one, AccountEventKind.SIGN_IN_FAILED, request)

    def get_login_stages(self) -> list[str]:
        ours = {"allauth.account.stages.EmailVerificationStage": "accounts.stages.VerifyEmailStage"}
        steps = [ours.get(stage, stage) for stage in super().get_login_stages()]
        return ["accounts.stages.KeepPasswordStage", *steps, "accounts.stages.SamePasswordStage"]

    def is_reauthentication_required(self, *, app: str, **kwargs: object) -> bool:
        """Changing the account's addresses needs a recent authentication."""
        row = sign_in.current(self.request)
        if row is None:
            return True
        return bool((clock.now() - row.auth_time).total_seconds() > app_settings.REAUTHENTICATION_TIMEOUT)

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Signing in over somebody else's session ends theirs."""
        sign_in.end(request)
        super().login(request, user)

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """A new password signs out every other browser: the old one may have been known."""
        super().set_password(user, password)
        request = context.request
        sign_in.end_all(user, keep=request.session.get(sign_in.SESSION_KEY) if request else None)

    def clean_password(self, password: str, user: AbstractBaseUser | None = None) -> str:
        """The rules are about the text that is kept."""
        return str(super().clean_password(normalization.password(password), user))

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *more: Any, **named: Any
    ) -> None:
        """Whoever signs up sees a page that says that a mail was sent."""
        if message_template != MAIL_SENT or request.user.is_authenticated:
            super().add_message(request, level, message_template, *more, **named)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        if belongs_to_another(email_address):
            template = "account/messages/email_confirmation_failed.txt"
            self.add_message(request, messages.ERROR, template, {"email": email_address.email})
            return False
        return bool(super().confirm_email(request, email_address))

    def can_delete_email(self, email_address: EmailAddress) -> bool:
        """The address in use is deleted last: allauth would replace it with any other, verified or not."""
        user = email_address.user
        others = EmailAddress.objects.filter(user=user).exclude(pk=email_address.pk)
        if email_address.email == user.email and others.exists():
            return False
        return bool(super().can_delete_email(email_address))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """Links begin with the issuer: the Host header of the request never enters a mail.

        When the mail server fails, the page continues as if it had not: its text must not tell who has an account.
        """
        request, user = self.request, context.get("user")
        about = user if isinstance(user, User) else None
        valid = VALID.get(template_prefix)
        with letters.in_language_of(about, request):
            said = {
                **context,
                "email": email,
                "account_name": about.get_username() if about else "",
                "link": letters.at_issuer(str(next((context[name] for name in LINKS if name in context), ""))),
                "until": letters.moment(clock.now() + valid()) if valid else "",
                "facts": list(letters.Occasion.of(None if context.get("by_others") else request, about).facts()),
            }
            try:
                letters.write(template_prefix, said).to(email).send()
            except OSError:
                logger.exception("A mail could not be sent: %s", template_prefix)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: AbstractBaseUser,
        context: dict[str, object] | None = None,
        email: str | None = None,
    ) -> None:
        """A notice of what happened to somebody's account, with the way to all of it."""
        to = email or EmailAddress.objects.get_primary_email(user)
        if to:
            self.send_mail(template_prefix, to, {"link": reverse("account_activity"), **(context or {}), "user": user})


def belongs_to_another(address: EmailAddress) -> bool:
    """Whether another account uses this address, verified or not: two accounts never share one."""
    return User.objects.filter(email__iexact=address.email).exclude(pk=address.user_id).exists()
