"""A request of every operation of the OpenAPI document, in a world where each of them has something to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from allauth.mfa.models import Authenticator
from jsonschema import Draft202012Validator

from accounts import attribute_schema, groups
from accounts.attributes import Definition
from accounts.models import SignIn, User
from clients import blocked_hosts, guests, initial_tokens, key_registration, webhooks
from clients.models import Authorization, Client, SigningKey, Stream
from clients.models.stream import DeliveryMethod
from clients.webhooks import WebhookMetadata
from idp.api.openapi import document
from projects import inviting, roles
from projects.inviting import Wanted
from projects.metadata import RoleMetadata
from projects.models import Project
from projects.upstream import registration as connectors
from projects.upstream.metadata import ConnectorMetadata
from tests.guests import make_guest
from tests.idp.api.caller import OPERATOR, path
from tests.provider.proving import new_key
from tests.world import BILLING, ORDERS, Browser

DOCUMENT: dict[str, Any] = json.loads(json.dumps(document()))
PAGE = "https://consent.acme.example/ask"
# What is sent, where anything is.
SENT: dict[str, Any] = {
    "put_project": {"name": "Acme", "consent_uri": PAGE},
    "patch_project": {"name": "Acme"},
    "put_consent_screen": {"app_name": "Acme"},
    "patch_consent_screen": {"app_name": "Acme"},
    "put_member": {"role": "editor"},
    "put_api": {"name": "Orders", "scopes": {"orders.read": "See", "orders.write": "Change"}},
    "patch_api": {"name": "Orders"},
    "create_client": {"client_name": "New", "grant_types": ["client_credentials"]},
    "put_client": {"client_name": "Sibling", "redirect_uris": ["https://sibling.acme.example/cb"]},
    "patch_client": {"client_name": "Sibling"},
    "create_client_secret": {"label": "first"},
    "put_client_keys": {"keys": []},
    "add_client_key": {},
    "put_client_audience": {},
    "accept_consent_request": {"grant_scope": ["openid"]},
    "reject_consent_request": {},
    "put_role": {"users": ["member"]},
    "patch_role": {"description": "Works here"},
    "put_user": {"username": "member", "email": "member@people.example"},
    "patch_user": {"given_name": "Mem"},
    "create_user": {"username": "newcomer"},
    "create_initial_access_token": {"label": "first"},
    "create_signing_key": {"algorithm": "RS256"},
    "rotate_signing_keys": {"algorithm": "RS256"},
    "activate_signing_key": {},
    "revoke_signing_key": {},
    "patch_guest": {"enabled": False},
    "create_invitation": {"email": "guest@new.example"},
    "create_project_invitation": {"email": "guest@new.example", "role": "viewer"},
    "create_webhook": {"url": "https://hooks.acme.example/"},
    "patch_webhook": {"description": "ours"},
    "patch_stream": {"status": "paused", "reason": "Maintenance"},
    "put_connector": {"name": "Corp", "issuer": "https://login.corp.example", "client_id": "us", "client_secret": "s"},
    "patch_connector": {"name": "Corp"},
    "put_attribute": {"type": "text", "label": "Department"},
    "create_group": {"name": "crew"},
    "patch_group": {"description": "Everybody"},
}
NOBODY = "00000000-0000-4000-8000-000000000000"
UNKNOWN = {
    "project": "nothing",
    "connector": "nothing",
    "sub": NOBODY,
    "challenge": "nothing",
    "key": "nothing",
    "guest": "nothing",
    "host": "nothing.example",
    "invitation": NOBODY,
    "attribute": "nothing",
    "group_id": NOBODY,
}  # of each kind of thing that others may not know


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    template: str
    said: dict[str, Any]

    def address(self, variables: dict[str, str]) -> str:
        steps = self.template.strip("/").split("/")
        return path(*(variables[step[1:-1]] if step.startswith("{") else step for step in steps))

    def complaint(self, answer: Any) -> str:
        """What an answer has that the document does not say; empty: it is as described."""
        described = self.said["responses"].get(str(answer.status_code))
        if described is None:
            return f"{answer.status_code} is not described"
        if "$ref" in described:
            described = DOCUMENT["components"]["responses"][described["$ref"].rpartition("/")[2]]
        if "content" not in described:
            return "a body is not described" if answer.content else ""
        [content] = described["content"].values()
        schema = {**content["schema"], "components": DOCUMENT["components"]}
        wrong = [one.message for one in Draft202012Validator(schema).iter_errors(answer.json())]
        return wrong[0] if wrong else ""


def every() -> Iterator[Operation]:
    for template, item in DOCUMENT["paths"].items():
        for method, said in item.items():
            yield Operation(said["operationId"], method.upper(), template, said)


OPERATIONS = {one.name: one for one in every()}


def prepared() -> dict[str, str]:
    """What the variables of the paths stand for: things of the project acme, and of its member."""
    Browser("member").tokens("web", scope="openid offline_access orders.read")
    sibling = Client.objects.get(client_id="sibling")
    key = {**new_key().export_public(as_dict=True), "kid": "first"}
    key_registration.add(sibling, key, OPERATOR)
    SENT["add_client_key"] = {**new_key().export_public(as_dict=True), "kid": "second"}
    sibling.audience_entries.create(value=BILLING, mode="exact")
    member = User.objects.get(username="member")
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={})
    corp = ConnectorMetadata(id="corp", name="Corp", issuer="https://login.corp.example", client_id="us")
    connectors.register(corp, OPERATOR)
    attribute_schema.define(Definition("department", "text", "Department"), OPERATOR)
    group = groups.make("staff", OPERATOR)
    groups.set_members(group, [member], "", OPERATOR)
    return {
        "attribute": "department",
        "group_id": str(group.pk),
        "project": "acme",
        "connector": "corp",
        "client_id": "sibling",
        "identifier": ORDERS,
        "username": "member",
        "secret": str(sibling.secrets.latest("pk").pk),
        "audience": BILLING,
        "kid": "first",
        "sub": member.sub,
        "initial_token": str(_initial_token()),
        "key": SigningKey.objects.get(algorithm="RS256", state="active").kid,
        "guest": make_guest(guests.DCR).client_id,
        "host": blocked_hosts.block("guests.example", OPERATOR).host,
        "sign_in_id": str(SignIn.objects.filter(user=member, ended_at=None).latest("created_at").pk),
        "authorization": str(Authorization.objects.get(user=member).pk),
        "challenge": _challenge(),
        "role": _role(),
        "group": "choir",
        "invitation": str(
            inviting.invite(Wanted(email="waits@new.example"), Project.objects.get(key="acme"), OPERATOR).pk
        ),
        "webhook": _webhook(),
        "stream": str(
            Stream.objects.create(client=Client.objects.get(client_id="sibling"), method=DeliveryMethod.POLL).pk
        ),
    }


def _initial_token() -> int:
    acme = Project.objects.get(key="acme")
    return initial_tokens.make(initial_tokens.Wanted(label="for tests"), acme, OPERATOR)[0].pk


def _role() -> str:
    """Of a person, and of a group that there is."""
    choir = groups.named("choir") or groups.make("choir", OPERATOR)
    wanted = RoleMetadata(name="staff", users=("member",), groups=(choir.name,))
    return roles.register(wanted, Project.objects.get(key="acme"), OPERATOR).name


def _webhook() -> str:
    """With two secrets: one of them can be ended."""
    wanted = WebhookMetadata(url="https://hooks.acme.example/first")
    made, _secret = webhooks.register(wanted, Project.objects.get(key="acme"), OPERATOR)
    webhooks.rotate(made, OPERATOR)
    return str(made.pk)


def _challenge() -> str:
    """Of a person who is asked by the project's own page."""
    Project.objects.filter(key="acme").update(consent_uri=PAGE)
    asked = Browser("owner").authorize("web", scope="openid email orders.read", audience=ORDERS)
    return parse_qs(urlsplit(asked["Location"]).query)["consent_challenge"][0]
