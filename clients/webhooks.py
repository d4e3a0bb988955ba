"""The one place where webhooks of projects are made, changed and deleted, and where their secrets are.

A secret signs what is sent (Standard Webhooks), so it must be read again: it is sealed. It is shown by what made it,
and never again. While a new one is rolled out both sign; the older one ends when somebody says so.
"""

from __future__ import annotations

import base64
import binascii
import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from clients.identifiers import visited_uri_problem
from clients.models import Delivery, Webhook
from clients.models.telling import ToldKind
from common import clock, outbound, sealing
from projects import quotas
from projects.actors import Actor
from projects.events import Detail, acting, record
from projects.models import Project
from projects.problems import Problem, require
from projects.rules import quoted, text_problem

PURPOSE = "webhook secrets"
PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64  # bytes of a secret, as Standard Webhooks has them
TEST = "webhook.test"  # the event that nothing happened
MAX_URL, MAX_DESCRIPTION = 500, 100
CHANGEABLE = ("url", "description", "kinds", "enabled")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookMetadata:
    """What a webhook is to be. `kinds`: none are all there are, later ones included."""

    url: str
    description: str = ""
    kinds: tuple[str, ...] = ()
    enabled: bool = True


def metadata_of(webhook: Webhook) -> WebhookMetadata:
    said = {name: getattr(webhook, name) for name in ("url", "description", "enabled")}
    return WebhookMetadata(kinds=tuple(webhook.kinds), **said)


# --- Problems ------------------------------------------------------------------------------------------------------


def problems(wanted: WebhookMetadata, project: Project, by: Actor, webhook: Webhook | None = None) -> list[Problem]:
    if not by.edits(project):
        return [Problem("project", _("You may not change this project."))]
    before = metadata_of(webhook) if webhook else None
    found = []
    if before is None and (sentence := quotas.no_room(project.webhooks.count, quotas.WEBHOOKS, by)):
        found.append(Problem("project", sentence))
    if (before is None or before.url != wanted.url) and (sentence := url_problem(wanted.url)):
        found.append(Problem("url", sentence))
    if sentence := text_problem(wanted.description, MAX_DESCRIPTION):
        found.append(Problem("description", sentence))
    for index, kind in enumerate(wanted.kinds):
        if kind not in ToldKind.values:
            known = ", ".join(ToldKind.values)
            said = _("%(kind)s is no kind of event. There are: %(known)s.") % {"kind": quoted(kind), "known": known}
            found.append(Problem(f"kinds[{index}]", said))
        elif kind in wanted.kinds[:index]:
            found.append(Problem(f"kinds[{index}]", _("%(value)s is listed twice.") % {"value": quoted(kind)}))
    return found


def url_problem(url: str) -> str:
    """Why nothing is sent to this address, or an empty string."""
    if problem := text_problem(url, MAX_URL, needed=True) or visited_uri_problem(url):
        return problem
    if outbound.is_blocked_host(urlsplit(url).hostname or ""):
        return _(
            "%(uri)s: nothing is sent to this address: it is not public. Use a public one, or have whoever runs "
            "this provider name its network in IDP_PRIVATE_LOGOUT_NETWORKS."
        ) % {"uri": url}
    return ""


def secret_problem(secret: str) -> str:
    """Why this text is no secret of a webhook, or an empty string. It never repeats the text."""
    if key_of(secret):
        return ""
    return _("A secret of a webhook is “whsec_” and %(least)s to %(most)s random bytes in base64.") % {
        "least": SHORTEST,
        "most": LONGEST,
    }


# --- Writing -------------------------------------------------------------------------------------------------------


def register(wanted: WebhookMetadata, project: Project, by: Actor, secrets: Sequence[str] = ()) -> tuple[Webhook, str]:
    """A new one and its secret, which is answered here and cannot be read again. Raises RegistrationError.

    `secrets`: those that somebody chose, the one that is newer first.
    """
    with acting(by), transaction.atomic():
        require(problems(wanted, project, by) + _secret_problems(secrets))
        chosen = [*secrets] or [new_secret()]
        webhook = Webhook(project=project)
        _take(webhook, wanted)
        _keep(webhook, chosen)
        webhook.save()
        record(by, "webhook.created", **_about(webhook))
    return webhook, chosen[0]


def locked(webhook: Webhook) -> Webhook:
    """As it is now; nobody else changes it until the transaction ends."""
    return Webhook.objects.select_for_update(of=("self",)).select_related("project").get(pk=webhook.pk)


def change(webhook: Webhook, wanted: WebhookMetadata, by: Actor) -> list[str]:
    """Make it what is wanted, and answer what that changed. What waits for it goes there. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        row = locked(webhook)
        require(problems(wanted, row.project, by, row))
        before = metadata_of(row)
        moved = [name for name in CHANGEABLE if getattr(before, name) != getattr(wanted, name)]
        if moved:
            _take(row, wanted)
            if wanted.enabled and {"enabled", "url"}.intersection(moved):
                _begin_anew(row)
            row.save()
            record(by, "webhook.changed", changed=moved, enabled=row.enabled, **_about(row))
    return moved


def delete(webhook: Webhook, by: Actor) -> None:
    """With everything that waits for it. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        _may_change(webhook.project, by)
        record(by, "webhook.deleted", **_about(webhook))
        webhook.delete()


def rotate(webhook: Webhook, by: Actor) -> str:
    """A new secret. The one it had signs as well until `end_previous`; one before that ends.

    Raises RegistrationError.
    """
    secret = new_secret()
    with acting(by), transaction.atomic():
        row = locked(webhook)
        _may_change(row.project, by)
        row.secret_before = row.secret
        row.secret, row.secret_made_at = sealing.seal(PURPOSE, secret), clock.now()
        row.save(update_fields=["secret", "secret_before", "secret_made_at"])
        record(by, "webhook.secret_made", **_about(row))
    return secret


def end_previous(webhook: Webhook, by: Actor) -> bool:
    """The older secret signs no more. Whether there was one. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        row = locked(webhook)
        _may_change(row.project, by)
        if not row.secret_before:
            return False
        row.secret_before = ""
        row.save(update_fields=["secret_before"])
        record(by, "webhook.secret_ended", **_about(row))
    return True


def adopt(webhook: Webhook, secrets: Sequence[str], by: Actor) -> bool:
    """Sign with these, that somebody chose: one or two, the newer first. Whether that changed anything."""
    with acting(by), transaction.atomic():
        row = locked(webhook)
        _may_change(row.project, by)
        require(_secret_problems(secrets))
        if secrets_of(row) == [*secrets]:
            return False
        _keep(row, secrets)
        row.save(update_fields=["secret", "secret_before", "secret_made_at"])
        record(by, "webhook.secret_made", **_about(row))
    return True


def test(webhook: Webhook, by: Actor) -> Delivery:
    """Have an event sent that says nothing happened, like any other. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        row = locked(webhook)
        _may_change(row.project, by)
        if not row.enabled:
            require([Problem("enabled", _("This webhook is disabled: nothing is sent to it. Enable it first."))])
        _begin_anew(row)
        row.save(update_fields=["failures", "not_before"])
        made = Delivery.objects.create(webhook=row, kind=TEST, happened_at=clock.now())
        record(by, "webhook.tested", **_about(row))
    return made


# --- Secrets -------------------------------------------------------------------------------------------------------


def new_secret() -> str:
    return PREFIX + base64.b64encode(random.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that sign; none: this is no secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return key if secret.startswith(PREFIX) and SHORTEST <= len(key) <= LONGEST else b""


def secrets_of(webhook: Webhook) -> list[str]:
    """Those that sign, the newer first. Raises sealing.Unreadable."""
    return [sealing.unseal(PURPOSE, one) for one in (webhook.secret, webhook.secret_before) if one]


def _secret_problems(secrets: Sequence[str]) -> list[Problem]:
    found = [Problem(f"secrets[{index}]", secret_problem(one)) for index, one in enumerate(secrets)]
    if len(secrets) > 2:
        found.append(Problem("secrets", _("A webhook has two secrets at most.")))
    return [one for one in found if one.message]


def _keep(webhook: Webhook, secrets: Sequence[str]) -> None:
    sealed = [sealing.seal(PURPOSE, one) for one in secrets]
    webhook.secret, webhook.secret_before = sealed[0], sealed[1] if len(sealed) > 1 else ""
    webhook.secret_made_at = clock.now()


# --- Rows ----------------------------------------------------------------------------------------------------------


def _take(webhook: Webhook, wanted: WebhookMetadata) -> None:
    webhook.url, webhook.description = wanted.url, wanted.description
    webhook.kinds, webhook.enabled = list(wanted.kinds), wanted.enabled
    if wanted.enabled:
        webhook.disabled_because = ""


def _begin_anew(webhook: Webhook) -> None:
    """What waits is sent now, as if it had never failed."""
    webhook.failures, webhook.not_before = 0, None
    waiting = Delivery.objects.filter(webhook=webhook, state="due")
    waiting.update(attempts=0, next_attempt_at=clock.now())


def _may_change(project: Project, by: Actor) -> None:
    if not by.edits(project):
        require([Problem("project", _("You may not change this project."))])


def _about(webhook: Webhook) -> dict[str, Detail]:
    """By its host alone: the rest of an address may hold a secret of theirs."""
    return {"project": webhook.project.key, "webhook": str(webhook.pk), "host": urlsplit(webhook.url).netloc}
