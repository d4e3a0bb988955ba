"""How long tokens live at most: what decides when nothing that a retired key signed can be alive any more."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Max

from clients.models import Client
from provider.protocol import logout

CLOCK_SKEW = timedelta(seconds=60)


def read_longest() -> timedelta:
    """How long a token signed now may live: the longest of any client, and a logout token's at least.

    APIs only shorten it.
    """
    of_clients = Client.objects.aggregate(access=Max("access_token_lifetime"), id=Max("id_token_lifetime"))
    seconds = [value for value in of_clients.values() if value is not None]
    return timedelta(seconds=max([logout.TOKEN_LIFETIME, *seconds]))
