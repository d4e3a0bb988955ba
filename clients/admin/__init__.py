"""The console's pages for clients, keys and what happened; and, with what clients know, for projects and APIs."""

from clients.admin import client, resources
from provider.admin import activity, keys

__all__ = ["activity", "client", "keys", "resources"]
