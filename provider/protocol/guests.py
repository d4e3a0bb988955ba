"""Guest apps: of no project, and let in by the one whose API they name (protocol section 19, rules R12 and C12)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from projects.facts import ApiFacts, ProjectFacts
from projects.guests import SIGN_IN_SCOPES, lets_in, places_of
from provider.protocol import profile
from provider.protocol.errors import InvalidTarget
from provider.protocol.facts import ClientFacts, Entry
from provider.protocol.request import AuthorizationRequest

GRANT_TYPES = frozenset({"authorization_code", "refresh_token"})
CODE = frozenset({"code"})


def stripped(client: ClientFacts) -> ClientFacts:
    """Whatever its row says: a guest is nobody's sibling and has no right of its own."""
    return replace(
        client,
        registered_by_administrator=False,
        grant_types=client.grant_types & GRANT_TYPES,
        response_types=client.response_types & CODE,
        allowlist=(),
        access_token_format="opaque",  # noqa: S106 - a format: only the API may say otherwise
        require_pkce=True,
        introspection="none",
        introspects=frozenset(),
        acts_for=(),
        allowed_callers=frozenset(),
        cross_client_public=False,
    )


def bound(client: ClientFacts, terms: ProjectFacts, apis: Iterable[ApiFacts]) -> ClientFacts | None:
    """The guest as this project lets it in, for these of its APIs; None: it does not.

    What it registered as its scopes bounds nothing, for it says so itself. They are what it gets that names none.
    """
    if not client.guest or not lets_in(terms, places_of(client.client_id, client.redirect_uris)):
        return None
    open_to_it = {api.identifier: api for api in apis if api.open_to(terms)}
    if not open_to_it:
        return None
    offered = sorted({scope for api in open_to_it.values() for scope in api.guest_scopes})
    registered = tuple(scope for scope in client.scopes if scope in offered)
    inside = replace(
        stripped(client),
        project=terms,
        allowlist=tuple(map(Entry, sorted(open_to_it))),
        scopes=(*SIGN_IN_SCOPES, *offered),
        default_scopes=registered or tuple(offered),
        profile=client.profile or terms.profile,
        pushes=client.pushes or terms.pushes,
    )
    return profile.applied(inside)


def at_authorization(request: AuthorizationRequest) -> None:
    """One sentence for an API that there is not, for one that is closed, and for a door that is: all are others'."""
    client = request.client
    if not client.guest or client.allowlist:
        return
    if not (request.params.has("resource") or request.params.has("audience")):
        raise InvalidTarget("This app is of no project. Name the API it is for with resource (RFC 8707).")
    raise InvalidTarget(
        "No API that is named is open to this app: it is of no project. Name those of one project, or ask whoever runs "
        "the API to let the app in."
    )


def digest(client: ClientFacts) -> str:
    """What a person saw of an app that registered itself, and has to be the same when they allow it (rule C10).

    Empty: somebody vouches for it.
    """
    if client.registered_by_administrator and not client.guest:
        return ""
    own = (client.client_id, client.name, client.auth_method, client.jwks, client.jwks_uri)
    seen = "\0".join((*own, *client.redirect_uris))
    return hashlib.sha256(seen.encode()).hexdigest()
