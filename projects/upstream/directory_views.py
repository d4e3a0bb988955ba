"""A directory has no page of its own: the name and the password for it are typed into one of ours."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from urllib.parse import urlencode

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.providers.base import AuthProcess
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from accounts import guesses
from accounts.fresh_proof import is_fresh
from accounts.models import User
from common import clock, sealing
from projects.upstream.models import Connector
from projects.upstream.pages import failed
from projects.upstream.provider import CONFIRM
from projects.upstream.sessions import complete
from projects.upstream.told import Refused, Told

NOT_INSTALLED = "LDAP needs the packages of requirements/ldap.txt, and they are not installed."
PURPOSES = {AuthProcess.CONNECT: "link", CONFIRM: "confirm"}  # of who is signed in, as the page calls it
MOST = 254  # characters of a name, and of a password
UNSEEN = ("Mn", "Me", "Cf", "Cc")  # marks and what prints nothing
Find = Callable[[Connector, HttpRequest, str, str], Told | None]


def led_to(connector: Connector, next_url: str, login: str, process: str) -> HttpResponse:
    """To the page where it is typed."""
    said = {"next": next_url, "login": login, PURPOSES.get(process, ""): "1"}
    query = urlencode({name: value for name, value in said.items() if name and value})
    return redirect(f"{reverse('upstream_start', args=[connector.key])}{'?' if query else ''}{query}")


def sign_in(request: HttpRequest, connector: Connector) -> HttpResponse:
    next_url = get_next_redirect_url(request) or ""
    login, password = request.POST.get("login", "").strip(), request.POST.get("password", "")
    if request.method == "POST" and 0 < len(login) <= MOST and 0 < len(password) <= MOST:
        answer = _try(request, connector, login, password, next_url)
        if answer is not None:
            return answer
    given = login or request.GET.get("login", "")[:MOST]
    context = {"connector": connector, "next": next_url, "login": given, "purpose": PURPOSES.get(_process(request))}
    return render(request, "upstream/directory.html", context)


def alike(login: str) -> str:
    """One form of what a directory takes for the same name (RFC 4518 section 2): other spellings are no more tries."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", login).casefold())
    kept = (one for one in folded if one.isspace() or unicodedata.category(one) not in UNSEEN)
    return " ".join("".join(kept).replace("\ufffc", "").split())


def _try(request: HttpRequest, connector: Connector, login: str, password: str, next_url: str) -> HttpResponse | None:
    """None: the page once more, with what is wrong. Wrong ones are counted, as everywhere."""
    name = f"{connector.key}\0{alike(login)}"
    guess = guesses.guess(request, guesses.PASSWORDS, None, name)
    if guess.is_one_too_many():
        guesses.must_wait(request)
        messages.error(request, _("Too many wrong tries. Wait five minutes before you try again."))
        return None
    try:
        told = _found(connector, request, login, password)
    except (Refused, sealing.Unreadable) as error:
        guess.take_back()
        refusal = error if isinstance(error, Refused) else Refused("not_set_up", str(error))
        return failed(request, connector, refusal.reason, refusal.detail, next_url)
    if told is None:
        guess.was_wrong(request)
        messages.error(request, _("The user name or the password is wrong. Try again."))
        return None
    guess.take_back()
    guesses.know(request, name)
    return complete(request, connector, told, _state(request, next_url))


def _state(request: HttpRequest, next_url: str) -> dict[str, object]:
    """Nobody was away: what other connectors keep in the session is known here."""
    user, process = request.user, _process(request)
    state: dict[str, object] = {"next": next_url, "asked_anew_at": clock.now().timestamp()}
    if isinstance(user, User) and (process == CONFIRM or (process == AuthProcess.CONNECT and is_fresh(request))):
        return {**state, "process": process, "user": user.sub}
    return {**state, "process": AuthProcess.LOGIN}


def _process(request: HttpRequest) -> str:
    said = {name for name in PURPOSES.values() if request.POST.get(name) or request.GET.get(name)}
    return next((process for process, name in PURPOSES.items() if name in said), AuthProcess.LOGIN)


def _found(connector: Connector, request: HttpRequest, login: str, password: str) -> Told | None:
    try:
        find: Find = import_string("projects.upstream.directory.find")
    except ImportError:
        raise Refused("not_set_up", NOT_INSTALLED) from None
    return find(connector, request, login, password)
