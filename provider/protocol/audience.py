"""Which audiences a token gets: asked, classified, allowed, within the ceiling (protocol sections 1, 3, 4, 5).

`covers` and the canonical form live in `projects.matcher`; the rules that use them live here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from projects.facts import ApiFacts
from projects.matcher import MAX_LENGTH, Malformed, parse
from projects.scopes import SIGN_IN_SCOPES
from provider.protocol.cross_client import may_target
from provider.protocol.errors import InvalidAudience, InvalidRequest, InvalidTarget
from provider.protocol.facts import ClientFacts, Entry, Registry
from provider.protocol.request import AuthorizationRequest, Params, TokenRequest

MAX_VALUES = 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_HAS_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Asked:
    """The audiences of a request: APIs as token values, and sibling clients."""

    apis: tuple[str, ...] = ()
    targets: tuple[ClientFacts, ...] = ()


NOTHING_ASKED = Asked()


def values(params: Params, name: str) -> list[str]:
    """The values of `audience` or `resource`: repeated, space-separated, or both. In order, each once."""
    sent = params.many(name)
    if not sent:
        return []
    if any(_CONTROL.search(value) for value in sent):
        raise InvalidRequest(f"{name} must not contain control characters.")
    words = list(dict.fromkeys(word for value in sent for word in value.split(" ") if word))
    if any(len(word) > MAX_LENGTH for word in words):
        raise InvalidRequest(f"Each {name} may have at most {MAX_LENGTH} characters.")
    return words


def named(params: Params) -> list[str]:
    """Every audience-like value of the request, for loading facts; raises InvalidRequest on abuse."""
    resources, words = _sent(params)
    return [*resources, *words]


def besides_itself(params: Params, client: ClientFacts) -> list[str]:
    """The same without the client's own id as `audience`, which asks for nothing (section 1)."""
    resources, words = _sent(params)
    return [*resources, *_of_others(words, client)]


def _of_others(words: list[str], client: ClientFacts) -> list[str]:
    return [word for word in words if word != client.client_id]


def _sent(params: Params) -> tuple[list[str], list[str]]:
    """The values of `resource` and of `audience`; no more of both than may be asked for."""
    resources, words = values(params, "resource"), values(params, "audience")
    if len(resources) + len(words) > MAX_VALUES:
        raise InvalidRequest(f"At most {MAX_VALUES} values of audience and resource may be asked for.")
    return resources, words


def classify(params: Params, client: ClientFacts, registry: Registry, *, person: bool = True) -> Asked:
    """Sort what was asked; first match wins (section 1). `resource` values come before `audience` (section 4).

    `person`: whether there is one whom an ID token for another client could speak of (section 2).
    """
    resources, words = _sent(params)
    if not (resources or words):
        return NOTHING_ASKED
    words = _of_others(words, client)
    targets = [other for word in words if (other := registry.target(word)) is not None]
    words = [word for word in words if registry.target(word) is None]
    # Before any other refusal: whether a client exists must not show in which mistake is told first.
    names = {word: _exactly_listed(word, client, registry) for word in words if not _HAS_AUTHORITY.match(word)}
    if targets and not (person and all(may_target(client, target) for target in targets)):
        raise InvalidAudience
    apis = [permitted(word, client, registry, absolute=True) for word in resources]
    apis += [names[word] if word in names else permitted(word, client, registry) for word in words]
    return Asked(_each_once(apis), tuple(targets))


def permitted(word: str, client: ClientFacts, registry: Registry, *, absolute: bool = False) -> str:
    """The value tokens carry for an API audience the client may ask for now; else InvalidTarget."""
    try:
        parsed = parse(word)
    except Malformed as error:
        raise InvalidTarget(f"The audience is malformed. {error}") from None
    if absolute and parsed.kind == "name":
        raise InvalidTarget("resource must be an absolute URI (RFC 8707 section 2).")
    api = registry.resolve(word)
    entry = _entry_for(word, api, client, registry)
    if entry is None or (api is not None and not _is_open(api, client)):
        # One sentence for both: whose API it is, is not this client's to know.
        raise InvalidTarget("This audience is not allowed for this client.")
    if verbatim := registry.registered_value(word):
        return verbatim
    same = client.entries.at(word)
    return same.value if same else parsed.canonical


def _is_open(api: ApiFacts, client: ClientFacts) -> bool:
    """The provider's own is open to whom a superuser gave one of its scopes, whatever stands in an allowlist."""
    return api.open_to(client.project) and not (api.of_provider and api.scopes.isdisjoint(client.scopes))


def covering_entry(word: str, client: ClientFacts, registry: Registry) -> Entry | None:
    """The nearest row of the allowlist that covers this audience."""
    return _entry_for(word, registry.resolve(word), client, registry)


def _entry_for(word: str, api: ApiFacts | None, client: ClientFacts, registry: Registry) -> Entry | None:
    """One for an API means that API: another that is nested in it has a row of its own.

    One above all APIs, which only a superuser lists, means them all but the provider's own.
    """
    for entry in client.entries.covering(word):
        if api is None or entry.value == api.identifier:
            return entry
        its = registry.resolve(entry.value)
        if its is api or (its is None and not api.of_provider):
            return entry
    return None


def _exactly_listed(word: str, client: ClientFacts, registry: Registry) -> str:
    """Names and opaque URIs: on the allowlist, or the answer an unknown client id gets."""
    try:
        return permitted(word, client, registry)
    except InvalidTarget:
        raise InvalidAudience from None


def _each_once(audiences: Iterable[str]) -> tuple[str, ...]:
    once: dict[str, str] = {}
    for value in audiences:
        once.setdefault(parse(value).canonical, value)
    return tuple(once.values())


def at_authorization(request: AuthorizationRequest) -> None:
    """The audiences of the ceiling: what was asked, else the default entries (all of them when first party)."""
    asked = classify(request.params, request.client, request.registry)
    request.asked_audiences, request.targets = asked.apis, asked.targets
    request.implied_audiences = request.default_audiences = ()
    if not asked.apis:
        defaults = [entry.value for entry in request.client.allowlist if entry.default]
        everything = [entry.value for entry in request.client.allowlist]
        entries = everything if request.client.project.consent_mode == "implicit" else defaults
        request.implied_audiences = _still_permitted(entries, request.client, request.registry)
        request.default_audiences = _still_permitted(defaults, request.client, request.registry)
    request.implied_scopes = _scopes_of(request.implied_audiences, request.client, request.registry)


def _scopes_of(audiences: Iterable[str], client: ClientFacts, registry: Registry) -> tuple[str, ...]:
    """Scopes of these APIs that the client registered (section 5.1)."""
    offered = offered_by(audiences, registry)
    return tuple(scope for scope in client.scopes if scope in offered)


def offered_by(audiences: Iterable[str], registry: Registry) -> frozenset[str]:
    """Scopes that at least one of these offers as an API."""
    return frozenset(scope for one in audiences if (api := registry.resolve(one)) is not None for scope in api.scopes)


def _still_permitted(audiences: Iterable[str], client: ClientFacts, registry: Registry) -> tuple[str, ...]:
    kept = []
    for one in audiences:
        try:
            kept.append(permitted(one, client, registry))
        except InvalidTarget:
            continue
    return _each_once(kept)


def reachable(granted: Iterable[str], client: ClientFacts, registry: Registry) -> tuple[str, ...]:
    """Of these audiences what the client may ask for now: all of one, or the part its allowlist has."""
    wanted = []
    for one in granted:
        listed = covering_entry(one, client, registry) is not None
        wanted += [one] if listed else [entry.value for entry in client.allowlist if registry.covers(one, entry.value)]
    return _still_permitted(wanted, client, registry)


def at_token(request: TokenRequest) -> None:
    """The audience of the access token: what was asked within the ceiling, else what was granted, else defaults."""
    asked = classify(request.params, request.client, request.registry, person=request.of_a_person)
    request.targets = asked.targets
    if asked.apis:
        request.audience = tuple(one for one in asked.apis if _within(one, request))
    elif not request.has_ceiling:
        defaults = [entry.value for entry in request.client.allowlist if entry.default]
        request.audience = _still_permitted(defaults, request.client, request.registry)
        if defaults and not request.audience:
            raise InvalidTarget("No default audience of this client is allowed for it any more.")
    else:
        request.audience = _granted(request)
    request.audience = request.audience or _itself(request.client, request.registry)
    _refuse_sharing(request)


def _refuse_sharing(request: TokenRequest) -> None:
    """Another's API shares a token with nobody: it alone decides what tokens for it are like (section 4)."""
    apis = [request.registry.resolve(one) for one in request.audience]
    if len(apis) > 1 and any(api is not None and api.of_another(request.client.project) for api in apis):
        raise InvalidTarget("An API of another project gets a token of its own. Name one audience in each request.")


def _itself(client: ClientFacts, registry: Registry) -> tuple[str, ...]:
    """A token for the client alone. A client id may look like an address: it opens no API of another project.

    A guest has nothing of its own: its tokens are for APIs.
    """
    if client.guest:
        raise InvalidTarget("Name the API with resource (RFC 8707): there is nothing else this app could ask for.")
    api = registry.resolve(client.client_id)
    if api is not None and (api.of_provider or not api.open_to(client.project)):
        raise InvalidTarget("The id of this client is the address of an API. Name an audience, or use another client.")
    return (client.client_id,)


def _within(one: str, request: TokenRequest) -> bool:
    if not request.has_ceiling or any(request.registry.covers(has, one) for has in request.ceiling.audiences):
        return True
    raise InvalidTarget("This audience was not granted to this authorization.")


def _granted(request: TokenRequest) -> tuple[str, ...]:
    """Nothing asked now: what authorize asked for and got, else the default entries within the ceiling."""
    ceiling = request.ceiling
    if ceiling.narrowed and not ceiling.asked_audiences:
        request.narrowed = True
        return ()  # wholly refused: what else the ceiling holds was not asked for
    had = ceiling.asked_audiences or tuple(
        entry.value
        for entry in request.client.allowlist
        if entry.default and any(request.registry.covers(has, entry.value) for has in ceiling.audiences)
    )
    left = _still_permitted(had, request.client, request.registry)
    before = had or ceiling.default_audiences  # removed defaults are not `had` any more
    if before and not _still_permitted(before, request.client, request.registry):
        raise InvalidTarget("No audience of this authorization is allowed for this client any more.")
    request.narrowed = ceiling.narrowed or len(left) < len(had)
    return left


def filter_scopes(request: TokenRequest) -> tuple[str, ...]:
    """Scopes these audiences offer, and those of signing in (section 4).

    An API of another project takes what it offers, and nothing where it offers nothing. Those of the client's own
    project offer together, once every audience is an API with scopes.
    """
    apis = [request.registry.resolve(one) for one in request.audience]
    scopes = offered_abroad(request.scopes, apis, request.client)
    if apis and all(api is not None and api.scopes for api in apis):
        scopes = offered_or_of_signing_in(scopes, offered_by(request.audience, request.registry))
    return scopes


def offered_abroad(scopes: tuple[str, ...], apis: Iterable[ApiFacts | None], client: ClientFacts) -> tuple[str, ...]:
    """Of these scopes those that every one of these that is another project's API offers."""
    for api in apis:
        if api is not None and api.of_another(client.project):
            scopes = offered_or_of_signing_in(scopes, api.scopes_for(client.project))
    return scopes


def offered_or_of_signing_in(scopes: tuple[str, ...], offered: frozenset[str]) -> tuple[str, ...]:
    """Scopes of signing in are nobody's to offer."""
    return tuple(one for one in scopes if one in offered or one in SIGN_IN_SCOPES)
