"""The browser is back from a project's own consent page, with its answer (protocol section 28)."""

from __future__ import annotations

import functools

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from accounts import sign_in
from accounts.models import User
from provider import consent_requests, pushed_requests
from provider.authorization_request import resumed, told_to_the_client, validate
from provider.consent_requests import Answered
from provider.endpoints import begun, consent, consent_elsewhere, interaction, locales
from provider.endpoints.authorize import answered, ask_again, finish, needed_of, unavailable
from provider.endpoints.consent import OutdatedConsent
from provider.endpoints.error_page import error_page, used_up
from provider.protocol.errors import AccessDenied, InvalidRequestUri, Refusal
from provider.protocol.prompts import Interaction
from provider.protocol.request import Choice, Params

ENDPOINT = "consent_answer"
NOT_HERE = "The answer of the consent page is unknown, expired, used already, or another browser's."


@require_GET
def go_on(request: HttpRequest) -> HttpResponse:
    """Finish the request that was answered: it is validated again, and the person has to be here still."""
    try:
        found = _found(request)
        params = resumed(found.query, functools.partial(begun.has_begun, request))
    except InvalidRequestUri as refusal:
        return used_up(request, ENDPOINT, refusal)
    except Refusal as refusal:
        return error_page(request, ENDPOINT, str(refusal))
    except (OperationalError, InterfaceError) as error:
        return unavailable(request, ENDPOINT, error)
    locales.speak(request, params)
    view = functools.partial(_finish, found)
    return locales.pass_on(params, answered(view, ENDPOINT, request, params))


def _found(request: HttpRequest) -> Answered:
    row, user = sign_in.current(request), request.user
    verifier = request.GET.get("consent_verifier", "")
    found = consent_requests.taken(verifier, user, row) if row is not None and isinstance(user, User) else None
    if found is None:
        raise InvalidRequestUri(NOT_HERE)
    return found


def _finish(found: Answered, request: HttpRequest, params: Params) -> HttpResponse:
    decided = validate(params)
    with told_to_the_client(decided.channel):
        end_user, needed = needed_of(request, decided)
        if end_user is None or needed not in (Interaction.NOTHING, Interaction.CONSENT):
            return ask_again(params)
        interaction.admit(decided, end_user.user)
        if found.granted is None:
            pushed_requests.use_up(params)
            interaction.proof_used(request, params)
            raise AccessDenied(found.reason or "The person denied the request.")
        wanted = interaction.asked(decided)
        if not consent_elsewhere.asks(decided) or (wanted, end_user.given) != (found.asked, found.given):
            raise OutdatedConsent  # the page answered another question
        scopes = consent.without_lost_apis(decided, wanted, found.granted.scopes, found.granted.audiences)
        whole = tuple(one for one in found.granted.audiences if one in wanted.audiences)
        parts = tuple(one for one in found.granted.audiences if one not in whole)
        choice = Choice(scopes, whole, end_user.until, parts)
        return finish(request, decided, choice, end_user, shown=True)
