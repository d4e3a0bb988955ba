"""Where a project has a consent page of its own, people are asked there (protocol section 28)."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from projects.models import Project
from provider import consent_requests
from provider.endpoints import interaction, permission_words
from provider.endpoints.interaction import EndUser
from provider.endpoints.leading_on import to_app
from provider.protocol.request import AuthorizationRequest


def asks(decided: AuthorizationRequest) -> bool:
    """Devices have a code to be compared, and apps that registered themselves are nobody's: for them our page asks."""
    client = decided.client
    return bool(client.project.consent_uri) and client.registered_by_administrator and not decided.channel.device


def send(request: HttpRequest, decided: AuthorizationRequest, end_user: EndUser) -> HttpResponse:
    """To that page, with a challenge."""
    project = Project.objects.get(pk=decided.client.project.id)
    shares = decided.channel.shares_consent
    challenge = consent_requests.begin(
        decided,
        end_user.user,
        end_user.sign_in,
        asked=interaction.asked(decided),
        given=end_user.given,
        siblings=permission_words.siblings(project, end_user.user, decided.client.client_id) if shares else [],
    )
    uri = decided.client.project.consent_uri
    return to_app(request, f"{uri}{'&' if '?' in uri else '?'}{urlencode({'consent_challenge': challenge})}")
