"""Public keys of a client (RFC 7517): what it signs assertions and requests with."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from clients import key_registration, keys, registration
from clients.models import Client
from clients.policy import metadata_of
from common import jws
from common.json_type import Json
from idp.api.clients import OfClient
from idp.api.described import operation
from idp.api.documents import placed
from idp.api.problems import not_found


class ClientKeys(OfClient):
    tag = "client keys"

    @operation("get_client_keys", "Get the keys of a client", answers="KeySet")
    def get(self, request: HttpRequest, project: str, client_id: str) -> HttpResponse:
        return self.shown(_represent(self.client(project, client_id)))

    @operation(
        "put_client_keys", "Replace the keys of a client", answers="KeySet", sends="KeySet", parameters=("if_match",)
    )
    def put(self, request: HttpRequest, project: str, client_id: str) -> HttpResponse:
        """Public keys only: one with a private part is refused. Nothing that a removed key signed counts any more."""
        with transaction.atomic():
            client, by = self.changing(project, client_id)
            self.require(_represent(client))
            with placed(_inside):
                registration.change_locked(client, replace(metadata_of(client), jwks=self.sent()), by)
            return self.shown(_represent(client))

    @operation("add_client_key", "Add a key", answers="KeySet", sends="Key", parameters=("if_match",))
    def post(self, request: HttpRequest, project: str, client_id: str) -> HttpResponse:
        """A public JWK. One that is there already is refused."""
        with transaction.atomic():
            client, by = self.changing(project, client_id)
            self.require(_represent(client))
            with placed(lambda _field: ""):
                key_registration.add(client, self.sent(), by)
            return self.shown(_represent(client))


class OneClientKey(OfClient):
    tag = "client keys"

    @operation("delete_client_key", "Remove a key", status=204)
    def delete(self, request: HttpRequest, project: str, client_id: str, kid: str) -> HttpResponse:
        """By its `kid`. Nothing that it signed counts any more."""
        with transaction.atomic():
            client, by = self.changing(project, client_id)
            found = [jws.thumbprint(one) for one in keys.keys_of(client.jwks) if one.get("kid") == kid]
            if not found or not key_registration.remove(client, found[0], by):
                raise not_found()
        return HttpResponse(status=204)


def _represent(client: Client) -> Json:
    """Each has a `kid`: its thumbprint (RFC 7638), where nobody gave it one."""
    return {"keys": list(keys.keys_of(client.jwks))}


def _inside(field: str) -> str:
    return field.removeprefix("jwks").removeprefix(".")
