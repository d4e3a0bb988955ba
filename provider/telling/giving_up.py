"""Who took nothing for a day: a webhook is disabled, a stream paused, and whoever owns the project gets a mail."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from django.urls import reverse

from accounts import letters
from clients.models import SecurityEvent, Stream, Webhook
from clients.models.stream import StreamStatus
from common import issuer
from projects.models import Member, Project, Role

DISABLED, PAUSED = "webhook.disabled", "stream.paused"


def disable(webhook: Webhook, problem: str) -> None:
    """In the transaction of the caller, who has locked it. What waits for it stays, and is sent when it is enabled."""
    if not webhook.enabled:
        return
    webhook.enabled, webhook.disabled_because = False, problem[:300]
    webhook.save(update_fields=["enabled", "disabled_because"])
    host = urlsplit(webhook.url).netloc
    detail = {"project": webhook.project.key, "webhook": str(webhook.pk), "host": host, "problem": problem[:300]}
    SecurityEvent.objects.create(kind=DISABLED, detail=detail)
    said = {"host": host, "problem": problem}
    _tell_owners(webhook.project, "webhook_disabled", ("admin:clients_webhook_change", webhook.pk), said)


def pause(stream: Stream, problem: str) -> None:
    """The same for a stream that is enabled. Its receiver reads the reason in the status, and enables it again."""
    stream.status, stream.reason = StreamStatus.PAUSED, f"Nothing was taken for a day. {problem}"[:300]
    stream.save(update_fields=["status", "reason"])
    client, project = stream.client, stream.client.project
    detail = {"stream": str(stream.pk), "problem": problem[:300]}
    SecurityEvent.objects.create(kind=PAUSED, client_id=client.client_id, detail=detail)
    if project is not None:
        said = {"app": client.name, "host": urlsplit(stream.endpoint_url).netloc, "problem": problem}
        _tell_owners(project, "stream_paused", ("admin:clients_stream_change", stream.pk), said)


def _tell_owners(project: Project, mail: str, page: tuple[str, UUID], said: dict[str, str]) -> None:
    link = issuer.url_of(reverse(page[0], args=[page[1]]))
    owners = Member.objects.filter(project=project, role=Role.OWNER, user__is_active=True)
    for owner in owners.exclude(user__email="").select_related("user"):
        with letters.in_language_of(owner.user):
            letter = letters.write(f"account/email/{mail}", {"project": project.name, **said, "link": link})
            letter.to(owner.user.email).send()
