"""What a client has registered that means nothing for it: no mistake, and rarely meant. Pure: no rows are read."""

from __future__ import annotations

from collections.abc import Iterator

from clients.metadata import BY_NAMED_CERTIFICATE, ClientMetadata
from clients.models.choices import GrantType
from projects.problems import Problem

BY_KEY = "private_key_jwt"
WITH_PEOPLE = {GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE}


def unused(client: ClientMetadata) -> Iterator[Problem]:
    """Each at its field, with the reason."""
    grants, method = set(client.grant_types), client.token_endpoint_auth_method
    through_browsers = GrantType.AUTHORIZATION_CODE in grants or set(client.response_types) - {"code"}
    refreshes = GrantType.REFRESH_TOKEN in grants
    if not grants and not through_browsers:
        yield Problem("grant_types", "Without a grant type it gets no tokens.")
    if client.redirect_uris and not through_browsers:
        yield Problem("redirect_uris", "They mean nothing without the grant type authorization_code.")
    if refreshes and not grants & WITH_PEOPLE:
        yield Problem("grant_types", "Nobody gives it a refresh token: it has no grant with a person.")
    if "offline_access" in client.scopes and not refreshes:
        yield Problem("scope", "offline_access means nothing without the grant type refresh_token.")
    if client.introspects and client.settled().introspection != "listed":
        yield Problem("introspects", "This list means nothing without 'introspection: listed'.")
    if client.token_endpoint_auth_signing_alg and method != BY_KEY:
        yield Problem("token_endpoint_auth_signing_alg", f"This means nothing without {BY_KEY}.")
    for name, _value in client.certificate_names if method != BY_NAMED_CERTIFICATE else ():
        yield Problem(name, f"This means nothing without {BY_NAMED_CERTIFICATE}.")
    if client.cross_client_public and not client.public:
        yield Problem("cross_client_public", "This is for public clients: confidential ones may anyway.")
    if client.held and client.enabled:
        yield Problem("held", "This means nothing with 'enabled: true'.")
