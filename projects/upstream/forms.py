"""The sign-in form: whoever types an address of a domain that has a connector goes straight there."""

from __future__ import annotations

from django.forms import ValidationError
from django.http import HttpRequest, HttpResponse

from accounts import forms
from projects.upstream import connectors
from projects.upstream.models import Connector
from projects.upstream.views import go


class LoginForm(forms.LoginForm):
    straight: Connector | None = None

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if any(one.domains for one in self._shown()):  # their people have no password here
            self.fields["password"].required = False

    def clean(self) -> dict[str, object]:
        """A password that was typed all the same is not looked at: it is none of ours."""
        login = str(self.cleaned_data.get("login", ""))
        self.straight = connectors.of_domain(self._shown(), login)
        if self.straight is not None:
            return self.cleaned_data
        password = self.fields["password"]
        if "password" in self.cleaned_data and not self.cleaned_data["password"]:
            self.add_error("password", ValidationError(password.error_messages["required"], code="required"))
        found: dict[str, object] = super().clean()  # type: ignore[no-untyped-call]  # allauth's
        return found

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        if self.straight is not None:
            return go(request, self.straight, redirect_url or "", str(self.cleaned_data["login"]))
        response: HttpResponse = super().login(request, redirect_url)
        return response

    def _shown(self) -> list[Connector]:
        return list(connectors.shown(self.request)) if self.request is not None else []
