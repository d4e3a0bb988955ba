"""The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core 1.0 section 3.1.2)."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from urllib.parse import urlencode

from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts import form_targets, sign_in
from clients.models import Authorization
from common.database_trouble import one_line
from projects.consent import Permission, merge, missing
from projects.models import Consent
from provider import parameters
from provider.authorization_request import NotRedirectable, Redirectable, Validated, issue_code, validate
from provider.endpoints import consent, interaction, locales, sensitive
from provider.endpoints.error_page import error_page
from provider.endpoints.interaction import EndUser
from provider.protocol import prompts
from provider.protocol.errors import AccessDenied, InvalidRequest, Refusal
from provider.protocol.prompts import Interaction
from provider.protocol.request import AuthorizationRequest, Choice, Params
from provider.store import authorizations

logger = logging.getLogger(__name__)
MAX_LOGIN_HINT = 254  # characters, as long as an address may be
MAX_QUERY = 7000  # bytes; longer request lines do not survive servers and proxies


def redirect(location: str, *, after_post: bool = False) -> HttpResponse:
    """To a validated address. Not Django's redirect: that knows no private-use schemes. 303 never repeats a POST."""
    response = HttpResponse(status=303 if after_post else 302, headers={"Location": location})
    response["Cache-Control"] = "no-store"
    return response


def answers_errors(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Errors in the order of protocol section 12: what cannot be redirected gets a page, others reach the client."""

    @functools.wraps(view)
    def endpoint(request: HttpRequest) -> HttpResponse:
        return locales.pass_on(request, _answer(view, request))

    return endpoint


def _answer(view: Callable[[HttpRequest], HttpResponse], request: HttpRequest) -> HttpResponse:
    try:
        return view(request)
    except NotRedirectable as error:
        return error_page(request, str(error), of_client=True)
    except Redirectable as error:
        return redirect(error.location, after_post=request.method == "POST")
    except Refusal as refusal:
        return error_page(request, str(refusal))
    except consent.Stale:
        return _again(parameters.from_query(request))
    except (OperationalError, InterfaceError) as error:
        return try_again(error)


def try_again(error: OperationalError | InterfaceError) -> HttpResponse:
    """The database does not answer. Plain text: a page would ask it, too."""
    logger.error("The database does not answer: %s", one_line(error))
    return HttpResponse(_("Try again in a moment."), status=503, headers={"Retry-After": "5"})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def authorize(request: HttpRequest) -> HttpResponse:
    """GET shows what is needed next; a POSTed request changes nothing and is answered 303 to the same as a GET."""
    if request.method == "POST":
        return _posted(request)
    params = parameters.from_query(request)
    decided, validated = validate(params)
    try:
        return _proceed(request, params, decided, validated)
    except Refusal as refusal:
        raise validated.refused(refusal) from refusal


def _posted(request: HttpRequest) -> HttpResponse:
    params = parameters.with_repeats(request)
    _decided, validated = validate(params)  # repeats are told to the client, once it is known to be one
    query = urlencode(params.pairs)
    if len(query) > MAX_QUERY:
        raise validated.refused(InvalidRequest("The POSTed request is too long to go on with as a URI."))
    return redirect(f"{request.path}?{query}", after_post=True)


def _proceed(request: HttpRequest, params: Params, decided: AuthorizationRequest, validated: Validated) -> HttpResponse:
    requested = prompts.read(params)
    who = interaction.end_user(request, decided, validated.redirect_uri)
    facts = interaction.session_facts(request, params, decided, validated.redirect_uri, who)
    needed = prompts.decide(requested, facts)
    if who is None or needed not in (Interaction.NOTHING, Interaction.CONSENT):
        return _sign_in(request, params, validated, needed, requested)
    interaction.admit(decided, who.user)
    if needed is Interaction.CONSENT:
        return consent.show(request, params, decided, validated.redirect_uri, who)
    everything = interaction.asked(decided)  # and nothing that is added before the code is issued
    return finish(request, params, Choice(everything.scopes, everything.audiences), who, validated, shown=False)


def _sign_in(
    request: HttpRequest,
    params: Params,
    validated: Validated,
    needed: Interaction,
    requested: prompts.RequestedAuthentication,
) -> HttpResponse:
    here = request.get_full_path()
    if origin := form_targets.origin_of(validated.redirect_uri):
        form_targets.remember(request, here, origin)
    if interaction.fresh_sign_in_wanted(requested):
        interaction.want_proof(request, params)
    if needed is Interaction.REAUTHENTICATE:
        return redirect(sign_in.reauthenticate_url(request, here))
    if needed is Interaction.SWITCH:
        return redirect(sign_in.switch_url(here))
    if needed is Interaction.STEP_UP:
        return redirect(sign_in.step_up_url(request, here))
    query = {"next": here}
    if hint := params.one("login_hint"):
        query["login_hint"] = hint[:MAX_LOGIN_HINT]
    return redirect(f"{reverse('account_login')}?{urlencode(query)}")


@require_POST
@answers_errors
def decide(request: HttpRequest) -> HttpResponse:
    """The person's answer. The request is validated again from the URI it was made with."""
    params = parameters.from_query(request)
    decided, validated = validate(params)
    who = interaction.end_user(request, decided, validated.redirect_uri)
    try:
        facts = interaction.session_facts(request, params, decided, validated.redirect_uri, who)
        needed = prompts.decide(prompts.read(params), facts)
        if who is None or needed not in (Interaction.NOTHING, Interaction.CONSENT):
            # Signed out or too old meanwhile: start again, where the person is asked to sign in.
            return _again(params)
        interaction.admit(decided, who.user)
        choice = consent.read_answer(request, params, decided, who)
        if choice is None:
            interaction.proof_used(request, params)
            raise AccessDenied("The person denied the request.")
    except Refusal as refusal:
        raise validated.refused(refusal) from refusal
    return finish(request, params, choice, who, validated, shown=True)


def _again(params: Params) -> HttpResponse:
    return redirect(f"{reverse('authorize')}?{urlencode(params.pairs)}", after_post=True)


def finish(
    request: HttpRequest, params: Params, choice: Choice, who: EndUser, validated: Validated, *, shown: bool
) -> HttpResponse:
    """Remember what was allowed, and send the person back with a code: all of it or nothing.

    `shown`: whether they made the choice on a page.
    """

    def authorize(decided: AuthorizationRequest) -> Authorization:
        row = None
        if not interaction.first_party(decided.client, validated.redirect_uri):
            granted = Permission(decided.ceiling.scopes, decided.ceiling.audiences)
            if not shown and missing(granted, who.given):
                raise consent.Stale  # the project asks since a moment ago
            row = remember(who, decided, validated.redirect_uri)
            sensitive.tell(request, who, decided)
        acr = prompts.acr_told(prompts.read(params), who.row.acr, sign_in.satisfied(who.row.acr))
        return authorizations.authorize(decided, who.user, who.row, row, acr=acr)

    with transaction.atomic():
        location = issue_code(params, choice, who.shared, validated, authorize)
    interaction.proof_used(request, params)
    return redirect(location, after_post=request.method == "POST")


def remember(who: EndUser, decided: AuthorizationRequest, redirect_uri: str) -> Consent:
    """The person's consent to the project, with what was granted now; clients that do not share add nothing."""
    row, _created = Consent.objects.get_or_create(user=who.user, project_id=decided.client.project.id)
    locked = Consent.objects.select_for_update().filter(pk=row.pk).first()  # two tabs at once lose nothing
    if locked is None:
        raise consent.Stale
    row = locked
    if missing(who.given, interaction.given(row, decided.client, redirect_uri)):
        raise consent.Stale  # taken back in this very moment: what was taken is not granted once more
    if prompts.shares_consent(decided.client, redirect_uri):
        given = Permission(tuple(row.scopes), tuple(row.audiences))
        total = merge(given, Permission(decided.ceiling.scopes, decided.ceiling.audiences))
        if total != given:
            row.scopes, row.audiences = list(total.scopes), list(total.audiences)
            row.save(update_fields=["scopes", "audiences", "updated_at"])
    return row
