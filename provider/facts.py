"""From rows to frozen facts: the only place where a step's knowledge is read from the database, or remembered."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from django.conf import settings

from accounts.models import SignIn, User
from clients import blocked_hosts, keys
from clients.models import Client
from clients.models.choices import RefreshTokens
from clients.rules import SHOWN_URIS
from common import cache, client_url
from projects.apis import apis_near, project_facts
from projects.facts import OUTSIDE
from projects.guests import places_of
from provider.protocol import guests, profile
from provider.protocol.facts import (
    NO_CLAIMS,
    Ceiling,
    ClientFacts,
    Entry,
    PersonFacts,
    Registry,
    RequestedClaims,
    SignInFacts,
)
from provider.protocol.response_modes import CODE
from provider.store.statements import AuthorizationRow

MAX_CLIENT_ID = 255  # characters, as its column has
_RELATED = ("audience_entries", "allowed_callers", "introspects", "acts_for")


def client_facts(client: Client) -> ClientFacts:
    """A client with everything the steps may ask of it."""
    if client.guest:
        return _where_it_is(guests.stripped(_own(client)))  # it lists nobody, and may be without a row
    lists = replace(
        _own(client),
        allowlist=_allowlist(client),
        introspects=frozenset(other.client_id for other in client.introspects.all()),
        acts_for=tuple(api.identifier for api in client.acts_for.all()),
        allowed_callers=frozenset(other.client_id for other in client.allowed_callers.all()),
        profile=client.profile or (client.project.profile if client.project else ""),
    )
    return profile.applied(lists)


def _where_it_is(guest: ClientFacts) -> ClientFacts:
    """A guest that is at a host which superusers keep out, or did until lately."""
    blocked, lifted = blocked_hosts.found_at(places_of(guest.client_id, guest.redirect_uris))
    over = max(filter(None, (guest.tokens_not_before, lifted)), default=None)
    return replace(guest, enabled=guest.enabled and not blocked, tokens_not_before=over)


def _own(client: Client) -> ClientFacts:
    """What its row says, and what it says of itself there."""
    return replace(
        _columns(client),
        native=client.native,
        pages=tuple((name, uri) for name in SHOWN_URIS if (uri := getattr(client, name))),
        default_max_age=client.default_max_age,
        default_acrs=tuple(client.default_acr_values),
        document_read_at=client.document_read_at,
        document_gone_since=client.document_gone_since,
        sign_in=client.sign_in_rule,
    )


def _columns(client: Client) -> ClientFacts:
    """What its own row and its project's say."""
    return ClientFacts(
        id=client.pk,
        client_id=client.client_id,
        project=project_facts(client.project) if client.project else OUTSIDE,
        name=str(client),
        enabled=client.enabled,
        public=client.public,
        registered_by_administrator=client.registration_source == Client.RegistrationSource.MANUAL,
        grant_types=frozenset(client.grant_types),
        redirect_uris=tuple(client.redirect_uri_list),
        scopes=tuple(client.scope.split()),
        access_token_format=client.access_token_format,
        access_token_lifetime=client.access_token_lifetime,
        id_token_lifetime=client.id_token_lifetime,
        refresh_token_lifetime=client.refresh_token_lifetime,
        refresh_token_idle_lifetime=client.refresh_token_idle_lifetime,
        id_token_algorithm=client.id_token_signed_response_alg,
        userinfo_algorithm=client.userinfo_signed_response_alg,
        request_object_algorithm=client.request_object_signing_alg,
        response_types=_offered(client.response_types),
        authorization_algorithm=client.authorization_signed_response_alg,
        pushes=pushes(client),
        require_pkce=client.require_pkce,
        rotates=client.rotate_refresh_tokens,
        introspection=client.introspection,
        cross_client_public=client.cross_client_public,
        tokens_not_before=client.tokens_not_before,
        dpop_bound=client.dpop_bound_access_tokens,
        auth_method=client.token_endpoint_auth_method,
        assertion_algorithm=client.token_endpoint_auth_signing_alg,
        jwks=keys.text_of(client.jwks),
        jwks_uri=client.jwks_uri,
        asks_offline=client.refresh_tokens == RefreshTokens.ALWAYS,
        certificate_bound=client.tls_client_certificate_bound_access_tokens,
        certificate_names=tuple((name.rpartition("_")[2], value) for name, value in client.columns.certificate_names),
    )


def _offered(response_types: Iterable[str]) -> frozenset[str]:
    """What the deployment offers of them: tokens through the browser need two switches (protocol section 21)."""
    return frozenset(response_types) if settings.IDP_LEGACY_RESPONSE_TYPES else frozenset(response_types) & {CODE}


def _allowlist(client: Client) -> tuple[Entry, ...]:
    rows = client.audience_entries.all()
    return tuple(Entry(row.value, "exact" if row.mode == "exact" else "prefix", row.default) for row in rows)


def pushes(client: Client) -> bool:
    """Whether its authorization requests have to be pushed (RFC 9126 sections 5 and 6)."""
    said = (one.require_pushed_authorization_requests for one in (client, client.project) if one is not None)
    return settings.IDP_REQUIRE_PUSHED_AUTHORIZATION_REQUESTS or any(said)


def find_clients(client_ids: Iterable[str]) -> dict[str, ClientFacts]:
    """The clients among these ids, enabled or not."""
    wanted = {one for one in client_ids if _may_be_id(one)}
    return cache.look_up(_load_clients, wanted) if wanted else {}


def find_client(client_id: str) -> ClientFacts | None:
    """One client, enabled or not.

    One with a document has a row from the moment in which a person allowed it something, redeems its code a moment
    later, and any process may have asked for it before.
    """
    return cache.find(_load_clients, client_id, client_url.is_address) if _may_be_id(client_id) else None


def _may_be_id(text: str) -> bool:
    """Anything else no column holds."""
    return 0 < len(text) <= MAX_CLIENT_ID and "\0" not in text


def client_of(row_id: int) -> ClientFacts | None:
    """The client that codes and tokens name by its row; None when it is gone."""
    return cache.find(_load_by_row, row_id)


def clients_of(row_ids: Collection[int]) -> dict[int, ClientFacts]:
    """The same of several rows."""
    return cache.look_up(_load_by_row, row_ids) if row_ids else {}


def _load_clients(client_ids: Collection[str]) -> dict[str, ClientFacts]:
    rows = Client.objects.filter(client_id__in=client_ids).select_related("project").prefetch_related(*_RELATED)
    return {row.client_id: client_facts(row) for row in rows}


def _load_by_row(row_ids: Collection[int]) -> dict[int, ClientFacts]:
    ids = Client.objects.filter(pk__in=row_ids).values_list("client_id", flat=True)
    return {client.id: client for client in cache.look_up(_load_clients, ids, client_url.is_address).values()}


def registry(named: Iterable[str], client: ClientFacts, ceiling: Iterable[str] = ()) -> Registry:
    """What the audiences of a request may refer to: clients by name, and APIs on the same origins."""
    named = list(named)
    others = find_clients(value for value in named if value != client.client_id)
    audiences = [*named, *ceiling, client.client_id, *(entry.value for entry in client.allowlist)]
    return Registry(clients=others, apis=apis_near(audiences))


def user_of(person: PersonFacts) -> User:
    return User.objects.get(pk=person.id)


def sign_in_facts(sign_in: SignIn) -> SignInFacts:
    return SignInFacts(
        sid=str(sign_in.sid),
        auth_time=int(sign_in.auth_time.timestamp()),
        acr=sign_in.acr,
        amr=tuple(sign_in.amr),
    )


def ceiling_of(authorization: AuthorizationRow) -> Ceiling:
    """What this Authorization allows at most."""
    return Ceiling(
        scopes=tuple(authorization.scopes),
        audiences=tuple(authorization.audiences),
        asked_scopes=tuple(authorization.asked_scopes),
        asked_audiences=tuple(authorization.asked_audiences),
        default_audiences=tuple(authorization.default_audiences),
        offline=authorization.offline,
        narrowed=authorization.narrowed,
        claims=requested_claims_of(authorization),
    )


def requested_claims_of(authorization: AuthorizationRow) -> RequestedClaims:
    """The single claims somebody allowed, besides those of the scopes."""
    if not authorization.claims:
        return NO_CLAIMS
    names = {member: tuple(authorization.claims.get(member, ())) for member in ("userinfo", "id_token")}
    return RequestedClaims(**names)


def sign_in_of(authorization: AuthorizationRow) -> SignInFacts:
    """When and how the person signed in for this Authorization; never what they did since."""
    return SignInFacts(
        sid=authorization.sign_in_id or "",
        auth_time=int(authorization.auth_time.timestamp()),
        acr=authorization.acr,
        amr=tuple(authorization.amr),
    )


def person_of(authorization: AuthorizationRow) -> PersonFacts:
    """Whom this Authorization speaks of, as they are now."""
    return PersonFacts(
        id=authorization.user_id,
        sub=authorization.sub,
        active=authorization.is_active,
        username=authorization.username,
        facts=authorization.facts,
        groups=authorization.groups,
        roles=authorization.roles,
        belongs=authorization.belongs,
    )
