"""Who asks, by an access token of ours for this API; and what they may do with it now."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from allauth.account import app_settings
from django.conf import settings
from django.http import HttpRequest

from accounts import sign_in
from accounts.models import User
from clients.models import Client
from common import clock, issuer
from projects import matcher
from projects.access import Roles
from projects.actors import Actor
from projects.apis import own_identifier
from projects.models import Role
from provider.endpoints import access_token
from provider.endpoints.http import sent_token
from provider.protocol.errors import AccessDenied, InsufficientScope, InsufficientUserAuthentication, InvalidToken
from provider.protocol.facts import TokenFacts

STRONG = "aal2"
NOT_STAFF = "This account may not enter the console. A superuser lets it in by its staff status."


class NotAdmitted(AccessDenied):
    """Whoever it is may not enter the console either."""

    status = 403


@dataclass(frozen=True, slots=True)
class Caller:
    """Behind a token that may be used here."""

    token: TokenFacts
    user: User | None = None

    @property
    def name(self) -> str:
        """Of whoever asks: the app, and the person if there is one."""
        return f"{self.token.client.client_id} {self.token.person.sub if self.token.person else ''}"

    def actor(self) -> Actor:
        """With the roles of this moment. Ask again after waiting for a lock: a role may be gone by then."""
        client_id = self.token.client.client_id
        if self.user is None:
            return Actor.machine(client_id, _administered(self.token.client.id))
        user = User.objects.filter(pk=self.user.pk).first()
        if user is None or not user.is_staff:
            raise NotAdmitted(NOT_STAFF)
        actor = Actor.person(user, Roles.of(user), through=client_id)
        return actor if self._is_fresh else actor.before_proof()

    @property
    def _is_fresh(self) -> bool:
        return not _is_older(self.token, app_settings.REAUTHENTICATION_TIMEOUT)


def caller_of(request: HttpRequest, scope: str, *, fresh_within: int = 0) -> Caller:
    """Raises a Refusal. `fresh_within`: seconds since a person proved who they are; machines have their key."""
    found = _token(request)
    try:
        if scope not in found.scopes or scope not in found.client.scopes:  # taken away since
            raise InsufficientScope(f"The access token needs the scope {scope}.", scope=scope)
        return Caller(found, _person(found, fresh_within))
    except (AccessDenied, InsufficientScope, InsufficientUserAuthentication) as refusal:
        refusal.client_id = found.client.client_id
        raise


def _token(request: HttpRequest) -> TokenFacts:
    path = quote(request.path_info.removeprefix(issuer.path()), safe="/:@!$&'()*+,;=~-._")
    found = access_token.checked(request, path, *sent_token(request, ""))
    if found is None:
        raise InvalidToken("The access token is unknown, expired or revoked.")
    if not any(_reaches(one, f"{settings.IDP_ISSUER}{path}") for one in found.audience):
        raise InvalidToken(f"The access token is for another API: ask for one with resource={own_identifier()}")
    return found


def _reaches(audience: str, address: str) -> bool:
    """A token may be for a part of the API: then it works for that part (protocol section 3)."""
    if audience == own_identifier():
        return True
    try:
        return matcher.covers(own_identifier(), audience) and matcher.covers(audience, address)
    except matcher.Malformed:
        return False


def _person(found: TokenFacts, fresh_within: int) -> User | None:
    """What the console demands of whoever enters it. None: a machine asks for itself."""
    if found.person is None:
        return None
    user = User.objects.get(pk=found.person.id)
    if not user.is_staff:
        raise NotAdmitted(NOT_STAFF)
    signed_in = found.sign_in
    strong = signed_in is not None and sign_in.satisfies(signed_in.acr, STRONG)
    if not strong and sign_in.can_step_up(user):
        message = f"This account has a second step. Sign in with it: ask with acr_values={STRONG}"
        raise InsufficientUserAuthentication(message, acr_values=STRONG)
    if fresh_within and _is_older(found, fresh_within):
        raise too_old(fresh_within)
    return user


def _is_older(found: TokenFacts, seconds: int) -> bool:
    return found.sign_in is None or clock.seconds() - found.sign_in.auth_time > seconds


def too_old(fresh_within: int) -> InsufficientUserAuthentication:
    message = f"The sign-in is too old for this. Sign in anew: ask with max_age={fresh_within}"
    return InsufficientUserAuthentication(message, max_age=str(fresh_within))


def _administered(client: int) -> Roles:
    """The projects that a client was given, as their owner would have them."""
    rows = Client.objects.filter(pk=client).values_list("administers_all", "administers")
    everything = any(all_of_them for all_of_them, _project in rows)
    given = {} if everything else {project: Role.OWNER.value for _all, project in rows if project is not None}
    return Roles(is_superuser=everything, by_project=given)
