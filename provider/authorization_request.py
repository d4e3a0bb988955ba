"""The authorization request through oauthlib: validated, and answered with a code or an error at the client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings
from oauthlib.oauth2 import FatalClientError, OAuth2Error

from clients.models import Authorization
from provider import parameters
from provider.backend import authorization_uri, server
from provider.protocol.errors import InvalidRequest, Refusal
from provider.protocol.request import AuthorizationRequest, Choice, Params


class NotRedirectable(Exception):
    """Unknown client or redirect URI: nobody may be sent anywhere (RFC 6749 section 4.1.2.1)."""


class Redirectable(Exception):
    """An error the client hears of, at its validated redirect URI."""

    def __init__(self, validated: Validated, code: str, description: str) -> None:
        super().__init__(description)
        self.location = validated.answer(error=code, error_description=description)


@dataclass(frozen=True, slots=True)
class Validated:
    """A redirect URI this client registered, and the state to give back."""

    redirect_uri: str
    state: str

    def answer(self, **parameters: str) -> str:
        """Where the answer goes: always with `iss` (RFC 9207), with `state` when it was sent."""
        pairs = {**parameters, "state": self.state, "iss": settings.IDP_ISSUER}
        added = urlencode([(name, value) for name, value in pairs.items() if value])
        # By hand: what the client registered comes back to it letter by letter.
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{added}"

    def refused(self, refusal: Refusal) -> Redirectable:
        return Redirectable(self, refusal.code, str(refusal))


def validate(params: Params) -> tuple[AuthorizationRequest, Validated]:
    """What the table decided about this request; raises NotRedirectable or Redirectable."""
    try:
        _scopes, info = server().validate_authorization_request(authorization_uri(params))
    except FatalClientError as error:
        raise NotRedirectable(str(error.description or error.error)) from error
    except OAuth2Error as error:
        validated = Validated(error.redirect_uri, error.state or "")
        _refuse_repeats(params, validated)  # what else is wrong may come of reading one of two values
        raise Redirectable(validated, error.error or "invalid_request", str(error.description or "")) from error
    validated = Validated(info["redirect_uri"], info["state"] or "")
    _refuse_repeats(params, validated)
    return info["decided"], validated


def _refuse_repeats(params: Params, validated: Validated) -> None:
    try:
        parameters.refuse_repeats(params)
    except InvalidRequest as refusal:
        raise validated.refused(refusal) from refusal


def issue_code(
    params: Params,
    choice: Choice,
    granted: Choice,
    validated: Validated,
    authorize: Callable[[AuthorizationRequest], Authorization],
) -> str:
    """Validate once more, keep what `authorize` makes of the decision, and answer the client with a code.

    Or with an error, when what was allowed a moment ago no longer is.
    """
    credentials: dict[str, Any] = {"choice": choice, "granted": granted, "authorize": authorize}
    try:
        headers, _body, _status = server().create_authorization_response(
            authorization_uri(params), scopes=[], credentials=credentials
        )
    except FatalClientError as error:  # disabled, or its redirect URI removed, since it was validated
        raise NotRedirectable(str(error.description or error.error)) from error
    said = dict(parse_qsl(urlsplit(headers["Location"]).query))
    return validated.answer(**{name: said[name] for name in ("code", "error", "error_description") if name in said})
