"""Facts to hand to the steps: made by hand, with no database behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from projects.facts import ApiFacts, Apis, ProjectFacts
from provider.protocol import authorization as shape
from provider.protocol.channel import Channel
from provider.protocol.facts import NO_CEILING, Ceiling, ClientFacts, Entry, PersonFacts, Registry
from provider.protocol.request import AuthorizationRequest, Params, Subject, TokenRequest

ACME = ProjectFacts(id=1)
OTHER = ProjectFacts(id=2)
ORDERS = "https://api.acme.example/orders"
BILLING = "https://api.acme.example/billing"
QUEUE = "urn:acme:queue"
OWNER = PersonFacts(
    id=1,
    sub="11111111-1111-4111-8111-111111111111",
    username="owner",
    facts={
        "given_name": "Olive",
        "family_name": "Owner",
        "email": "owner@people.example",
        "email_verified": True,
        "phone_number": "+1 555 0100",
        "address": {"formatted": "1 Main St"},
        "updated_at": 1_700_000_000,
    },
)


def client(client_id: str = "web", **changes: Any) -> ClientFacts:
    """A confidential client of Acme that an administrator registered; `changes` say what is different."""
    usual = ClientFacts(
        id=sum(map(ord, client_id)),
        client_id=client_id,
        project=ACME,
        name=f"Acme {client_id}",
        grant_types=frozenset({"authorization_code", "refresh_token", "client_credentials"}),
        scopes=("openid", "profile", "email", "offline_access", "orders.read", "orders.write"),
        allowlist=listed(ORDERS, BILLING),
    )
    return replace(usual, **changes)


def listed(*entries: str | Entry) -> tuple[Entry, ...]:
    """An allowlist; plain texts are prefix entries."""
    return tuple(Entry(entry) if isinstance(entry, str) else entry for entry in entries)


def default(value: str) -> Entry:
    return Entry(value, default=True)


def api(identifier: str = ORDERS, *scopes: str, **changes: Any) -> ApiFacts:
    """An API of Acme that only its own clients may ask for."""
    return replace(ApiFacts(identifier=identifier, project_id=ACME.id, scopes=frozenset(scopes)), **changes)


def registry(*apis: ApiFacts, clients: Iterable[ClientFacts] = ()) -> Registry:
    return Registry(clients={one.client_id: one for one in clients}, apis=Apis.of(apis))


def sent(**params: Any) -> Params:
    """Parameters as sent; a list repeats one."""
    pairs = [(name, one) for name, value in params.items() for one in ([value] if isinstance(value, str) else value)]
    return Params(pairs)


def authorization(
    caller: ClientFacts | None = None, known: Registry | None = None, /, **params: Any
) -> AuthorizationRequest:
    """Its way back is the one that it asks for, where it says what it asks for."""
    asked, back = sent(**params), (caller or client(), "https://web.acme.example/cb")
    channel = shape.channel(asked, *back) if "response_type" in params else Channel(*back)
    return AuthorizationRequest(params=asked, channel=channel, registry=known or Registry())


def token(
    caller: ClientFacts | None = None,
    ceiling: Ceiling | None = None,
    known: Registry | None = None,
    /,
    **params: Any,
) -> TokenRequest:
    """A token request: of a person when there is a ceiling, else of client credentials."""
    return TokenRequest(
        params=sent(**params),
        client=caller or client(),
        registry=known or Registry(),
        subject=Subject.CLIENT if ceiling is None else Subject.PERSON,
        ceiling=ceiling or NO_CEILING,
    )
