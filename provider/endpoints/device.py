"""Where people connect a device (RFC 8628 section 3.3): they type its code, sign in, and allow it or not.

The code is looked up by a form of ours only, so no link of others makes guesses. From there on the address carries it
signed: it was right, and need not be typed again after signing in.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from urllib.parse import urlencode

from django.core import signing
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import sign_in
from common.address import address_of
from common.arrival import arrival_of
from common.networks import network_of
from provider import device_guesses
from provider.authorization_request import NotRedirectable, validate_for_device
from provider.device_guesses import TooManyCodes
from provider.endpoints import consent, interaction, no_access
from provider.endpoints.authorize import allow, go_to_sign_in, needed_of, unavailable
from provider.endpoints.consent import Device, OutdatedConsent
from provider.endpoints.http import say_no_more
from provider.endpoints.interaction import EndUser
from provider.endpoints.leading_on import redirect
from provider.protocol import device
from provider.protocol.errors import AccessDenied, InvalidRequest, NotLetIn, Refusal
from provider.protocol.prompts import Interaction
from provider.protocol.request import AuthorizationRequest, Choice, Params
from provider.store import devices, events
from provider.store.devices import Decided, Waiting
from provider.trace import refused_by

NAME = "device"  # in the log
TYPED = "user_code"  # the parameter of verification_uri_complete (section 3.3.1)
FOUND = "found"  # the parameter of a code that was right
SALT = "provider.device"

View = Callable[[HttpRequest], HttpResponse]


def answers_errors(view: View) -> View:
    """What does not hold gets a page, and leads nowhere."""

    @functools.wraps(view)
    def endpoint(request: HttpRequest) -> HttpResponse:
        try:
            response = view(request)
        except Decided:
            response = redirect(f"{reverse('device')}?{urlencode({'late': 1})}", after_post=request.method == "POST")
        except OutdatedConsent:
            response = redirect(request.get_full_path(), after_post=True)
        except (Refusal, NotRedirectable) as error:
            response = _cannot_go_on(request, error)
        except (OperationalError, InterfaceError) as error:
            response = unavailable(request, NAME, error)
        response["Cache-Control"] = "no-store"
        return response

    return endpoint


# --- The code ------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def enter(request: HttpRequest) -> HttpResponse:
    """A link that carries the code fills it in, and no more: whoever follows it looks at it and goes on."""
    if request.method != "POST":
        problem = _no_device() if "late" in request.GET else ""
        return _form(request, request.GET.get(TYPED, ""), problem)
    text = request.POST.get(TYPED, "")
    try:
        waiting = device_guesses.look_up(request, text)
    except TooManyCodes:
        response = _form(request, text, _("Too many wrong codes were typed. Try again in five minutes."))
        response.status_code = 429
        response["Retry-After"] = str(device_guesses.WINDOW)
        return response
    if waiting is None:
        return _form(request, text, _no_device() if device.typed(text) else _not_a_code())
    return redirect(page_of(device.typed(text)), after_post=True)


def page_of(user_code: str) -> str:
    """Where somebody confirms this code, which was right."""
    return f"{reverse('device_confirm')}?{urlencode({FOUND: signing.dumps(user_code, salt=SALT)})}"


def code_found(signed: str) -> str:
    """The code that was right. Raises BadSignature."""
    return str(signing.loads(signed, salt=SALT, max_age=device.LIFETIME))


def _no_device() -> str:
    """One sentence whether there never was one, it is too late, or somebody answered it."""
    return _("No device waits with this code. Compare it with your device, or start again there.")


def _not_a_code() -> str:
    return _("A code has eight letters, such as BCDF-GHJK. It has no digits and no vowels.")


def _form(request: HttpRequest, text: str, problem: str = "") -> HttpResponse:
    code = device.typed(text)
    context = {"code": device.shown(code) if code else text[:20], "whole": bool(code), "problem": problem}
    return render(request, "device.html", context)


# --- The person's answer -------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def confirm(request: HttpRequest) -> HttpResponse:
    """The project's consent page, and its answer. It is always shown: only here a person sees what the device is."""
    user_code, waiting = _waiting(request)
    decided = validate_for_device(_params(waiting, user_code), waiting.client)
    end_user, needed = needed_of(request, decided)
    if end_user is None or needed not in (Interaction.NOTHING, Interaction.CONSENT):
        return go_to_sign_in(request, decided, needed)
    try:
        interaction.admit(decided, end_user.user)
    except NotLetIn as refusal:
        refused_by(NAME, request, refusal, waiting.client.client_id, status=no_access.STATUS)
        return no_access.page(request, decided.channel, None, request.get_full_path())
    if request.method != "POST":
        near = network_of(waiting.address) == network_of(address_of(request))
        return consent.show(
            request, decided, end_user, Device(device.shown(user_code), waiting.address, waiting.since, near)
        )
    choice = consent.read_answer(request, decided, end_user)
    _decide(request, waiting, decided, end_user, choice)
    interaction.proof_used(request, decided.params)
    return redirect(f"{reverse('device_done')}{'' if choice else '?denied=1'}", after_post=True)


def _waiting(request: HttpRequest) -> tuple[str, Waiting]:
    """The code that was right, and its device if that still waits; raises Decided."""
    try:
        user_code = code_found(request.GET.get(FOUND, ""))
    except signing.BadSignature:
        raise Decided from None
    waiting = devices.find(user_code)
    if waiting is None:
        raise Decided
    return user_code, waiting


def _params(waiting: Waiting, user_code: str) -> Params:
    """What the device asked for; the code tells its page from that of every other device."""
    return Params([("client_id", waiting.client.client_id), *waiting.asked, (TYPED, user_code)])


def _decide(
    request: HttpRequest, waiting: Waiting, decided: AuthorizationRequest, end_user: EndUser, choice: Choice | None
) -> None:
    """Once: whoever is first owns the grant, and all that belongs to a later answer is undone."""
    with transaction.atomic():
        if choice is None:
            devices.deny(waiting)
        else:
            _decided, authorization = allow(request, decided, choice, end_user, shown=True)
            devices.allow(waiting, authorization)
        events.device_decided(waiting.client, end_user.user.sub, waiting.address, allowed=choice is not None)


@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """It says nothing of who asked: anybody may look at it."""
    response = render(request, "device_done.html", {"denied": "denied" in request.GET})
    response["Cache-Control"] = "no-store"
    return response


def _cannot_go_on(request: HttpRequest, error: Refusal | NotRedirectable) -> HttpResponse:
    """The request of the device does not hold, or not for this person."""
    refusal = error if isinstance(error, Refusal) else InvalidRequest(str(error))
    refused_by(NAME, request, refusal)
    context = {
        "title": _("This device cannot be connected"),
        "message": _("What it asks for is not possible here any more. Start again on the device, or ask whose it is."),
        "reference": arrival_of(request).id,
    }
    if isinstance(error, AccessDenied):
        context["message"] = _("The app is being tested, and this account is not one of its test users.")
        context["switch_url"] = sign_in.switch_url(request.get_full_path())
    response = render(request, "error.html", context, status=refusal.status)
    say_no_more(response)
    return response
