"""A webhook that took nothing for a day is disabled, and whoever owns the project gets a mail."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.urls import reverse

from accounts import letters
from clients.models import SecurityEvent, Webhook
from common import issuer
from projects.models import Member, Role

DISABLED = "webhook.disabled"
MAIL = "account/email/webhook_disabled"


def disable(webhook: Webhook, problem: str) -> None:
    """In the transaction of the caller, who has locked it. What waits for it stays, and is sent when it is enabled."""
    if not webhook.enabled:
        return
    webhook.enabled, webhook.disabled_because = False, problem[:300]
    webhook.save(update_fields=["enabled", "disabled_because"])
    host = urlsplit(webhook.url).netloc
    detail = {"project": webhook.project.key, "webhook": str(webhook.pk), "host": host, "problem": problem[:300]}
    SecurityEvent.objects.create(kind=DISABLED, detail=detail)
    _tell_owners(webhook, {"project": webhook.project.name, "host": host, "problem": problem})


def _tell_owners(webhook: Webhook, said: dict[str, str]) -> None:
    link = issuer.url_of(reverse("admin:clients_webhook_change", args=[webhook.pk]))
    owners = Member.objects.filter(project=webhook.project, role=Role.OWNER, user__is_active=True)
    for owner in owners.exclude(user__email="").select_related("user"):
        with letters.in_language_of(owner.user):
            letters.write(MAIL, {**said, "link": link}).to(owner.user.email).send()
