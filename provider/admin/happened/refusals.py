"""What a refusal was, in words, and what mends it."""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _

from clients.models import RefusedRequest
from clients.models.refusal import MAX_DESCRIPTION

CHANNEL = "channel"  # the step that looks for a redirect URI of the app
# By the error, and for some by the step. The first that fits counts.
WORDS = {
    "invalid_client": _("The app did not prove who it is"),
    "invalid_grant": _("A code or refresh token that does not work"),
    "invalid_scope": _("A scope that this app may not have"),
    "invalid_target": _("An audience that this app may not have"),
    "invalid_audience": _("An audience client outside the project"),
    "unauthorized_client": _("A grant type that this app has not registered"),
    "unsupported_grant_type": _("A grant type that is not offered"),
    "unsupported_response_type": _("A response type that is not offered to this app"),
    "invalid_request": _("A request that cannot be understood"),
    "invalid_request_object": _("A signed request that does not hold"),
    "invalid_request_uri": _("A pushed request that is gone"),
    "invalid_redirect_uri": _("A redirect URI that no app may have"),
    "invalid_client_metadata": _("A registration that cannot be"),
    "access_denied": _("The person or a rule said no"),
    "login_required": _("Nobody was signed in, and the app asked for no page"),
    "consent_required": _("The person has to be asked, and the app asked for no page"),
    "interaction_required": _("The person has to do something, and the app asked for no page"),
    "unmet_authentication_requirements": _("The person did not sign in as strongly as the app asked"),
    "insufficient_user_authentication": _("The person did not sign in as strongly as the API asks"),
    "insufficient_scope": _("A token without the scope that this needs"),
    "invalid_token": _("A token that does not work"),
    "invalid_dpop_proof": _("A proof of a key that does not hold"),
    "use_dpop_nonce": _("A proof of a key without our nonce"),
    "slow_down": _("A device asked too often"),
    "expired_token": _("Nobody answered a device in time"),
    "temporarily_unavailable": _("This provider could not answer just now"),
}
REDIRECT = _("A redirect URI that is not registered")
# What to look at. The developer of the app was told the same in English.
WHY = {
    "invalid_client": _(
        "The secret is wrong, ended, or sent in another way than the app registered. Compare which secrets it has."
    ),
    "invalid_grant": _(
        "Codes work once and for a minute, and refresh tokens until they are used, revoked or over. The app has to let "
        "the person sign in again."
    ),
    "invalid_scope": _("Let the app ask for less, or add the scope to those it may ask for."),
    "invalid_target": _(
        "No rule of the app's allowlist covers the audience, or the API behind it is not open to its project. What was "
        "sent is not kept; try the audience that the app should send."
    ),
    "invalid_audience": _("Both apps have to be in one project that allows ID tokens for each other."),
    "unauthorized_client": _("Tick the grant type on the page of the app, if it should have it."),
    "invalid_request": _("The sentence above says what is missing or wrong. The app has to send it otherwise."),
    "access_denied": _("Nothing is broken if a person denied. If they should get in, look at who may sign in."),
    "login_required": _("This is the usual answer to prompt=none. The app has to send the person here with a page."),
    "consent_required": _("This is the usual answer to prompt=none. The app has to send the person here with a page."),
    "invalid_token": _("It is over, was revoked, or was never from here."),
}
WHY_REDIRECT = _(
    "It has to be registered exactly as it is sent: every character counts, and nothing stands for others."
)
_REDIRECT = re.compile(r"redirect_uri: (\S+)\Z")
_SCOPES = re.compile(r"Not registered for this client: ([\x21-\x7e ]+)\Z")


def words(row: RefusedRequest) -> str:
    if sent_redirect_uri(row):
        return str(REDIRECT)
    return str(WORDS.get(row.error, row.error))


def why(row: RefusedRequest) -> str:
    return str(WHY_REDIRECT if sent_redirect_uri(row) else WHY.get(row.error, ""))


def is_whole(row: RefusedRequest) -> bool:
    """Whether all of what it says was kept."""
    return len(row.description) < MAX_DESCRIPTION


def sent_redirect_uri(row: RefusedRequest) -> str:
    """As it was sent, without its query (`provider.trace`); empty: the refusal is about something else."""
    found = _REDIRECT.search(row.description) if row.step == CHANNEL else None
    return found[1] if found else ""


def sent_scopes(row: RefusedRequest) -> tuple[str, ...]:
    """Those that the app has not registered."""
    found = _SCOPES.search(row.description) if row.error == "invalid_scope" else None
    return tuple(found[1].split()) if found else ()
