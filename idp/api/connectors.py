"""Connectors: where else people sign in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from common.json_type import Json
from idp.api import deletion
from idp.api.described import PAGE, WRITE, operation
from idp.api.documents import patched, refuse_another, said_in
from idp.api.problems import not_found
from idp.api.provider_wide import ProviderWide
from projects.problems import Problem, require
from projects.upstream import document, registration
from projects.upstream.metadata import ConnectorMetadata
from projects.upstream.models import Connector

SECRET = "client_secret"  # noqa: S105 - a member


def represent(rows: Sequence[Connector]) -> list[dict[str, Json]]:
    return [document.represent(registration.metadata_of(row)) for row in rows]


class ConnectorList(ProviderWide):
    tag = "connectors"

    @operation("list_connectors", "List connectors", answers="ConnectorPage", parameters=PAGE)
    def get(self, request: HttpRequest) -> HttpResponse:
        """Where else people sign in. Secrets are never shown."""
        self.refuse_others()
        return self.listed(Connector.objects.select_related("project"), "key", represent)


class OneConnector(ProviderWide):
    tag = "connectors"

    @operation("get_connector", "Get a connector", answers="Connector")
    def get(self, request: HttpRequest, connector: str) -> HttpResponse:
        self.refuse_others(hidden=True)
        row = Connector.objects.select_related("project").filter(key=connector).first()
        if row is None:
            raise not_found()
        return self.shown(represent([row])[0])

    @operation(
        "put_connector",
        "Create or replace a connector",
        answers="Connector",
        sends="ConnectorWanted",
        parameters=WRITE,
        also={201: "It is new."},
    )
    def put(self, request: HttpRequest, connector: str) -> HttpResponse:
        """Members that are not named get their defaults; `client_secret` stays as it is, if it is not named."""
        self.refuse_others(hidden=True)
        with transaction.atomic():
            return self._write(connector, self.sent())

    @operation(
        "patch_connector",
        "Change parts of a connector",
        answers="Connector",
        sends="ConnectorWanted",
        parameters=("if_match",),
    )
    def patch(self, request: HttpRequest, connector: str) -> HttpResponse:
        """JSON Merge Patch (RFC 7396): what is not named stays, and null is the default. With `enabled: false` every
        sign-in that came by it ends, and the tokens that stand on them."""
        self.refuse_others(hidden=True)
        with transaction.atomic():
            row = registration.locked(connector)
            if row is None:
                raise not_found()
            return self._write(connector, patched(represent([row])[0], self.sent()))

    @operation("delete_connector", "Delete a connector", answers="Deletion", parameters=("dry_run", "if_match"))
    def delete(self, request: HttpRequest, connector: str) -> HttpResponse:
        """With the links of everybody who signs in by it. What came by it ends."""
        self.refuse_others(hidden=True)
        with transaction.atomic():
            row = registration.locked(connector)
            if row is None:
                raise not_found()
            self.require(represent([row])[0])
            return deletion.delete(self, row, [], lambda: registration.delete(row, self.by))

    def _write(self, key: str, values: Mapping[str, Json]) -> HttpResponse:
        row = registration.locked(key)
        self.require(represent([row])[0] if row else None)
        plain = {name: value for name, value in values.items() if name != SECRET}
        said, secret = said_in(plain, document.read), _secret(values.get(SECRET))
        refuse_another(said, "id", key)
        wanted = document.connector(ConnectorMetadata(id=key), said)
        if created := row is None:
            row = registration.register(wanted, self.by, secret)
        else:
            registration.change(row, wanted, self.by, secret)
        return self.made(represent([row])[0], "connectors", key, created=created)


def _secret(value: Json) -> str | None:
    if value is not None and not isinstance(value, str):
        require([Problem(SECRET, "This must be text.")])
    return value if isinstance(value, str) else None
