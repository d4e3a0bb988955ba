"""Our connectors as providers of django-allauth: it keeps the state of a sign-in under way, and who is linked.

What is said on the wire is ours (decision 255). allauth loads this module by its name.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess, Provider
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.module_loading import import_string

from accounts.models import User
from common import clock
from projects.upstream import github, oidc
from projects.upstream.choices import Kind
from projects.upstream.connectors import party
from projects.upstream.models import Connector
from projects.upstream.oidc import NO_WISH, Wish

STATE_LIFE = 600  # seconds; allauth's own
CONFIRM = "confirm"  # beside allauth's processes: who is signed in proves once more that it is them
ANONYMOUS_LIFE = 900  # of the session of somebody who comes back no more
Begin = Callable[[Connector, str, Wish], str]


class Elsewhere(Provider):
    """One connector. allauth makes it from the `SocialApp` that the adapter made of our row."""

    supports_redirect = True
    begin: Begin

    @property
    def connector(self) -> Connector:
        found: Connector = self.app.connector
        return found

    def redirect(
        self,
        request: HttpRequest,
        process: str = AuthProcess.LOGIN,
        next_url: str | None = None,
        data: dict[str, object] | None = None,
        wish: Wish = NO_WISH,
        **kwargs: object,
    ) -> HttpResponse:
        """To the provider there, by a page: no form of ours may lead to another site (decision 137). Raises Refused."""
        state = secrets.token_urlsafe(32)
        location = type(self).begin(self.connector, state, wish)
        self.stash(request, state, process, next_url, wish)
        return leading_on(request, self.connector, location)

    def stash(self, request: HttpRequest, state: str, process: str, next_url: str | None, wish: Wish) -> None:
        """In the session of this browser: nobody else can go on with it, nor can another connector (rule U1)."""
        begun = clock.now().timestamp()
        of_person = isinstance(request.user, User) and process in (AuthProcess.CONNECT, CONFIRM)
        kept = {
            "user": request.user.sub if isinstance(request.user, User) and of_person else "",
            "proved_since": wish.proved_since(int(begun)),
            "asked_anew_at": begun if wish.fresh else None,
        }
        self.stash_redirect_state(request, process, next_url, None, state_id=state, **kept)
        if not request.user.is_authenticated:
            request.session.set_expiry(ANONYMOUS_LIFE)


def leading_on(request: HttpRequest, connector: Connector, location: str) -> HttpResponse:
    page = render(request, "upstream/leading_on.html", {"location": location, "name": connector.name})
    page["Cache-Control"] = "no-store"
    return page


def app_of(connector: Connector) -> SocialApp:
    """As allauth knows it: never saved. Whoever needs the secret unseals it."""
    app = SocialApp(
        provider=connector.kind, provider_id=connector.key, name=connector.name[:40], client_id=connector.client_id
    )
    app.connector = connector  # type: ignore[attr-defined]  # it is no column
    return app


def _begin_oidc(connector: Connector, state: str, wish: Wish) -> str:
    return oidc.begin(party(connector), state, wish)


def _begin_github(connector: Connector, state: str, wish: Wish) -> str:
    return github.begin(party(connector), state, wish)


def _begin_saml(connector: Connector, state: str, wish: Wish) -> str:
    """Who needs no SAML does not load what reads XML."""
    begin: Begin = import_string("projects.upstream.saml.begin")
    return begin(connector, state, wish)


class OpenIDConnect(Elsewhere):
    id, name = Kind.OIDC.value, "OpenID Connect"
    begin = staticmethod(_begin_oidc)


class Google(OpenIDConnect):
    id, name = Kind.GOOGLE.value, "Google"


class Entra(OpenIDConnect):
    id, name = Kind.ENTRA.value, "Microsoft Entra"


class GitHub(Elsewhere):
    id, name = Kind.GITHUB.value, "GitHub"
    begin = staticmethod(_begin_github)


class Saml(Elsewhere):
    id, name = Kind.SAML.value, "SAML 2.0"
    begin = staticmethod(_begin_saml)


provider_classes = [OpenIDConnect, Google, Entra, GitHub, Saml]
