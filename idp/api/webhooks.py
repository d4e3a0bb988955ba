"""Webhooks of a project, their secrets, and what was delivered to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from clients import webhook_document, webhooks
from clients.models import Delivery, Webhook
from clients.webhook_document import represent
from clients.webhooks import WebhookMetadata
from common.json_type import Json
from idp.api.described import PAGE, operation
from idp.api.documents import patched, said_in
from idp.api.problems import not_found
from idp.api.resource import Resource, identifier_of
from projects.actors import Actor
from projects.json_shape import as_json
from projects.problems import Problem


def _read_new(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    return webhook_document.read(values, new=True)


class OfWebhook(Resource):
    tag = "webhooks"

    def found(self, key: str, number: str) -> Webhook:
        """The webhook of this project, if they know of that."""
        row = self.project(key).webhooks.select_related("project").filter(pk=identifier_of(number)).first()
        if row is None:
            raise not_found()
        return row

    def changing(self, key: str, number: str) -> tuple[Webhook, Actor]:
        """Locked, and who acts; only for whoever may change what is in the project."""
        self.editable(key, self.by)
        row = webhooks.locked(self.found(key, number))
        by = self.by
        self.editable(key, by)
        return row, by


class WebhookList(OfWebhook):
    @operation("list_webhooks", "List webhooks", answers="WebhookPage", parameters=PAGE)
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """Their secrets are never shown again."""
        return self.listed(self.project(project).webhooks.all(), "pk", lambda rows: [represent(one) for one in rows])

    @operation(
        "create_webhook",
        "Add a webhook",
        answers="NewWebhook",
        status=201,
        sends="Webhook",
        parameters=("idempotency_key",),
    )
    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        """`secret` of the answer is shown this once: what is sent is signed with it (Standard Webhooks)."""
        return self.once(lambda: self._make(project), allow=lambda: self.editable(project, self.by), secret=True)

    def _make(self, key: str) -> HttpResponse:
        with transaction.atomic():
            by = self.by
            home = self.editable(key, by)
            said = said_in(self.sent(), _read_new)
            made, secret = webhooks.register(webhook_document.changed(WebhookMetadata(url=""), said), home, by)
        return self.made({**represent(made), "secret": secret}, "projects", key, "webhooks", str(made.pk))


class OneWebhook(OfWebhook):
    @operation("get_webhook", "Get a webhook", answers="Webhook")
    def get(self, request: HttpRequest, project: str, webhook: str) -> HttpResponse:
        """`disabled_because` says what was wrong when it was disabled here, after a day without success."""
        return self.shown(represent(self.found(project, webhook)))

    @operation(
        "patch_webhook", "Change parts of a webhook", answers="Webhook", sends="Webhook", parameters=("if_match",)
    )
    def patch(self, request: HttpRequest, project: str, webhook: str) -> HttpResponse:
        """JSON Merge Patch (RFC 7396). Enabled again, it gets what waited for it."""
        with transaction.atomic():
            row, by = self.changing(project, webhook)
            self.require(represent(row))
            patch = self.sent()
            before: Json = {name: as_json(getattr(row, name)) for name in webhooks.CHANGEABLE}
            said = said_in(patched(before, patch), webhook_document.read)
            begin = WebhookMetadata(url=row.url)
            webhooks.change(row, webhook_document.changed(begin, said), by)
            now = webhooks.locked(row)
        return self.shown(represent(now))

    @operation("delete_webhook", "Delete a webhook", status=204, parameters=("if_match",))
    def delete(self, request: HttpRequest, project: str, webhook: str) -> HttpResponse:
        """With everything that waits for it."""
        with transaction.atomic():
            row, by = self.changing(project, webhook)
            self.require(represent(row))
            webhooks.delete(row, by)
        return HttpResponse(status=204)


class WebhookSecret(OfWebhook):
    @operation(
        "rotate_webhook_secret",
        "Make a new secret",
        answers="NewWebhook",
        status=201,
        parameters=("idempotency_key",),
    )
    def post(self, request: HttpRequest, project: str, webhook: str) -> HttpResponse:
        """The one before it signs as well, until it is ended (`end_webhook_secret`). One before that ends now."""
        return self.once(
            lambda: self._rotate(project, webhook), allow=lambda: self._visible(project, webhook), secret=True
        )

    def _visible(self, key: str, number: str) -> Webhook:
        """Who may not change it any more hears nothing of what it answered before."""
        self.editable(key, self.by)
        return self.found(key, number)

    def _rotate(self, key: str, number: str) -> HttpResponse:
        with transaction.atomic():
            row, by = self.changing(key, number)
            secret = webhooks.rotate(row, by)
            now = webhooks.locked(row)
        return self.made({**represent(now), "secret": secret}, "projects", key, "webhooks", number)

    @operation("end_webhook_secret", "End the older secret", status=204)
    def delete(self, request: HttpRequest, project: str, webhook: str) -> HttpResponse:
        """404 when there is one secret only."""
        with transaction.atomic():
            row, by = self.changing(project, webhook)
            if not webhooks.end_previous(row, by):
                raise not_found()
        return HttpResponse(status=204)


class WebhookTest(OfWebhook):
    @operation("test_webhook", "Send a test", answers="Delivery", status=201)
    def post(self, request: HttpRequest, project: str, webhook: str) -> HttpResponse:
        """An event of the kind `webhook.test`, sent like any other. The list of deliveries says what became of it."""
        with transaction.atomic():
            row, by = self.changing(project, webhook)
            made = webhooks.test(row, by)
        return self.made(_deliveries([made])[0], "projects", project, "webhooks", webhook, "deliveries")


class DeliveryList(OfWebhook):
    @operation("list_webhook_deliveries", "List deliveries of a webhook", answers="DeliveryPage", parameters=PAGE)
    def get(self, request: HttpRequest, project: str, webhook: str) -> HttpResponse:
        """What was sent in the last 30 days, and what waits. Nothing is kept of answers but their status."""
        return self.listed(self.found(project, webhook).deliveries.all(), "pk", _deliveries)


PLAIN: tuple[str, ...] = ("sub", "kind", "state", "attempts", "status", "problem")
MOMENTS: tuple[str, ...] = ("happened_at", "tried_at", "delivered_at")


def _deliveries(rows: Sequence[Delivery]) -> list[dict[str, Json]]:
    return [
        {"id": str(one.message_id), **{name: as_json(getattr(one, name)) for name in (*PLAIN, *MOMENTS)}}
        for one in rows
    ]
