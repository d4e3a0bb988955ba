"""`webhooks` of a project: a door to their registration. The file names one by its address: of several, the oldest."""

from __future__ import annotations

from collections.abc import Iterator

from clients import webhook_document, webhooks
from clients.models import Webhook
from clients.webhooks import WebhookMetadata, metadata_of
from common.json_type import Json
from idp.configuration.context import Context
from idp.configuration.references import Unresolved
from idp.configuration.schema import SecretReferences
from idp.configuration.shape import Entry
from projects.json_shape import as_json
from projects.models import Project
from projects.problems import RegistrationError

SECRETS = "secrets_from"
OLDEST = ("created_at", "pk")


def apply_webhook(context: Context, project: Project, entry: Entry) -> None:
    """Without secrets a new one gets a secret, which is printed once; one that is there keeps its own."""
    url = entry.text("url")
    name = f"{project.key} {url}"
    if not context.first("webhook", name, entry.place_of("url")):
        return
    secrets = _secrets(context, entry)
    if secrets is None:
        return
    said = {key: value for key, value in entry.values.items() if key in webhook_document.MEMBERS}
    row = project.webhooks.select_for_update(of=("self",)).filter(url=url).order_by(*OLDEST).first()
    try:
        if row is None:
            wanted = webhook_document.changed(WebhookMetadata(url=url), said)
            _made, secret = webhooks.register(wanted, project, context.by, secrets)
            if not secrets:
                context.ledger.generated_secrets[f"webhook {name}"] = secret
            changed: list[str] = []
        else:
            changed = webhooks.change(row, webhook_document.changed(metadata_of(row), said), context.by)
            if secrets and webhooks.adopt(row, secrets, context.by):
                changed.append(SECRETS)
    except RegistrationError as error:
        for one in error.problems:
            context.problems.add_unless_known(entry.place_at(_in_file(one.field)), one.message)
        return
    context.ledger.note("webhook", name, created=row is None, fields=entry.section.in_order(changed))


def _in_file(field: str) -> str:
    return field.replace("secrets", SECRETS, 1) if field.startswith("secrets") else field


def _secrets(context: Context, entry: Entry) -> list[str] | None:
    """Those it refers to; None: one of them is not there, which is told."""
    said = entry.values.get(SECRETS)
    found: list[str] = []
    if not isinstance(said, SecretReferences):
        return found
    for number, reference in enumerate(said):
        try:
            found.append(reference.resolved(context.environ))
        except Unresolved as error:
            context.problems.add(entry.place_of(SECRETS, number), error)
    return found if len(found) == len(said) else None


def unlisted(file: Entry) -> Iterator[tuple[Webhook, Entry]]:
    """What projects of the file have beside what their `webhooks` list."""
    for entry in file.entries("projects"):
        if "webhooks" in entry.nested:
            listed = [one.text("url") for one in entry.entries("webhooks")]
            rows = Webhook.objects.filter(project__key=entry.text("id")).exclude(url__in=listed)
            yield from ((row, entry) for row in rows.select_related("project").order_by(*OLDEST))


def exported(project: Project, left_out: list[str]) -> list[Json]:
    """Without secrets: where it is applied it says others, or has them made."""
    rows: dict[str, Webhook] = {}
    for row in project.webhooks.order_by(*OLDEST):
        if rows.setdefault(row.url, row) is not row:
            left_out.append(f"Project {project.key}: another webhook of the address {row.url} is not in the file.")
    if rows:
        left_out.append(f"Project {project.key}: secrets of its webhooks are not in the file.")
    return [{name: as_json(getattr(row, name)) for name in webhook_document.MEMBERS} for row in rows.values()]
