"""The console's pages for what happens on the wire: keys, authorizations, events, and trying an audience."""

from provider.admin import activity, clients, events, guests, keys, person, streams, webhooks

__all__ = ["activity", "clients", "events", "guests", "keys", "person", "streams", "webhooks"]
