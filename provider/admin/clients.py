"""The page of a client, with what the protocol answers it."""

from __future__ import annotations

from django.contrib import admin

from clients.admin.client import ClientAdmin
from clients.models import Client
from provider.admin.audience_page import AudiencePage


@admin.register(Client)
class ExplainedClientAdmin(AudiencePage, ClientAdmin):
    """Registered here: an explanation runs the protocol's steps, which know clients and not the other way round."""
