"""What the access token of a decided request is like (protocol section 6)."""

from __future__ import annotations

from provider.protocol.request import TokenRequest


def token_format(decided: TokenRequest) -> str:
    """The Apis decide: any opaque, else any jwt, else what the client says."""
    apis = [decided.registry.resolve(one) for one in decided.audience]
    said = {api.token_format for api in apis if api is not None}
    return next((one for one in ("opaque", "jwt") if one in said), decided.client.access_token_format)


def signing_alg(decided: TokenRequest) -> str:
    """The programs of an API may know nothing but RS256; those of other APIs are taken to know both."""
    apis = [decided.registry.resolve(one) for one in decided.audience]
    wanted = {api.token_signing_alg for api in apis if api is not None}
    return "RS256" if "RS256" in wanted else "ES256"


def lifetime(decided: TokenRequest) -> int:
    """In seconds: the client's, or less when one of the Apis says so."""
    apis = [decided.registry.resolve(one) for one in decided.audience]
    limits = [api.token_lifetime for api in apis if api is not None and api.token_lifetime]
    return min([decided.client.access_token_lifetime, *limits])
