"""The console's pages for clients; and, with what clients know, for projects and APIs."""

from clients.admin import client, initial_tokens, resources

__all__ = ["client", "initial_tokens", "resources"]
