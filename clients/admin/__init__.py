"""The console's pages for clients; and, with what clients know, for projects and APIs."""

from clients.admin import client, resources

__all__ = ["client", "resources"]
