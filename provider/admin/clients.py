"""The page of a client, with what the protocol answers it."""

from __future__ import annotations

from django.contrib import admin

from clients.admin.client import ClientAdmin
from clients.admin.key_pages import Shown
from clients.admin.new_app import NewAppPage
from clients.models import Client
from provider import client_keys, fetched_keys
from provider.admin.activity_tab import ActivityTab
from provider.admin.audience_page import AudiencePage
from provider.admin.connect import ConnectPage
from provider.admin.connect_you import YouPage
from provider.admin.many import ManyAtOnce
from provider.admin.people_page import PeoplePage
from provider.admin.sent_page import SentPage
from provider.admin.switch_page import SwitchPage
from provider.facts import client_facts
from provider.protocol.errors import TemporarilyUnavailable


@admin.register(Client)
class ExplainedClientAdmin(
    ManyAtOnce,
    YouPage,
    ConnectPage,
    NewAppPage,
    ActivityTab,
    PeoplePage,
    SwitchPage,
    AudiencePage,
    SentPage,
    ClientAdmin,
):
    """Registered here: an explanation runs the protocol's steps, which know clients and not the other way round."""

    def keys_at_address(self, client: Client) -> tuple[list[Shown], str]:
        """As this process knows them; it asks that address no more often than for a request."""
        try:
            found = client_keys.keys_of(client_facts(client))
        except TemporarilyUnavailable as error:
            return [], str(error)
        problem = fetched_keys.shared.problem((client.pk, client.jwks_uri))
        return [Shown(one.kid, one.kty, one.algorithm, one.thumbprint) for one in found], problem
