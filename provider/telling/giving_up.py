"""A webhook that took nothing for a day is disabled, and whoever owns the project gets a mail."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string

from clients.models import SecurityEvent, Webhook
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
    said = {**said, "issuer": settings.IDP_ISSUER}
    subject, text = (render_to_string(f"{MAIL}_{part}.txt", said).strip() for part in ("subject", "message"))
    owners = Member.objects.filter(project=webhook.project, role=Role.OWNER, user__is_active=True)
    for address in owners.exclude(user__email="").values_list("user__email", flat=True):
        send_mail(subject, f"{text}\n", None, [address])
