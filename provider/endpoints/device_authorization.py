"""The device authorization endpoint (RFC 8628 section 3.1): a device that has no browser begins here."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

from django.urls import reverse

from common import counters, issuer
from common.address import address_of
from common.certificates import of_connection
from common.counters import Limit
from common.networks import allowed_at, network_of
from provider import parameters, second_look
from provider.authorization_request import validate_for_device
from provider.client_authentication import authenticate
from provider.endpoints.http import Answer, json_answer, protocol_endpoint
from provider.parameters import Request
from provider.protocol import device
from provider.protocol.errors import TooManyWait, UnauthorizedClient
from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params
from provider.protocol.runner import At
from provider.store import devices

# Anybody may speak as a public client, and one network must not take all its places.
PER_NETWORK = Limit("device-requests", 100, device.LIFETIME)
AT_GRANT_TYPES, AT_BEGINNING = map(At, ("grant_types", "begin"))


@protocol_endpoint("POST")
def device_authorization(request: Request) -> Answer:
    """What is asked for is validated now, by the steps of the authorization endpoint (section 3.2)."""
    params, address = parameters.from_body(request), address_of(request)
    client = second_look.answered(params, partial(_client, request, params, address))
    with AT_BEGINNING:
        _refuse_too_many(client.client_id, address)
        begun = devices.begin(client, device.kept(params), address)
    uri, user_code = issuer.url_of(reverse("device")), device.shown(begun.user_code)
    return json_answer(
        {
            "device_code": begun.device_code,
            "user_code": user_code,
            "verification_uri": uri,
            "verification_uri_complete": f"{uri}?{urlencode({'user_code': user_code})}",
            "expires_in": device.LIFETIME,
            "interval": device.INTERVAL,
        }
    )


def _client(request: Request, params: Params, address: str) -> ClientFacts:
    """Whoever asks, and may ask for this."""
    client = authenticate(params, parameters.authorization(request), address, of_connection(request.META))
    with AT_GRANT_TYPES:
        if not client.may_use(device.GRANT_TYPE):
            raise UnauthorizedClient
    validate_for_device(params, client)
    return client


def _refuse_too_many(client_id: str, address: str) -> None:
    if counters.count(PER_NETWORK, client_id, network_of(address)) > allowed_at(PER_NETWORK.amount, address):
        raise TooManyWait("Too many devices in this network have asked. Try again later.")
