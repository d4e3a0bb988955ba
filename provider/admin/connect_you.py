"""What an app would be told of whoever looks: the steps of a sign-in and the claims of its tokens, without a token.

Nothing is signed, sent or kept, and it speaks of nobody else. So it is looking, and needs no consent (decision 0287).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from accounts import sign_in
from accounts.console import actor
from clients.models import Client
from common import clock
from projects.door import actor_of
from provider import facts
from provider.explain import Explanation, explain
from provider.explain.table import TokenPreview
from provider.explain.words import about_consent, heading, verdict
from provider.facts import sign_in_facts
from provider.protocol import claims
from provider.protocol.access_tokens import abroad, crosses
from provider.protocol.errors import Refusal
from provider.protocol.facts import Json, PersonFacts, TokenFacts
from provider.store import persons

if TYPE_CHECKING:
    from provider.admin.connect import ConnectPage as Base
else:
    Base = object

OF_PEOPLE = ("authorization_code", "urn:ietf:params:oauth:grant-type:device_code")  # the first that it can come by


@dataclass(frozen=True, slots=True)
class Told:
    """One answer of the provider's, as the app would read it."""

    name: str
    text: str


class YouPage(Base):
    """Mixed into the page of clients."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.you_view)
        page: URLPattern = path("<path:object_id>/connect/you/", view, name="clients_client_you")
        return [page, *super().get_urls()]

    def you_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        client = self._client(request, object_id, self.has_view_permission)
        asked = " ".join(entry.value for entry in facts.client_facts(client).allowlist)
        explained = explain(client, asked, user=actor(request), viewer=actor_of(request))
        person = persons.facts_of(actor(request).pk)
        context = {
            "title": _("As yourself"),
            "original": client,
            "attempts": [(heading(one), one.allowed, verdict(one)) for one in explained.attempts],
            "consent": about_consent(explained.consent) if explained.consent else [],
            "told": [*_told(request, client, explained, person)] if person else [],
        }
        return self._page(request, "connect_you.html", "connect", context)


def _told(request: HttpRequest, client: Client, explained: Explanation, person: PersonFacts) -> Iterator[Told]:
    token = next((one.token for row in OF_PEOPLE for one in explained.attempts if one.row == row and one.allowed), None)
    if token is None:
        return
    issue = _issue(request, explained, token, person)
    if "openid" in issue.scopes:
        yield Told(_("ID token"), _written(claims.id_token(issue, "")))
    if token.format == "jwt":
        yield Told(_("Access token"), _written(claims.access_token(issue)))
    try:
        yield Told(_("Userinfo"), _written(claims.userinfo(_facts_of(issue))))
    except Refusal as refusal:
        yield Told(_("Userinfo"), str(refusal))


def _issue(request: HttpRequest, explained: Explanation, token: TokenPreview, person: PersonFacts) -> claims.Issue:
    """As if they had allowed everything, at the sign-in they look with."""
    row = sign_in.current(request)
    audience = (token.aud,) if isinstance(token.aud, str) else tuple(token.aud)
    registry = facts.registry(audience, explained.caller, ())
    return claims.Issue(
        issuer=settings.IDP_ISSUER,
        now=clock.seconds(),
        jti="…",
        client=explained.caller,
        person=person,
        sign_in=sign_in_facts(row) if row is not None else None,
        scopes=tuple(token.scope.split()),
        audience=audience,
        lifetime=token.lifetime,
        abroad=abroad(audience, explained.caller, registry),
    )


def _facts_of(issue: claims.Issue) -> TokenFacts:
    registry = facts.registry(issue.audience, issue.client, ())
    return TokenFacts(
        kind="access",
        client=issue.client,
        person=issue.person,
        scopes=issue.scopes,
        audience=issue.audience,
        issued_at=issue.now,
        expires_at=issue.now + issue.lifetime,
        sign_in=issue.sign_in,
        abroad=issue.abroad,
        crosses=crosses(issue.audience, issue.client, registry),
    )


def _written(said: Mapping[str, Json]) -> str:
    return json.dumps({**said, **({"jti": "…"} if "jti" in said else {})}, indent=2, ensure_ascii=False)
