"""A token that the client already has (RFC 8693): its own, or one that an app sent to the API the client acts for."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from projects import ends
from projects.apis import apis_near
from provider.protocol import exchange
from provider.protocol.confirmation import NOT_BOUND
from provider.protocol.errors import InvalidGrant
from provider.protocol.exchange import InvalidSubject
from provider.protocol.facts import Ceiling, ClientFacts, Exchanged, Registry
from provider.protocol.request import Params, Subject
from provider.store import authorizations, find, live
from provider.store.presented import NOTHING, Presented, Reused


def opened(params: Params, client: ClientFacts) -> Presented:
    exchange.check_parameters(params)
    text, kind = params.one("subject_token"), params.one("subject_token_type")
    if kind == exchange.REFRESH_TOKEN:
        return _refresh_token(text, client)
    if kind == exchange.JWT and text.count(".") != 2:
        raise InvalidSubject
    found = find.subject_token(text)
    if found is None:
        raise InvalidSubject
    return _access_token(found, client)


def _refresh_token(text: str, client: ClientFacts) -> Presented:
    """It is not used up. One that was, and comes again, is somebody else's (protocol section 5.7)."""
    try:
        presented = authorizations.open_refresh(text, client)
    except Reused:
        raise
    except InvalidGrant:
        raise InvalidSubject from None
    return presented._replace(spend=NOTHING, exchanged=Exchanged(client))


def _access_token(found: find.Found, client: ClientFacts) -> Presented:
    token, behind = found.token, found.behind
    passed_on = token.client.client_id != client.client_id
    ceiling, ends_at = _passed_on(found, client) if passed_on else (exchange.narrower(token), None)
    return Presented(
        Subject.PERSON if token.person is not None else Subject.CLIENT,
        NOTHING,
        found.issued_at,
        ends.earliest(found.expires, ends_at),
        behind=(behind,) if behind is not None else (),
        found_alive=True,
        authorization_id=behind.id if behind is not None else None,
        ceiling=ceiling,
        person=token.person,
        sign_in=token.sign_in,
        # Its holder shows the same key again; an API cannot, and has seen a proof for itself.
        bound=NOT_BOUND if passed_on else token.bound,
        exchanged=Exchanged(
            token.client,
            passed_on,
            bool(token.bound),
            exchange.actors(token, client) if passed_on else token.actors,
            exchange.came_from(token, found.key),
            _crosses(found, client),
        ),
    )


def _crosses(found: find.Found, client: ClientFacts) -> bool:
    """Whether it began in a project that must not know the person as the client's does, through whatever hands."""
    first = live.party(found.behind, found.token.client) if found.behind is not None else None
    return first is not None and first.project.in_other_sector(client.project)


def _passed_on(found: find.Found, client: ClientFacts) -> tuple[Ceiling, datetime | None]:
    """Of another client: for an API that this one acts for, what its person allowed this one's project, until then."""
    token, behind = found.token, found.behind
    apis = Registry(apis=apis_near(token.audience))
    if behind is None or not exchange.may_pass_on(client, token, apis, settings.IDP_ISSUER):
        raise InvalidSubject
    if not live.lets_in(client, behind):
        raise InvalidSubject
    if client.project.consent_mode == "implicit" and behind.project_id is None:
        return exchange.passed_on(token, exchange.all_of(client)), None
    allowed, ends_at = live.allowed_in(client.project, behind)
    return exchange.passed_on(token, Ceiling(allowed.scopes, allowed.audiences)), ends_at
