"""The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core 1.0 section 3.1.2).

It reads in the order of protocol section 12: who cannot be redirected gets a page (1), other errors reach the client
(2), then what the request wants of the sign-in (3), who is here and what is needed of them (4 to 9), and the code (10).
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts import sign_in
from clients.models import Authorization
from common.database_errors import one_line
from projects.apis import apis_near
from projects.consent import merge, missing
from projects.models import Consent
from provider import pushed_requests
from provider.authorization_request import (
    ErrorResponse,
    NotRedirectable,
    confirm,
    issue,
    received,
    told_to_the_client,
    validate,
)
from provider.endpoints import begun, consent, consent_elsewhere, interaction, locales, no_access, sensitive, try_again
from provider.endpoints.consent import OutdatedConsent
from provider.endpoints.error_page import error_page, too_late, unidentified, used_up
from provider.endpoints.http import say_no_more
from provider.endpoints.interaction import EndUser
from provider.endpoints.leading_on import deliver, redirect
from provider.fetched_documents import Unavailable
from provider.guests import row_of
from provider.kept_requests import Expired, shortened
from provider.protocol import guests, prompts
from provider.protocol.errors import (
    AccessDenied,
    InvalidRequest,
    InvalidRequestUri,
    Refusal,
    TemporarilyUnavailable,
)
from provider.protocol.prompts import Interaction
from provider.protocol.request import AuthorizationRequest, Choice, Params
from provider.protocol.runner import At
from provider.store import authorizations
from provider.trace import refused_by

logger = logging.getLogger(__name__)
MAX_LOGIN_HINT = 254  # characters, as long as an address may be
MAX_QUERY = 7000  # bytes; longer request lines do not survive servers and proxies

AT_PROMPTS = At("prompts")

View = Callable[[HttpRequest, Params], HttpResponse]


def with_params(name: str, *, in_body: bool) -> Callable[[View], Callable[[HttpRequest], HttpResponse]]:
    """The view gets the parameters of the authorization request, read once. `in_body`: a POST brings them there.

    `name`: what the log calls this endpoint.
    """

    def decorate(view: View) -> Callable[[HttpRequest], HttpResponse]:
        @functools.wraps(view)
        def endpoint(request: HttpRequest) -> HttpResponse:
            try:
                params = received(
                    request,
                    in_body=in_body and request.method == "POST",
                    has_begun=functools.partial(begun.has_begun, request),
                )
            except Expired:
                return too_late(request, name)
            except InvalidRequestUri as refusal:
                return used_up(request, name, refusal)
            except Unavailable as error:
                return unidentified(request, name, error)
            except Refusal as refusal:
                return error_page(request, name, str(refusal))
            except (OperationalError, InterfaceError) as error:
                return unavailable(request, name, error)
            locales.speak(request, params)
            return locales.pass_on(params, answered(view, name, request, params))

        return endpoint

    return decorate


def answered(view: View, name: str, request: HttpRequest, params: Params) -> HttpResponse:
    try:
        return view(request, params)
    except InvalidRequestUri as refusal:
        return used_up(request, name, refusal)
    except NotRedirectable as error:
        return error_page(request, name, str(error), params)
    except ErrorResponse as error:
        return _refused(name, request, params, error)
    except OutdatedConsent:
        return ask_again(params)
    except (OperationalError, InterfaceError) as error:
        return unavailable(request, name, error)


def _refused(name: str, request: HttpRequest, params: Params, error: ErrorResponse) -> HttpResponse:
    """The app hears of it; as a page when there is no key to sign with."""
    try:
        response = no_access.answer(request, error, silent=_silent(params), shown=name == "consent")
    except TemporarilyUnavailable as refusal:
        return _try_again(request, name, refusal)
    refused_by(name, request, error.refusal, params.one("client_id"), status=response.status_code)
    return response


def _silent(params: Params) -> bool:
    """Whether no page may be shown, whatever else is asked for."""
    return "none" in params.one("prompt").split(" ")


def unavailable(request: HttpRequest, endpoint: str, error: OperationalError | InterfaceError) -> HttpResponse:
    logger.error("The database does not answer: %s", one_line(error))
    return _try_again(request, endpoint, TemporarilyUnavailable("The provider cannot reach its database. Try again."))


def _try_again(request: HttpRequest, endpoint: str, refusal: TemporarilyUnavailable) -> HttpResponse:
    refused_by(endpoint, request, refusal)
    response = try_again.page(request, 503)
    say_no_more(response)
    return response


# --- The request ---------------------------------------------------------------------------------------------------


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@with_params("authorize", in_body=True)
def authorize(request: HttpRequest, params: Params) -> HttpResponse:
    """GET shows what is needed next; a POSTed request changes nothing and is answered 303 to the same as a GET."""
    decided = validate(params)
    with told_to_the_client(decided.channel):
        return go_on_as_a_get(request, params) if request.method == "POST" else _proceed(request, decided)


def go_on_as_a_get(request: HttpRequest, params: Params) -> HttpResponse:
    """A POST from the app's own page brings no cookie of ours; the GET does."""
    if len(params.query) > MAX_QUERY:
        raise InvalidRequest("The POSTed request is too long to go on with as a URI.")
    return redirect(shortened(f"{request.path}?{params.query}"), after_post=True)


def _proceed(request: HttpRequest, decided: AuthorizationRequest) -> HttpResponse:
    end_user, needed = needed_of(request, decided)
    if needed is not Interaction.NOTHING:
        begun.begin(request, decided.params)
    if end_user is None or needed not in (Interaction.NOTHING, Interaction.CONSENT):
        return go_to_sign_in(request, decided, needed)
    interaction.admit(decided, end_user.user)
    if needed is Interaction.CONSENT:
        page = consent_elsewhere.send if consent_elsewhere.asks(decided) else consent.show
        return page(request, decided, end_user)
    everything = interaction.asked(decided)  # and nothing that is added before the code is issued
    choice = Choice(everything.scopes, everything.audiences, end_user.until)
    return finish(request, decided, choice, end_user, shown=False)


def needed_of(request: HttpRequest, decided: AuthorizationRequest) -> tuple[EndUser | None, Interaction]:
    """Steps 3 to 9: who is here, and what has to be shown to them first."""
    with AT_PROMPTS:
        requested = prompts.asked_by(decided.params, decided.client)
    end_user = interaction.find_end_user(request, decided)
    with AT_PROMPTS:
        return end_user, prompts.decide(requested, interaction.session_facts(request, decided, end_user))


def go_to_sign_in(request: HttpRequest, decided: AuthorizationRequest, needed: Interaction) -> HttpResponse:
    here = shortened(request.get_full_path())
    if interaction.fresh_sign_in_wanted(prompts.asked_by(decided.params, decided.client)):
        interaction.want_proof(request, decided.params)
    if needed is Interaction.REAUTHENTICATE:
        return redirect(sign_in.reauthenticate_url(request, here))
    if needed is Interaction.SWITCH:
        return redirect(sign_in.switch_url(here))
    if needed is Interaction.STEP_UP:
        return redirect(sign_in.step_up_url(request, here))
    query = {"next": here}
    if hint := decided.params.one("login_hint"):
        query["login_hint"] = hint[:MAX_LOGIN_HINT]
    return redirect(f"{reverse('account_login')}?{urlencode(query)}")


# --- The End-User's answer -----------------------------------------------------------------------------------------


@require_POST
@with_params("consent", in_body=False)
def decide(request: HttpRequest, params: Params) -> HttpResponse:
    """The consent page was answered. The request is validated again from the URI it was made with."""
    decided = validate(params)
    with told_to_the_client(decided.channel):
        end_user, needed = needed_of(request, decided)
        if end_user is None or needed not in (Interaction.NOTHING, Interaction.CONSENT):
            return ask_again(params)  # signed out or too old meanwhile: they are asked to sign in there
        interaction.admit(decided, end_user.user)
        choice = consent.read_answer(request, decided, end_user)
        if choice is None:
            pushed_requests.use_up(params)
            interaction.proof_used(request, params)
            raise AccessDenied("The person denied the request.")
        return finish(request, decided, choice, end_user, shown=True)


def ask_again(params: Params) -> HttpResponse:
    return redirect(shortened(f"{reverse('authorize')}?{params.query}"), after_post=True)


# --- The code ------------------------------------------------------------------------------------------------------


def finish(
    request: HttpRequest, decided: AuthorizationRequest, choice: Choice, end_user: EndUser, *, shown: bool
) -> HttpResponse:
    """Keep what was allowed, and send the End-User back with a code: all of it or nothing."""
    with transaction.atomic():
        pushed_requests.use_up(decided.params)
        decided, authorization = allow(request, decided, choice, end_user, shown=shown)
        delivery = issue(decided, authorization)
    interaction.proof_used(request, decided.params)
    return deliver(request, delivery, silent=_silent(decided.params))


def allow(
    request: HttpRequest, decided: AuthorizationRequest, choice: Choice, end_user: EndUser, *, shown: bool
) -> tuple[AuthorizationRequest, Authorization]:
    """Remember what was allowed, and make the Authorization, for a code or for a device. In the caller's transaction.

    What was allowed a moment ago has to be allowed still: by client and project (`confirm`), and by the End-User.
    `shown`: whether they made the choice on a page.
    """
    decided.choice, seen = choice, guests.digest(decided.client)
    decided = confirm(decided)
    row = None
    if decided.client.guest:
        decided = _allow_guest(request, decided, end_user, seen)
    elif not decided.channel.first_party:
        if not shown and missing(consent.granted(decided), end_user.given, decided.registry.covers):
            raise OutdatedConsent  # the project asks since a moment ago
        row, first = remember(end_user, decided, shown=shown)
        sensitive.tell(request, end_user, decided, first=first)
    signed_in = end_user.sign_in
    requested = prompts.asked_by(decided.params, decided.client)
    acr = prompts.acr_told(requested, signed_in.acr, sign_in.levels_met_by(signed_in.acr))
    return decided, authorizations.authorize(decided, end_user.user, signed_in, row, acr=acr)


def _allow_guest(
    request: HttpRequest, decided: AuthorizationRequest, end_user: EndUser, seen: str
) -> AuthorizationRequest:
    """A guest that is what the person saw a moment ago, and reaches an API: it has nothing else to go to."""
    known = row_of(decided.client)
    if known is None or guests.digest(known) != seen:
        raise OutdatedConsent
    if not decided.ceiling.audiences:
        raise AccessDenied("The person allowed no API.")
    sensitive.tell(request, end_user, decided, first=sensitive.is_new(known.id, end_user.user))
    decided.channel = replace(decided.channel, client=known)
    return decided


def remember(end_user: EndUser, decided: AuthorizationRequest, *, shown: bool) -> tuple[Consent, bool]:
    """Their consent to the project with what was granted now, and whether it is new; who does not share adds nothing.

    `shown`: whether they said until when, too.
    """
    row, first = Consent.objects.get_or_create(user=end_user.user, project_id=decided.client.project.id)
    locked = Consent.objects.select_for_update().filter(pk=row.pk).first()  # two tabs at once lose nothing
    if locked is None:
        raise OutdatedConsent
    covers = apis_near((*end_user.given.audiences, *consent.granted(decided).audiences, *locked.audiences)).covers
    if missing(end_user.given, interaction.given(locked, decided.channel), covers):
        raise OutdatedConsent  # taken back in this very moment: what was taken is not granted once more
    if not shown and interaction.given_until(locked, decided.channel) != end_user.until:
        raise OutdatedConsent  # they chose another end meanwhile
    if decided.channel.shares_consent:
        before = (locked.scopes, locked.audiences, locked.ends_at)
        total = merge(interaction.given(locked, decided.channel), consent.granted(decided), covers)
        locked.scopes, locked.audiences = list(total.scopes), list(total.audiences)
        if shown and decided.choice is not None:
            locked.ends_at = decided.choice.ends_at
        if before != (locked.scopes, locked.audiences, locked.ends_at):
            locked.save(update_fields=["scopes", "audiences", "ends_at", "updated_at"])
    return locked, first
