"""The console's pages for what happens on the wire: keys, authorizations, events, and trying an audience."""

from provider.admin import activity, apis, clients, events, guests, keys, person, projects, streams, webhooks

__all__ = ["activity", "apis", "clients", "events", "guests", "keys", "person", "projects", "streams", "webhooks"]
