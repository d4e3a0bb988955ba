"""When a connector ends, so does what apps may go on doing without a sign-in: offline access that began with one."""

from __future__ import annotations

from django.dispatch import receiver

from clients.models import Authorization
from common import clock
from projects.upstream.ends import ended

BECAUSE = "sign-in from elsewhere ended"


@receiver(ended, dispatch_uid="provider.upstream_ends")
def _end_authorizations(key: str, **_signal: object) -> None:
    """In the transaction that ends the sign-ins; access and refresh tokens end with their Authorization."""
    rows = Authorization.objects.filter(sign_in__connector=key, ended_at=None)
    rows.update(ended_at=clock.now(), ended_because=BECAUSE)
