"""Would an audience be allowed, and why? The answer of *Try an audience* in the console, and of `manage.py explain`."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from idp.api import pages
from idp.api.clients import OfClient
from idp.api.described import operation
from idp.api.problems import refused
from idp.api.resource import storable
from projects.matcher import MAX_LENGTH
from provider.explain import explain
from provider.explain.as_json import as_dict
from provider.protocol.audience import MAX_VALUES

LONGEST = (MAX_LENGTH + 1) * MAX_VALUES


class OneExplanation(OfClient):
    tag = "explanations"

    @operation(
        "explain_audience",
        "Explain whether a client may ask for an audience",
        answers="Explanation",
        parameters=("audience_asked", "scope_asked"),
    )
    def get(self, request: HttpRequest, project: str, client_id: str) -> HttpResponse:
        """By which rule of its allowlist, at which step it would be refused, and what a token would carry. Nothing is
        made, and no person is spoken of."""
        client = self.client(project, client_id)
        audience, scope = (pages.parameter(request, name) or "" for name in ("audience", "scope"))
        if len(audience) > LONGEST or not all(map(storable, (*audience.split(), scope))):
            raise refused("malformed", "audience or scope is too long, or has a character that cannot be stored.")
        return self.shown(as_dict(explain(client, audience, scope=scope, viewer=self.by)))
