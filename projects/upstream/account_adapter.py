"""The adapter for accounts, with what sign-ins from elsewhere add."""

from __future__ import annotations

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.stages import AuthenticateStage
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from accounts import adapter, sign_in
from accounts.models import User
from projects.upstream.connectors import held, that_ask_again
from projects.upstream.pages import failed

SECOND_STEP = "allauth.mfa.stages.AuthenticateStage"


class AccountAdapter(adapter.AccountAdapter):
    def get_login_stages(self) -> list[str]:
        ours = {SECOND_STEP: "projects.upstream.account_adapter.SecondStepStage"}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, str]]:
        """Also a provider elsewhere that asks anew: who signs in by it alone has no other way."""
        found: list[dict[str, str]] = super().get_reauthentication_methods(user)
        if isinstance(user, User) and that_ask_again(user):
            found.append({"id": sign_in.UPSTREAM, "description": "", "url": reverse("upstream_confirm")})
        return found

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """A connector that was disabled or deleted meanwhile signs nobody in (rule G2). It waits for this one."""
        key = sign_in.connector_of(request, user) if isinstance(user, User) else ""
        with transaction.atomic():
            if key and not held(key):
                raise ImmediateHttpResponse(failed(request, None, "disabled"))
            super().login(request, user)


class SecondStepStage(AuthenticateStage):
    """The second step here is for everybody who has one, unless they took one elsewhere and that counts here."""

    def _should_handle(self, request: HttpRequest) -> bool:
        user = self.login.user
        if isinstance(user, User) and sign_in.did_second_step_elsewhere(request, user):
            return False
        return bool(super()._should_handle(request))
