"""The world, whose people may enter the console; and root, who decides everything."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from tests.idp.api.caller import Api, machine


@pytest.fixture
def staff(world: None, settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "tokens"
    User.objects.filter(username__in=("owner", "member", "outsider")).update(is_staff=True)
    User.objects.create_superuser("root", "root@people.example", "root-pw")


@pytest.fixture
def everything(world: None) -> Api:
    """A client that was given every project."""
    return machine(administers=("*",))
