"""Secrets of a client: two at most, so that a new one is rolled out before the old one ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from clients import registration
from clients.models import Client, ClientSecret
from common.json_type import Json
from idp.api.clients import OfClient
from idp.api.described import PAGE, operation
from idp.api.documents import said_in
from idp.api.problems import not_found
from projects.json_shape import Members, Spot, Wrong, as_json, moment_or_none, read_members, text
from projects.problems import Problem
from projects.rules import text_problem

MAX_LABEL = 100
MOST = 2**63  # no row has a number beyond


def _label(spot: Spot) -> str:
    label = text(spot)
    if problem := text_problem(label, MAX_LABEL):
        raise Wrong(problem)
    return label


WANTED: Members = {"label": _label, "expires_at": moment_or_none}


class SecretList(OfClient):
    tag = "secrets"

    @operation("list_client_secrets", "List the secrets of a client", answers="SecretPage", parameters=PAGE)
    def get(self, request: HttpRequest, project: str, client_id: str) -> HttpResponse:
        """Those that are not revoked. What they are is never shown again."""
        rows = self.client(project, client_id).secrets.filter(slot__isnull=False)
        return self.listed(rows, "pk", represent)

    @operation(
        "create_client_secret",
        "Make a secret",
        answers="NewSecret",
        status=201,
        sends="SecretWanted",
        parameters=("idempotency_key",),
    )
    def post(self, request: HttpRequest, project: str, client_id: str) -> HttpResponse:
        """`client_secret` of the answer is shown this once. A client has two at most: revoke the older one first.

        With an Idempotency-Key, a request that comes again is answered 409, and `Location` says which secret it made.
        """

        def allow() -> None:
            self.client(project, client_id)
            self.editable(project, self.by)

        return self.once(lambda: self._make(project, client_id), allow=allow, secret=True)

    def _make(self, key: str, client_id: str) -> HttpResponse:
        with transaction.atomic():
            client, by = self.changing(key, client_id)
            said = said_in(self.sent(optional=True), _read)
            label, expires_at = str(said.get("label", "")), said.get("expires_at")
            moment = expires_at if isinstance(expires_at, datetime) else None
            secret = registration.generate_secret(client, by, label=label, expires_at=moment)
            row = client.secrets.filter(slot__isnull=False).latest("pk")
        said_once = {**represent([row])[0], "client_secret": secret}
        return self.made(said_once, "projects", key, "clients", client_id, "secrets", str(row.pk))


class OneSecret(OfClient):
    tag = "secrets"

    @operation("get_client_secret", "Get a secret's label and dates", answers="Secret")
    def get(self, request: HttpRequest, project: str, client_id: str, secret: int) -> HttpResponse:
        return self.shown(represent([_of(self.client(project, client_id), secret)])[0])

    @operation("delete_client_secret", "Revoke a secret", status=204)
    def delete(self, request: HttpRequest, project: str, client_id: str, secret: int) -> HttpResponse:
        """It does not work any more from this moment on."""
        with transaction.atomic():
            client, by = self.changing(project, client_id)
            registration.revoke_secret(_of(client, secret), by)
        return HttpResponse(status=204)


def _of(client: Client, number: int) -> ClientSecret:
    found = client.secrets.filter(pk=number, slot__isnull=False).first() if number < MOST else None
    if found is None:
        raise not_found()
    return found


def represent(secrets: Sequence[ClientSecret]) -> list[dict[str, Json]]:
    moments = ("created_at", "expires_at", "last_used_at")
    return [
        {"id": str(one.pk), "label": one.label, **{name: as_json(getattr(one, name)) for name in moments}}
        for one in secrets
    ]


def _read(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(WANTED, spot), spot.found
