"""What many apps hold: how much of it there is, and the end of all of it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from clients.models import AccessToken, Authorization, Client
from common import clock
from projects.actors import Actor
from projects.events import record_all
from projects.models import Consent
from provider import revocation
from provider.living import COUNTED, counted
from provider.store import live
from provider.telling.relations import NOTHING_LEFT

MOST_AUTHORIZATIONS = 50_000  # ended in one request; more is for `manage.py revoke`


class TooMany(Exception):
    """More than one request ends."""


def people_of(apps: QuerySet[Client]) -> int:
    """People whom these apps hold something of now, up to `COUNTED`."""
    rows = Authorization.objects.filter(live.may_live(), client__in=apps, client__enabled=True, user__is_active=True)
    return rows.order_by().values("user").distinct()[:COUNTED].count()


def tokens_of(apps: QuerySet[Client]) -> int:
    """Their opaque access tokens that have not expired, up to `COUNTED`: nobody counts JWTs."""
    alive = AccessToken.objects.filter(application__in=apps, revoked_at=None, expires__gt=clock.now())
    return counted(alive.filter(application__enabled=True))


def end(apps: Sequence[Client], by: Actor) -> None:
    """Everything that these apps hold, and the consents that would silently give it again: `revocation.revoke`, of
    many and in one transaction. Raises TooMany."""
    keys, now = [one.pk for one in apps], clock.now()
    authorizations = Authorization.objects.filter(ended_at=None, client__in=keys)
    if authorizations.order_by()[: MOST_AUTHORIZATIONS + 1].count() > MOST_AUTHORIZATIONS:
        raise TooMany
    with transaction.atomic():
        Client.objects.filter(pk__in=keys).update(tokens_not_before=now)
        record_all(by, "access.revoked", {one.client_id: {"consents": True} for one in apps})
        used = Authorization.objects.filter(consent=OuterRef("pk"), client__in=keys)
        said = Consent.objects.filter(Exists(used), project__in={one.project_id for one in apps})
        said.exclude(**NOTHING_LEFT).update(**NOTHING_LEFT, updated_at=now)
        revocation.end_in_pieces(authorizations)
