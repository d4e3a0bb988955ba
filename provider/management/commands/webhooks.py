"""`manage.py webhooks [PROJECT [ADDRESS]]`: who is told, whether it arrives; making, switching and testing one."""

from __future__ import annotations

from dataclasses import replace

from django.core.management.base import CommandParser
from django.db.models import Count, Q, QuerySet

from clients import webhook_document, webhooks
from clients.models import Delivery, Webhook
from clients.models.logout import NoticeState
from clients.webhooks import WebhookMetadata
from common import clock
from common.command import DatabaseCommand, Refused, as_text, wrong_use
from common.command_output import ago, columns, number
from common.json_type import Json
from projects.commands import operator, registering
from projects.models import Project
from provider.telling import webhook_outbox

DUE = Count("deliveries", filter=Q(deliveries__state=NoticeState.DUE))


class Command(DatabaseCommand):
    help = "Show the webhooks of projects, and make, enable, disable or test one."
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", nargs="?", default="", help="only those of this one: its key")
        parser.add_argument("address", metavar="ADDRESS", nargs="?", default="", help="only this one, or its id")
        does = parser.add_mutually_exclusive_group()
        does.add_argument("--make", action="store_true", help="make it, of all events; its secret is shown once")
        does.add_argument("--enable", action="store_true", help="what waits for it is sent")
        does.add_argument("--disable", action="store_true", help="what happens waits")
        does.add_argument("--test", action="store_true", help="send it an event that says nothing happened, now")
        super().add_arguments(parser)

    def handle(self, *, project: str, address: str, dry_run: bool, **options: object) -> None:
        rows = Webhook.objects.select_related("project").annotate(due=DUE).order_by("project__key", "url", "pk")
        if project:
            rows = rows.filter(project=self._project(as_text(project, "PROJECT")))
        does = next((name for name in ("make", "enable", "disable", "test") if options[name]), "")
        if not address or (does and not project):
            if does:
                raise wrong_use("Name the PROJECT and the ADDRESS of the webhook.")
            return self._show(rows)
        if does == "make":
            return self._make(self._project(project), as_text(address, "ADDRESS"), dry_run=dry_run)
        found = self._named(rows, as_text(address, "ADDRESS"))
        if does == "test":
            return self._test(found, dry_run=dry_run)
        if does:
            return self._switch(found, enabled=does == "enable", dry_run=dry_run)
        return self._show(rows.filter(pk=found.pk))

    def _project(self, key: str) -> Project:
        project = Project.objects.filter(key=key).first()
        if project is None:
            raise wrong_use(f"There is no project {key!r}.")
        return project

    def _named(self, rows: QuerySet[Webhook], address: str) -> Webhook:
        found = [one for one in rows if address in (one.url, str(one.pk))]
        if len(found) != 1:
            said = "There is no such webhook" if not found else "There are several; say the id of one"
            raise wrong_use(f"{said}: {address}")
        return found[0]

    def _show(self, rows: QuerySet[Webhook]) -> None:
        found = list(rows)
        lines = [(one.project.key, one.url, _state(one), f"{vars(one)['due']} due", _last(one)) for one in found]
        document: dict[str, Json] = {"webhooks": [_represent(one) for one in found]}
        self.answer(document, columns(lines) or ["There are no webhooks."])

    def _make(self, project: Project, url: str, *, dry_run: bool) -> None:
        with registering({"url": "ADDRESS", "project": "PROJECT"}, dry_run=dry_run):
            made, secret = webhooks.register(WebhookMetadata(url=url), project, operator("webhooks"))
        said = {"dry_run": dry_run, "project": project.key, "id": str(made.pk), "url": url}
        if dry_run:
            return self.answer(said, [f"Nothing was made; it would be: {url} of {project.key}."])
        lines = [f"Made the webhook {url} of {project.key}.", f"Its secret, which cannot be shown again: {secret}"]
        return self.answer({**said, "secret": secret}, lines)

    def _switch(self, webhook: Webhook, *, enabled: bool, dry_run: bool) -> None:
        wanted = replace(webhooks.metadata_of(webhook), enabled=enabled)
        with registering({}, dry_run=dry_run):
            moved = bool(webhooks.change(webhook, wanted, operator("webhooks")))
        said = f"{'Enabled' if enabled else 'Disabled'} {webhook.url}." if moved else "It is so already."
        said = f"Nothing was changed; it would be: {said}" if dry_run else said
        self.answer({"dry_run": dry_run, "changed": moved, "id": str(webhook.pk), "enabled": enabled}, [said])

    def _test(self, webhook: Webhook, *, dry_run: bool) -> None:
        """Sent by this process, as `deliverevents` would; what it could not deliver that tries again."""
        with registering({}, dry_run=dry_run):
            made = webhooks.test(webhook, operator("webhooks"))
        if dry_run:
            return self.answer({"dry_run": True}, [f"Nothing was sent; a test would go to {webhook.url}."])
        attempt = webhook_outbox.send_now(made)
        state, problem = (attempt.state, attempt.problem) if attempt else (NoticeState.DUE, "Another process sends it.")
        number, came = str(made.message_id), str(state)
        if state != NoticeState.DELIVERED:
            raise Refused(f"It was not taken: {problem} deliverevents tries it again.", id=number, state=came)
        return self.answer({"id": number, "state": came}, [f"Sent to {webhook.url}, and taken."])


def _represent(webhook: Webhook) -> dict[str, Json]:
    said: dict[str, Json] = {"project": webhook.project.key, **webhook_document.represent(webhook)}
    return {**said, "due": vars(webhook)["due"], "failures": webhook.failures}


def _state(webhook: Webhook) -> str:
    if webhook.enabled:
        return f"failed {number(webhook.failures, 'time')}" if webhook.failures else "enabled"
    return f"disabled: {webhook.disabled_because}" if webhook.disabled_because else "disabled"


def _last(webhook: Webhook) -> str:
    row = Delivery.objects.filter(webhook=webhook, tried_at__isnull=False).order_by("-tried_at").first()
    if row is None or row.tried_at is None:
        return "nothing was sent yet"
    came = row.problem or f"answered {row.status}"
    return f"{came} {ago(row.tried_at, clock.now())}"
