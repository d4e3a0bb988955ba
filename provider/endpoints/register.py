"""The client registration endpoint (RFC 7591), and where a registered app changes itself (RFC 7592).

JSON in, JSON out, whatever the answer: programs read it, and a page would break them (rule R1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings
from django.utils import translation

from clients import initial_tokens, self_registered
from clients.models import Client, InitialAccessToken, RegistrationAccess
from clients.self_registered import Registered, UsedUp
from common.address import address_of
from projects.problems import Problem, RegistrationError
from provider import json_body, parameters, registration_limits, sector_identifiers
from provider.endpoints.http import PRIVATE, Answer, json_answer, protocol_endpoint
from provider.parameters import Request
from provider.protocol.errors import (
    AccessDenied,
    InvalidClientMetadata,
    InvalidRedirectUri,
    InvalidRegistrationToken,
    Refusal,
    UnapprovedSoftwareStatement,
)

PATH = "/oauth2/register"


class NotOpen(AccessDenied):
    """This provider, or this project, lets no app register itself."""

    status = 403


@protocol_endpoint("POST", cors=True)
def register(request: Request) -> Answer:
    """A new app: of a project with its initial access token, else a guest."""
    if settings.IDP_DYNAMIC_REGISTRATION == "off":
        raise NotOpen("Apps do not register themselves here.")
    initial, values = _initial(request), _values(request)
    if initial is None:
        registration_limits.count(address_of(request))
    sector_identifiers.check(values, guest=initial is None)
    with _told():
        return _answer(self_registered.register(values, initial), 201)


@protocol_endpoint("GET", "PUT", "DELETE", cors=True)
def registered(request: Request) -> Answer:
    """What is registered; all of it anew; or the end of it."""
    access = _access(request)
    if request.method in ("GET", "HEAD"):
        return _answer(Registered(access.client, _bearer(request)))
    with _told():
        if request.method == "DELETE":
            self_registered.delete(access)
            return Answer(b"", PRIVATE, 204)
        values = _values(request)
        if access.client.guest:
            registration_limits.count(address_of(request))  # each leaves an event, as a registration does
        sector_identifiers.check(values, guest=access.client.guest)
        return _answer(self_registered.change(access, values))


def _initial(request: Request) -> InitialAccessToken | None:
    """None: it comes as a guest."""
    token = _bearer(request)
    if not token and settings.IDP_DYNAMIC_REGISTRATION == "guests":
        return None
    if not token:
        raise InvalidRegistrationToken("Send an initial access token.")
    initial = initial_tokens.find(token)
    if initial is None:
        raise InvalidRegistrationToken("The initial access token is unknown, expired, revoked or used up.")
    return initial


def _access(request: Request) -> RegistrationAccess:
    """One answer for an app that is not there, and for a token that is not its own (rule R9)."""
    client_id = str(request.META.get("PATH_INFO", "")).rstrip("/").rpartition("/")[2]
    token = _bearer(request)
    access = self_registered.find(client_id, token) if token else None
    if access is None:
        raise InvalidRegistrationToken("Send the registration access token of this client." if not token else UNKNOWN)
    return access


UNKNOWN = "The client is gone, or this is not its registration access token."


def _bearer(request: Request) -> str:
    """The token of the Authorization header; empty without one, and for what is no such header."""
    scheme, _space, token = (parameters.authorization(request) or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _values(request: Request) -> Mapping[str, object]:
    values = json_body.read(request)
    if values.get("software_statement") is not None:
        raise UnapprovedSoftwareStatement("No software statement is believed here: leave it out.")
    return values


@contextmanager
def _told() -> Iterator[None]:
    """What a registration refuses, in the words of RFC 7591 section 3.2.2, and in English whoever reads it."""
    try:
        with translation.override("en"):
            yield
    except (UsedUp, Client.DoesNotExist):
        raise InvalidRegistrationToken("Somebody else used this token a moment ago.") from None
    except RegistrationError as error:
        raise _refusal(error.problems) from error


def _refusal(problems: tuple[Problem, ...]) -> Refusal:
    first = next((one for one in problems if one.name == "redirect_uris"), problems[0])
    sentence = f"{first.field}: {first.message}"
    return InvalidRedirectUri(sentence) if first.name == "redirect_uris" else InvalidClientMetadata(sentence)


def _answer(made: Registered, status: int = 200) -> Answer:
    said = {
        **made.shown,
        "client_id_issued_at": int(made.client.created.timestamp()),
        "registration_access_token": made.token,
        "registration_client_uri": f"{settings.IDP_ISSUER}{PATH}/{made.client.client_id}",
    }
    if made.secret:
        said |= {"client_secret": made.secret, "client_secret_expires_at": 0}
    return json_answer(said, status)
