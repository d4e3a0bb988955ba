"""What access tokens are like, and what is left of one later (protocol sections 4, 6 and 8)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from projects.facts import LONGEST_FOR_EDITORS, ApiFacts
from projects.scopes import SCIM
from provider.protocol.audience import offered_abroad, offered_by, offered_or_of_signing_in
from provider.protocol.facts import ClientFacts, Registry, TokenFacts
from provider.protocol.request import Subject, TokenRequest

LIFETIME_ABROAD = 3600  # seconds, where an API says none: of tokens that clients of other projects get for it
# Seconds at most: a JWT does not hear that the access token it came from was revoked.
EXCHANGED_JWT = 300


def _apis(decided: TokenRequest) -> list[ApiFacts]:
    return [api for one in decided.audience if (api := decided.registry.resolve(one)) is not None]


def token_format(decided: TokenRequest) -> str:
    """The Apis decide: any opaque, else any jwt, else what the client says. It says so for its own project only.

    Never a JWT that two projects could read and compare, where one of them knows people by subjects of its own.
    """
    if crosses(decided.audience, decided.client, decided.registry):
        return "opaque"
    if decided.exchanged is not None and decided.exchanged.crosses:
        return "opaque"
    return _format_of(_apis(decided), decided.client)


def _format_of(apis: Iterable[ApiFacts], client: ClientFacts) -> str:
    said = [_format_at(api, client) for api in apis]
    if "opaque" in said:
        return "opaque"
    return "jwt" if "jwt" in said else client.access_token_format


def _format_at(api: ApiFacts, client: ClientFacts) -> str:
    """A JWT cannot be ended where it is checked locally: no client of another project decides that.

    The provider's own API looks each one up.
    """
    abroad = api.of_another(client.project) and not api.of_provider
    inherited = api.token_format == "inherit" and abroad  # noqa: S105 - a format
    return "opaque" if inherited else api.token_format


def abroad(audience: Iterable[str], client: ClientFacts, registry: Registry) -> bool:
    """Whether one of these is an API of another project: it gets the token, and hears nothing that this one tells."""
    return is_abroad(map(registry.resolve, audience), client)


def is_abroad(apis: Iterable[ApiFacts | None], client: ClientFacts) -> bool:
    return any(api is not None and api.of_another(client.project) for api in apis)


def crosses(audience: Iterable[str], client: ClientFacts, registry: Registry) -> bool:
    """Whether one of these is an API of another project that must not know the person as this one does.

    Whoever shows such a token may be the one or the other. So nobody is told a `sub` for it alone.
    """
    return is_crossing(map(registry.resolve, audience), client)


def is_crossing(apis: Iterable[ApiFacts | None], client: ClientFacts) -> bool:
    return any(api is not None and api.in_other_sector(client.project) for api in apis)


def signing_alg(decided: TokenRequest) -> str:
    """What the APIs say. Where they differ, what most programs know: those of an API may know nothing but RS256."""
    said = {api.token_signing_alg for api in _apis(decided)}
    return min(said, key=lambda name: (name != "RS256", name != "ES256", name), default="ES256")


def lifetime(decided: TokenRequest) -> int:
    """In seconds: the client's, or less when one of the Apis says so, or is another project's and says nothing."""
    apis, client = _apis(decided), decided.client
    limited = [api for api in apis if not _is_of_directory(decided, api)]
    limits = [limit for api in limited if (limit := _limit_at(api, client)) is not None]
    if decided.exchanged is not None and decided.exchanged.came_from and token_format(decided) == "jwt":
        limits.append(EXCHANGED_JWT)
    return min([client.access_token_lifetime, *limits])


def _limit_at(api: ApiFacts, client: ClientFacts) -> int | None:
    return api.token_lifetime or (LIFETIME_ABROAD if api.of_another(client.project) else None)


def _is_of_directory(decided: TokenRequest, api: ApiFacts) -> bool:
    """Programs that bring people may know nothing but one token, for months. Who let it live so long is a superuser."""
    alone = decided.subject is Subject.CLIENT and decided.exchanged is None
    return alone and api.of_provider and decided.scopes == (SCIM,)


def lives_too_long(lifetime: int, issued_at: int, expires_at: int) -> bool:
    """Whether nobody with this lifetime got a JWT for so long from us: somebody else signed it with a key of ours.

    What an editor may set is always believed: a lifetime that was shortened since ends no token that was given before.
    """
    return expires_at - issued_at > max(lifetime, LONGEST_FOR_EDITORS)


def left_of(token: TokenFacts, issued_at: datetime, registry: Registry) -> TokenFacts | None:
    """The access token as its APIs let it work now: for those that are still open to its client, and ended nothing.

    None: for no audience any more. What goes with an audience is what it alone offered.
    """
    client = token.client
    apis = {one: registry.resolve(one) for one in token.audience}
    if not any(apis.values()) and not client.guest:
        return token  # the client itself, or names that no API has
    token = token._replace(abroad=is_abroad(apis.values(), client), crosses=is_crossing(apis.values(), client))
    left = {one: api for one, api in apis.items() if _accepts(api, client, issued_at)}
    if not left:
        return None
    audience, scopes = tuple(left), offered_abroad(token.scopes, left.values(), client)
    if audience != token.audience:
        scopes = offered_or_of_signing_in(scopes, offered_by(audience, registry))
    same = audience == token.audience and scopes == token.scopes
    return token if same else token._replace(audience=audience, scopes=scopes)


def _accepts(api: ApiFacts | None, client: ClientFacts, issued_at: datetime) -> bool:
    """Whether it is open to this client, and ended nothing that the client got then.

    What no API covers is nobody's to close, and no guest's to reach.
    """
    if api is None:
        return not client.guest
    ended = any(one is not None and issued_at < one for one in api.not_before(client.project))
    return not ended and not api.closed_to(client.project)


def still_open(audience: tuple[str, ...], client: ClientFacts, registry: Registry) -> tuple[str, ...]:
    """Of these those that its project may ask for now; what no API covers is nobody's to close."""
    apis = {one: registry.resolve(one) for one in audience}
    return tuple(
        one for one, api in apis.items() if (not client.guest if api is None else not api.closed_to(client.project))
    )
