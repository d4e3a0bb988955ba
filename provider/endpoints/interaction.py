"""What the browser brings to an authorization request: who is signed in since when, and what was allowed before."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from accounts import sign_in
from accounts.models import SignIn, User
from projects.apis import admits
from projects.consent import Permission, merge, missing
from projects.models import Consent, Project
from provider.facts import sign_in_facts
from provider.keys import hints
from provider.protocol import included
from provider.protocol.errors import AccessDenied, InvalidRequest
from provider.protocol.facts import ClientFacts
from provider.protocol.prompts import (
    RequestedAuthentication,
    SessionFacts,
    always_asks,
    remembers_its_own,
    shares_consent,
)
from provider.protocol.request import AuthorizationRequest, Choice, Params

MAX_PROOFS = 10
PROOF_MAX_AGE = 900  # seconds


@dataclass(frozen=True, slots=True)
class EndUser:
    """The person at this browser, and what counts as allowed before."""

    user: User
    row: SignIn
    given: Permission
    shared: Choice  # what of it `include_granted_scopes` may bring along


def end_user(request: HttpRequest, decided: AuthorizationRequest, redirect_uri: str) -> EndUser | None:
    row = sign_in.current(request)
    if row is None or not isinstance(request.user, User):
        return None
    before = allowed_before(request.user, decided.client, redirect_uri)
    if shares_consent(decided.client, redirect_uri) and not first_party(decided.client, redirect_uri):
        decided.granted = Choice(before.scopes, before.audiences)
        included.at_authorization(decided)  # now that it is known who asks
    return EndUser(request.user, row, before, decided.granted)


def allowed_before(user: User, client: ClientFacts, redirect_uri: str) -> Permission:
    return given(Consent.objects.filter(user=user, project=client.project.id).first(), client, redirect_uri)


def given(consent: Consent | None, client: ClientFacts, redirect_uri: str) -> Permission:
    """What counts as allowed already: the project's consent, or what only this client was allowed, or nothing."""
    if consent is None:
        return Permission()
    if shares_consent(client, redirect_uri):
        return Permission(tuple(consent.scopes), tuple(consent.audiences))
    if not remembers_its_own(client, redirect_uri):
        return Permission()
    own = consent.authorizations.filter(client=client.id, ended_at__isnull=True).values_list("scopes", "audiences")
    return reduce(merge, (Permission(tuple(scopes), tuple(audiences)) for scopes, audiences in own), Permission())


def first_party(client: ClientFacts, redirect_uri: str) -> bool:
    """Nobody is asked: the project is implicit, and the code can only reach the client's own site."""
    implicit = client.project.consent_mode == "implicit" and client.registered_by_administrator
    return implicit and not always_asks(redirect_uri)


def asked(decided: AuthorizationRequest) -> Permission:
    """Everything the ceiling would hold if the person agreed."""
    scopes = (*decided.asked_scopes, *decided.included_scopes, *decided.implied_scopes, *decided.claim_scopes)
    audiences = (*decided.asked_audiences, *decided.implied_audiences, *decided.included_audiences)
    return Permission(tuple(dict.fromkeys(scopes)), tuple(dict.fromkeys(audiences)))


def session_facts(
    request: HttpRequest, params: Params, decided: AuthorizationRequest, redirect_uri: str, who: EndUser | None
) -> SessionFacts:
    """The facts the prompt table decides on."""
    hint_sub = read_hint(params, decided.client)
    if who is None:
        return _nobody(request, hint_sub)
    unasked = first_party(decided.client, redirect_uri)
    return SessionFacts(
        sign_in=sign_in_facts(who.row),
        now=int(time.time()),
        sub=str(who.user.sub),
        hint_sub=hint_sub,
        proved=_proved(request, params, who.row),
        acrs_met=sign_in.satisfied(who.row.acr),
        acrs_offered=frozenset(sign_in.ACR_VALUES),
        can_step_up=any(params.one(name) for name in ("acr_values", "claims")) and sign_in.can_step_up(who.user),
        consent_missing=not unasked and bool(missing(asked(decided), who.given)),
        must_show_consent=always_asks(redirect_uri),
    )


def _nobody(request: HttpRequest, hint_sub: str) -> SessionFacts:
    """Nobody is signed in; somebody may be half-way there."""
    user = sign_in.half_way(request)
    return SessionFacts(
        sign_in=None,
        now=int(time.time()),
        sub=str(user.sub) if user else "",
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


def _for_project(claims: Mapping[str, Any], client: ClientFacts) -> bool:
    named = {claims.get("aud"), claims.get("azp")}
    if client.client_id in named:
        return True
    return Project.objects.filter(pk=client.project.id, clients__client_id__in=named - {None}).exists()


def admit(decided: AuthorizationRequest, user: User) -> None:
    """Testing projects admit only their test users (protocol section 11)."""
    if not admits(decided.client.project, user.pk):
        raise AccessDenied("This project is being tested, and this account is not one of its test users.")


# --- Proving oneself again: prompt=login and max_age cannot be skipped by following a link -------------------------


def want_proof(request: HttpRequest, params: Params) -> None:
    """Remember since when this very request wants a fresh sign-in; asking again does not move the moment."""
    wanted = [pair for pair in request.session.get(sign_in.PROOF_KEY, []) if pair[0] != fingerprint(params)]
    since = _wanted_since(request, params) or time.time()
    request.session[sign_in.PROOF_KEY] = [*wanted, [fingerprint(params), since]][-MAX_PROOFS:]


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
    return since if since is not None and time.time() - since < PROOF_MAX_AGE else None


def fresh_sign_in_wanted(requested: RequestedAuthentication) -> bool:
    return requested.wants_fresh_sign_in or requested.max_age is not None or "select_account" in requested.prompts


def fingerprint(params: Params) -> str:
    """What tells this request from every other, without being readable."""
    return hashlib.sha256(urlencode(params.pairs).encode()).hexdigest()
