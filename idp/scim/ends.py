"""A client that is deleted looks after nobody any more: what it said of groups is taken back, at once."""

from __future__ import annotations

from django.db.models.signals import post_delete
from django.dispatch import receiver

from accounts import provisioning
from clients.models import Client
from idp.scim.door import NOBODY, source_of
from projects.actors import Actor


@receiver(post_delete, sender=Client, dispatch_uid="scim.end_of_client")
def _end(instance: Client, **_signal: object) -> None:
    """Also with its project. A client that gets this id later brings people anew."""
    provisioning.end_of(source_of(instance.client_id), Actor.machine(instance.client_id, NOBODY))
