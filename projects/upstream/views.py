"""The way to a provider elsewhere and back."""

from __future__ import annotations

from urllib.parse import parse_qsl

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.models import User
from common import sealing
from projects.upstream import connectors, directory_views, github, oidc, saml_views
from projects.upstream.choices import Kind
from projects.upstream.connectors import party
from projects.upstream.models import Connector
from projects.upstream.oidc import Wish
from projects.upstream.pages import failed
from projects.upstream.provider import CONFIRM, Elsewhere
from projects.upstream.sessions import State, complete
from projects.upstream.told import Refused, Told
from projects.upstream.wanted import wanted_by

MOST_ANSWER = 16_384  # characters of a query that a provider sends back
CANCELLED = ("access_denied", "login_required", "interaction_required", "consent_required")


def provider_of(request: HttpRequest, key: str) -> Elsewhere | None:
    """None: there is no such connector, it is disabled, or of a kind that nobody can sign in by."""
    try:
        found = get_adapter(request).get_provider(request, key)
    except (SocialApp.DoesNotExist, ImproperlyConfigured):
        return None
    return found if isinstance(found, Elsewhere) else None


@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, key: str) -> HttpResponse:
    """A page with one button, which leads there: no link of another site begins a sign-in."""
    mine = connectors.that_ask_again(request.user) if isinstance(request.user, User) else ()
    connector = next((one for one in (*connectors.shown(request), *mine) if one.key == key), None)
    if connector is None:
        return failed(request, None, "disabled")
    if connector.kind == Kind.LDAP:
        return directory_views.sign_in(request, connector)
    next_url = get_next_redirect_url(request) or ""
    if request.method == "GET":
        return render(request, "upstream/start.html", {"connector": connector, "next": next_url})
    return go(request, connector, next_url)


def go(
    request: HttpRequest, connector: Connector, next_url: str, login: str = "", process: str = AuthProcess.LOGIN
) -> HttpResponse:
    """There. `login`: the name or address that was typed here."""
    if connector.kind == Kind.LDAP:
        return directory_views.led_to(connector, next_url, login, process)
    provider = provider_of(request, connector.key)
    if provider is None:
        return failed(request, None, "disabled")
    asked = wanted_by(request, next_url, going=True).wish
    local, _at, domain = login.strip().rpartition("@")
    hint = login.strip() if local else asked.login_hint
    fresh = asked.fresh or process == CONFIRM
    wish = Wish(fresh, asked.max_age, hint[:254], domain if domain in connector.domains else "")
    try:
        return provider.redirect(request, process, next_url or None, wish=wish)
    except Refused as error:
        return failed(request, connector, error.reason, error.detail, next_url)
    except sealing.Unreadable as error:
        return failed(request, connector, "not_set_up", str(error), next_url)


@csrf_exempt  # an answer is known by its state, and SAML's comes from a form of another site
def callback(request: HttpRequest, key: str) -> HttpResponse:
    """Whoever comes back is known by the `state` that this browser keeps for this connector. It works once."""
    provider = provider_of(request, key)
    by_form = provider is not None and provider.connector.kind == Kind.SAML
    if request.method != ("POST" if by_form else "GET"):
        return HttpResponseNotAllowed(["POST" if by_form else "GET"])
    if provider is None:
        return failed(request, None, "disabled")
    if by_form:
        return saml_views.answered(request, provider)
    connector, answer = provider.connector, read_answer(request.META.get("QUERY_STRING", ""))
    try:
        state: State = provider.unstash_redirect_state(request, answer.get("state", ""))
    except PermissionDenied:
        return failed(request, connector, "unknown_state")
    next_url = str(state.get("next") or "")
    try:
        told = told_by(connector, answer, state)
    except Refused as error:
        return failed(request, connector, error.reason, error.detail, next_url)
    except sealing.Unreadable as error:
        return failed(request, connector, "not_set_up", str(error), next_url)
    return complete(request, connector, told, state)


def read_answer(query: str) -> dict[str, str]:
    """The parameters, each once; with a repeated one or anything else odd, none: then it is nobody's answer."""
    try:
        pairs = parse_qsl(query[: MOST_ANSWER + 1], keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        return {}
    found = dict(pairs)
    odd = len(query) > MOST_ANSWER or len(found) != len(pairs) or any("\0" in one for one in found.values())
    return {} if odd else found


def told_by(connector: Connector, answer: dict[str, str], state: State) -> Told:
    """Raises Refused, sealing.Unreadable."""
    us = party(connector)
    if "error" in answer:
        # Another provider could say that in this one's place: it gets its own page, and signs nobody in either way.
        raise Refused("cancelled" if answer["error"] in CANCELLED else "denied", "It answered with an error.")
    code = answer.get("code", "")
    if not code:
        raise Refused("malformed", "The answer has no code.")
    since = state.get("proved_since")
    if connector.kind == Kind.GITHUB:
        return github.finish(us, answer["state"], code)
    return oidc.finish(us, answer["state"], code, answer.get("iss", ""), since if isinstance(since, int) else None)
