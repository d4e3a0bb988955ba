"""What the browser brings to an authorization request: who is signed in since when, and what was allowed before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import sign_in
from accounts.models import SignIn, User
from clients.models import Authorization
from common import clock
from projects import admission, ends
from projects.apis import admits, apis_near
from projects.consent import Permission, missing, outermost
from projects.models import Consent, Project
from projects.sectors import told_sub
from projects.sign_in import ANYONE, NOWHERE
from provider.facts import sign_in_facts
from provider.keys import hints
from provider.protocol import included
from provider.protocol.channel import Channel
from provider.protocol.errors import AccessDenied, InvalidAudience, InvalidRequest, NotLetIn
from provider.protocol.facts import ClientFacts
from provider.protocol.prompts import RequestedAuthentication, SessionFacts
from provider.protocol.request import AuthorizationRequest, Choice, Params
from provider.protocol.runner import At
from provider.store import live

MAX_PROOFS = 10
PROOF_MAX_AGE = 900  # seconds


@dataclass(frozen=True, slots=True)
class EndUser:
    """The person at this browser, and what counts as allowed before: until then, where they said so."""

    user: User
    sign_in: SignIn
    given: Permission
    until: datetime | None = None


def find_end_user(request: HttpRequest, decided: AuthorizationRequest) -> EndUser | None:
    """Who is signed in here; what the project has from them already comes along from now on, where it was asked for."""
    row = sign_in.current(request)
    if row is None or not isinstance(request.user, User):
        return None
    consent = _consent(request.user, decided.channel)
    before = given(consent, decided.channel)
    if decided.channel.shares_consent and not decided.channel.first_party:
        decided.granted = Choice(before.scopes, before.audiences)
        included.at_authorization(decided)  # now that it is known who asks
    return EndUser(request.user, row, before, given_until(consent, decided.channel))


def allowed_before(user: User, channel: Channel) -> Permission:
    return given(_consent(user, channel), channel)


def _consent(user: User, channel: Channel) -> Consent | None:
    """Guests have none: what they are allowed is asked each time."""
    if channel.client.guest:
        return None
    return Consent.objects.filter(user=user, project=channel.client.project.id).first()


def given(consent: Consent | None, channel: Channel) -> Permission:
    """What counts as allowed already: the project's consent, or what only this client was allowed, or nothing."""
    if consent is None:
        return Permission()
    if channel.shares_consent:
        over = live.expired(consent.ends_at)
        return Permission() if over else Permission(tuple(consent.scopes), tuple(consent.audiences))
    if not channel.remembers_its_own:
        return Permission()
    own = list(_own(consent, channel).values_list("scopes", "audiences"))
    audiences = [one for _scopes, audiences in own for one in audiences]
    scopes = dict.fromkeys(one for scopes, _audiences in own for one in scopes)
    return outermost(Permission(tuple(scopes), tuple(audiences)), apis_near(audiences).covers)


def given_until(consent: Consent | None, channel: Channel) -> datetime | None:
    """When it is to be asked again, where the person chose so; what an app gets unasked ends then, too."""
    if consent is None or channel.first_party:
        return None
    if channel.shares_consent:
        return None if live.expired(consent.ends_at) else consent.ends_at
    if not channel.remembers_its_own:
        return None
    return ends.earliest(*_own(consent, channel).values_list("ends_at", flat=True))


def _own(consent: Consent, channel: Channel) -> QuerySet[Authorization]:
    """What this very client was allowed and has still. Since it is another one than people saw it has nothing (C10)."""
    own = consent.authorizations.filter(client=channel.client.id, ended_at__isnull=True)
    if channel.client.tokens_not_before is not None:
        own = own.filter(created_at__gte=channel.client.tokens_not_before)
    return own.exclude(live.ended_by_itself(clock.now()))


def asked(decided: AuthorizationRequest) -> Permission:
    """Everything the ceiling would hold if the person agreed."""
    scopes = (*decided.asked_scopes, *decided.included_scopes, *decided.implied_scopes)
    besides = (*decided.claim_scopes, *decided.access_type_scopes)
    audiences = (*decided.asked_audiences, *decided.implied_audiences, *decided.included_audiences)
    return Permission(tuple(dict.fromkeys((*scopes, *besides))), tuple(dict.fromkeys(audiences)))


def still_missing(decided: AuthorizationRequest, given: Permission) -> Permission:
    """What the End-User has to be asked for; in first-party projects nothing."""
    return Permission() if decided.channel.first_party else missing(asked(decided), given, decided.registry.covers)


def session_facts(request: HttpRequest, decided: AuthorizationRequest, end_user: EndUser | None) -> SessionFacts:
    """The facts the prompt table decides on."""
    params = decided.params
    hint_sub = read_hint(params, decided.client)
    if end_user is None:
        return _nobody(request, decided.client, hint_sub)
    user, row = end_user.user, end_user.sign_in
    return SessionFacts(
        sign_in=sign_in_facts(row),
        now=clock.seconds(),
        sub=told_sub(user.sub, decided.client.project),
        hint_sub=hint_sub,
        proved=_proved(request, params, row),
        acrs_met=sign_in.levels_met_by(row.acr),
        acrs_offered=frozenset(sign_in.ACR_VALUES),
        can_step_up=_wants_strength(params, decided.client) and sign_in.can_step_up(user),
        consent_missing=bool(still_missing(decided, end_user.given)),
        must_show_consent=decided.channel.always_asks,
    )


def _wants_strength(params: Params, client: ClientFacts) -> bool:
    return bool(client.default_acrs) or any(params.one(name) for name in ("acr_values", "claims"))


def _nobody(request: HttpRequest, client: ClientFacts, hint_sub: str) -> SessionFacts:
    """Nobody is signed in; somebody may be half-way there."""
    user = sign_in.pending_user(request)
    return SessionFacts(
        sign_in=None,
        now=clock.seconds(),
        sub=told_sub(user.sub, client.project) if user else "",
        hint_sub=hint_sub,
        half_way=user is not None,
        acrs_offered=frozenset(sign_in.ACR_VALUES),
    )


def read_hint(params: Params, client: ClientFacts) -> str:
    """The `sub` of id_token_hint: ours, for this client or one of its project, not older than a month (step 4)."""
    hint = params.one("id_token_hint")
    if not hint:
        return ""
    claims = hints.read(hint)
    if not _for_project(claims, client):
        raise InvalidRequest("id_token_hint is not an ID token for this client or one of its project.")
    return str(claims["sub"])


def _for_project(claims: Mapping[str, object], client: ClientFacts) -> bool:
    named = {claims.get("aud"), claims.get("azp")}
    if client.client_id in named or client.guest:
        return client.client_id in named
    return Project.objects.filter(pk=client.project.id, clients__client_id__in=named - {None}).exists()


def admit(decided: AuthorizationRequest, user: User) -> None:
    """Testing projects admit only their test users (section 11); apps and projects whom they let in (section 32)."""
    project, own = decided.client.project, decided.client.sign_in
    with At("test_users"):
        if not admits(replace(project, sign_in=ANYONE), user.pk):
            raise AccessDenied("This project is being tested, and this account is not one of its test users.")
    rules = [project.sign_in, own, *(target.sign_in for target in decided.targets)]
    belongs = admission.belongs(user.pk) if any(one.restricts for one in rules) else NOWHERE
    with At("sign_in"):
        if not all(one.lets_in(belongs) for one in (project.sign_in, own)):
            raise NotLetIn
        if not all(one.lets_in(belongs) for one in rules):
            raise InvalidAudience


# --- Proving oneself again: prompt=login and max_age cannot be skipped by following a link -------------------------


def want_proof(request: HttpRequest, params: Params) -> None:
    """Remember since when this very request wants a fresh sign-in; asking again does not move the moment."""
    wanted = [pair for pair in request.session.get(sign_in.PROOF_KEY, []) if pair[0] != fingerprint(params)]
    since = _wanted_since(request, params) or clock.now().timestamp()
    request.session[sign_in.PROOF_KEY] = [*wanted, [fingerprint(params), since]][-MAX_PROOFS:]
    if not request.user.is_authenticated:  # whoever leaves again leaves nothing behind; signing in gives the usual age
        request.session.set_expiry(PROOF_MAX_AGE)


def proof_used(request: HttpRequest, params: Params) -> None:
    """The request was answered: the next one with prompt=login asks again."""
    wanted = request.session.get(sign_in.PROOF_KEY, [])
    left = [pair for pair in wanted if pair[0] != fingerprint(params)]
    if left != wanted:
        request.session[sign_in.PROOF_KEY] = left


def _proved(request: HttpRequest, params: Params, row: SignIn) -> bool:
    since = _wanted_since(request, params)
    return since is not None and row.auth_time.timestamp() >= since


def _wanted_since(request: HttpRequest, params: Params) -> float | None:
    """When this request began to ask; forgotten after a while, so that an old link asks anew."""
    since = next((at for key, at in request.session.get(sign_in.PROOF_KEY, []) if key == fingerprint(params)), None)
    return since if since is not None and clock.now().timestamp() - since < PROOF_MAX_AGE else None


def fresh_sign_in_wanted(requested: RequestedAuthentication) -> bool:
    return requested.wants_fresh_sign_in or requested.max_age is not None or "select_account" in requested.prompts


def fingerprint(params: Params) -> str:
    """What tells this request from every other, without being readable."""
    return hashlib.sha256(params.query.encode()).hexdigest()
