"""A change in the console that waits for a fresh proof: people prove who they are, and find what they typed again."""

from __future__ import annotations

import json
from functools import wraps

from django.contrib import messages
from django.contrib.admin import site
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from accounts.console import actor
from accounts.fresh_proof import View, proof_url
from accounts.sign_in import TYPED_KEY
from common import clock, sealing
from projects.actors import ProofTooOld

BACK = "typed"  # in the address: whoever comes back
PURPOSE = "typed forms"
KEPT_FOR = 900  # seconds: what the form was filled in for may change
MOST = 60_000  # characters: a form of more is filled in again
Sent = list[tuple[str, str]]


def waits_for_proof(view: View) -> View:
    """The view, which may raise ProofTooOld; then the same change is sent once more by whoever proved it."""

    @wraps(view)
    def asked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method == "GET" and BACK in request.GET:
            sent = _kept(request)
            return _sent_again(request, sent) if sent else redirect(_form_of(request))
        if request.method == "POST":
            request.session.pop(TYPED_KEY, None)
        try:
            return view(request, *args, **kwargs)
        except ProofTooOld:
            return redirect(proof_url(request, _keep(request)))

    return asked


def _keep(request: HttpRequest) -> str:
    """Where to come back. What was typed is sealed: somebody may paste a key that is none to be shown."""
    path = request.get_full_path()
    sent = [(name, value) for name, values in request.POST.lists() for value in values if name != "csrfmiddlewaretoken"]
    said = json.dumps([actor(request).sub, path, clock.seconds(), sent])
    if not sent or len(said) > MOST:
        messages.warning(request, _("Nothing was changed yet. Confirm that it is you, then do it again."))
        return path
    request.session[TYPED_KEY] = sealing.seal(PURPOSE, said)
    messages.warning(request, _("Confirm that it is you. What you entered is kept meanwhile."))
    if request.FILES:
        messages.warning(request, _("A file is not kept. Choose it again afterwards."))
    return f"{path}{'&' if '?' in path else '?'}{BACK}=1"


def _kept(request: HttpRequest) -> Sent:
    """What this very person sent to this page a moment ago."""
    try:
        sub, path, at, sent = json.loads(sealing.unseal(PURPOSE, request.session.get(TYPED_KEY, "")))
    except (sealing.Unreadable, ValueError):
        return []
    mine = request.user.is_authenticated and actor(request).sub == sub
    if not mine or path.partition("?")[0] != request.path or clock.seconds() - at > KEPT_FOR:
        return []
    return [(str(name), str(value)) for name, value in sent]


def _sent_again(request: HttpRequest, sent: Sent) -> HttpResponseBase:
    """By a button: what a link leads to changes nothing."""
    request.current_app = site.name
    leave, action = _form_of(request), _without_back(request)
    context = {"title": _("Confirmed"), "sent": sent, "action": action, "leave": leave}
    return TemplateResponse(request, "admin/typed.html", {**site.each_context(request), **context})


def _without_back(request: HttpRequest) -> str:
    query = request.GET.copy()
    query.pop(BACK, None)
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _form_of(request: HttpRequest) -> str:
    """The page with the form: what is made on the page of a list has an address that only takes it."""
    without = _without_back(request)
    return without.removesuffix("new/")
