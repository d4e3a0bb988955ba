"""The console's pages for clients, keys and what happened; and, with what clients know, for projects and APIs."""

from clients.admin import activity, client, keys, resources

__all__ = ["activity", "client", "keys", "resources"]
