"""Disabling or deleting a connector ends what came by it: sign-ins, and the tokens that stand on them, all at once."""

from __future__ import annotations

from allauth.socialaccount.models import SocialAccount
from django.db.models.signals import post_delete
from django.dispatch import Signal, receiver

from accounts.models import SignIn
from common import clock
from projects.upstream.mapping import take_back_groups
from projects.upstream.models import Connector

# Sent in the transaction that ends them, with the `key` of the connector: layers above end what stands on them.
ended = Signal()


def end_sign_ins(key: str) -> int:
    """How many ended. A sign-in that is under way finds the connector disabled when it wants to be complete."""
    number = SignIn.objects.filter(connector=key, ended_at=None).update(ended_at=clock.now())
    ended.send(sender=Connector, key=key)
    return number


@receiver(post_delete, sender=Connector, dispatch_uid="upstream.end_of_connector")
def _end(instance: Connector, **_signal: object) -> None:
    """Also with its project. Nobody stays linked: a connector that gets this key later speaks of other people."""
    end_sign_ins(instance.key)
    SocialAccount.objects.filter(provider=instance.key).delete()
    take_back_groups(instance.key)
