"""Gather what the table needs for an answer: rows become facts, and what the asker may not see stays out of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import User
from clients.models import Authorization, Client
from projects.actors import Actor
from projects.consent import Permission
from projects.facts import Apis
from projects.models import Project
from provider import facts, guests
from provider.endpoints import interaction
from provider.endpoints.consent import to_ask
from provider.explain import table
from provider.explain.table import AUTHORIZE, Attempt, Question, Value
from provider.protocol import audience, device, exchange, prompts
from provider.protocol.errors import AccessDenied, InvalidAudience, Refusal
from provider.protocol.facts import NO_CEILING, TOKEN_EXCHANGE, Ceiling, ClientFacts, Registry, SignInFacts
from provider.protocol.prompts import Interaction, RequestedAuthentication, SessionFacts
from provider.protocol.request import AuthorizationRequest, Params
from provider.store import live, statements
from provider.store.statements import AuthorizationRow

FOR_PEOPLE = (AUTHORIZE, "authorization_code", "refresh_token", device.GRANT_TYPE, TOKEN_EXCHANGE)


@dataclass(frozen=True, slots=True)
class PersonsConsent:
    """Whether a person would be asked, at this redirect URI, and for what."""

    page: bool
    first_party: bool
    always: bool  # whatever was allowed before
    redirect_uri: str
    asked: Permission
    missing: Permission
    guest: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    client: Client
    caller: ClientFacts
    audience: str
    values: tuple[Value, ...]
    attempts: tuple[Attempt, ...]
    projects: dict[int, str]  # the keys of those projects behind the values that the asker may know
    user: User | None = None
    consent: PersonsConsent | None = None
    granted_at: datetime | None = None  # of the Authorization a refresh was tried with

    @property
    def allowed(self) -> bool:
        """By at least one of the rows that were tried."""
        return any(attempt.allowed for attempt in self.attempts)


def explain(
    client: Client,
    asked: str,
    *,
    scope: str = "",
    rows: Sequence[str] = (),
    user: User | None = None,
    viewer: Actor | None = None,
) -> Explanation:
    """What the table answers. `rows` empty: all the client registered; `viewer` None: the operator, who sees all."""
    itself = facts.client_facts(client)
    caller = guests.asking_for(itself, _named(asked, itself))
    granted = _authorization(client, user) if user else None
    ceiling = facts.ceiling_of(granted) if granted else _consented(caller, user)
    registry = facts.registry(_named(asked, caller), caller, ceiling.audiences if ceiling else ())
    projects = viewer.visible() if viewer else Project.objects.all()
    seen = registry if viewer is None or viewer.roles.is_superuser else _seen(registry, caller, projects)
    question = Question(caller, asked, registry, scope, ceiling)
    values = tuple(table.values(question, seen))
    attempts = [table.attempt(question, row) for row in rows or table.rows_of(caller)]
    decided = table.decided_authorization(question) if user else None
    if user is not None:
        known = ("refresh_token", TOKEN_EXCHANGE) if granted else ()  # who has a refresh token came in before
        attempts = [one if one.row in known else _for_person(one, decided, user) for one in attempts]
    return Explanation(
        client,
        caller,
        asked,
        values,
        tuple(attempts),
        projects=_keys(values, projects),
        user=user,
        consent=_consent(decided, user) if user and decided else None,
        granted_at=granted.created_at if granted else None,
    )


def _named(asked: str, client: ClientFacts) -> list[str]:
    """Too many or too long values name nothing; the table says so."""
    try:
        return audience.besides_itself(Params([("audience", asked)]), client)
    except Refusal:
        return []


def _seen(registry: Registry, client: ClientFacts, projects: QuerySet[Project]) -> Registry:
    """Without clients and APIs of other projects, except APIs open to this one: they might as well not be there."""
    visible = set(projects.values_list("pk", flat=True))
    clients = {key: one for key, one in registry.clients.items() if one.project.id in visible}
    apis = (api for api in registry.apis if api.project_id in visible or api.open_to(client.project))
    return Registry(clients, Apis.of(apis))


def _keys(values: Iterable[Value], projects: QuerySet[Project]) -> dict[int, str]:
    owners = {one.api.project_id for one in values if one.api} | {one.target.project.id for one in values if one.target}
    return dict(projects.filter(pk__in=owners).values_list("pk", "key"))


# --- With a person ------------------------------------------------------------------------------------------------


def _authorization(client: Client, user: User) -> AuthorizationRow | None:
    """The newest one a refresh token of this person may stand on."""
    rows = Authorization.objects.filter(client=client, user=user, ended_at__isnull=True, offline=True)
    newest = rows.order_by("-created_at", "-pk").values_list("pk", flat=True).first()
    found = statements.authorization(newest) if newest else None
    return found if found and live.authorization_lives(found, found.created_at) else None


def _consented(caller: ClientFacts, user: User | None) -> Ceiling | None:
    """What this person allowed the project of a client that only passes tokens on; None: nobody is asked."""
    if user is None or not exchange.supposed(caller).passed_on or caller.project.consent_mode == "implicit":
        return None
    found = statements.consent(user.pk, caller.project.id)
    if found is None or live.expired(found.ends_at):
        return NO_CEILING
    return Ceiling(tuple(found.scopes), tuple(found.audiences), tuple(found.scopes))


def _for_person(attempt: Attempt, decided: AuthorizationRequest | None, user: User) -> Attempt:
    """The same for this person: whether they may come in at all."""
    if attempt.row not in FOR_PEOPLE or not attempt.allowed or decided is None:
        return attempt
    try:
        step = "person.active"
        if not user.is_active:
            raise AccessDenied("This account is not active.")
        step = "interaction.admit"
        interaction.admit(decided, user)
    except (AccessDenied, InvalidAudience) as refusal:
        return replace(attempt, steps=(*attempt.steps, step), refusal=refusal, token=None)
    return attempt


def _consent(decided: AuthorizationRequest, user: User) -> PersonsConsent:
    """As the authorization endpoint would decide, and its page would ask."""
    channel = decided.channel
    given = interaction.allowed_before(user, channel)
    asked = interaction.asked(decided)
    signed_in = SessionFacts(
        sign_in=SignInFacts(sid="", auth_time=0),
        now=0,
        consent_missing=bool(interaction.still_missing(decided, given)),
        must_show_consent=channel.always_asks,
    )
    page = prompts.decide(RequestedAuthentication(), signed_in) is Interaction.CONSENT
    missing = Permission() if channel.first_party else to_ask(decided, asked, given)
    ways = (channel.first_party, channel.always_asks, channel.redirect_uri)
    return PersonsConsent(page, *ways, asked, missing, guest=channel.client.guest)
