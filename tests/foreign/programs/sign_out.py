"""Somebody signs out at the provider, and the programs are told (OpenID Connect Back-Channel Logout)."""

from __future__ import annotations

from django.core.management import call_command

from accounts.models import SignIn
from clients.models import LogoutNotice
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.visitor import Visitor


def sign_out_at_the_provider(place: Place, visitor: Visitor) -> None:
    visitor.go(f"{place.issuer}/oauth2/logout")
    visitor.send()
    assert SignIn.objects.get().ended_at is not None
    call_command("deliverevents")
    assert [notice.state for notice in LogoutNotice.objects.all()] == ["delivered"]
