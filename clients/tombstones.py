"""What is left of a deleted client, however it was deleted: its id is never used again.

Of guests that is sure anyway (`clients.guest_registration`), and anybody may make any number: an event is enough, which
goes with the others.
"""

from __future__ import annotations

from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone

from clients.deleting import deletes_many
from clients.models import AudienceEntry, Client, ClientSecret, SigningKey
from projects.events import CLIENT_DELETED, GUEST_DELETED, Detail, acts_now, record, watch


@receiver(pre_delete, sender=Client, dispatch_uid="clients.client_tombstone")
def _bury(sender: type[Client], instance: Client, **kwargs: object) -> None:
    if not deletes_many():
        record(acts_now(), GUEST_DELETED if instance.guest else CLIENT_DELETED, instance.client_id, **about(instance))


def about(client: Client) -> dict[str, Detail]:
    """What is kept of it."""
    return {**_whose(client), "name": client.name, "at": timezone.now().isoformat()}


def _whose(client: Client) -> dict[str, str]:
    return {"project": client.project.key} if client.project else {"source": client.registration_source}


watch(Client, lambda client: (client.client_id, {**_whose(client)}), buried=True)
watch(AudienceEntry, lambda entry: (entry.client.client_id, {"audience": entry.value}))
watch(ClientSecret, lambda secret: (secret.client.client_id, {"label": secret.label}))
watch(SigningKey, lambda key: ("", {"kid": key.kid, "algorithm": key.algorithm, "state": key.state}))
