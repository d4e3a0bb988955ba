"""The page of an app: what stands on top of each of its parts, and the tabs that lead from one to the next.

Tabs are links. Every page of an app puts `tabs()` in its context; `page.html` beside it shows them.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.tabs import Tab
from accounts.tabs import tabs as tabs_of
from clients.models import Client
from clients.models.choices import AuthMethod

BY_KEYS = (AuthMethod.PRIVATE_KEY_JWT, AuthMethod.SELF_SIGNED_TLS)


TABS = (  # with the names of their addresses
    ("connect", _("Connect"), "connect"),
    ("access", _("Access"), "access"),
    ("secrets", _("Secrets and keys"), "secrets"),
    ("people", _("People"), "people"),
    ("activity", _("Activity"), "activity"),
    ("advanced", _("Advanced"), "change"),
)


@dataclass(frozen=True, slots=True)
class App:
    """What stands on top."""

    client: Client
    tabs: list[Tab]
    switch: str  # where it is switched off or on
    may_change: bool


def tabs(admin: ModelAdmin[Client], request: HttpRequest, client: Client, here: str) -> dict[str, object]:
    """For the context of a page of this app. `here`: the key of the tab that it is."""
    shown = tabs_of(((key, label, address(client, page)) for key, label, page in TABS), here)
    return {"app": App(client, shown, address(client, "switch"), admin.has_change_permission(request, client))}


def address(client: Client, page: str) -> str:
    """Of a part of this app's page. What proves an app is a secret or a key."""
    if page == "secrets" and client.token_endpoint_auth_method in BY_KEYS:
        page = "keys"
    return reverse(f"admin:clients_client_{page}", args=[quote(client.pk)])
