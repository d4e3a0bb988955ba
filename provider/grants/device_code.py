"""The code of a device, once a person allowed it (RFC 8628 section 3.4). Asking for it is a statement, and may fail."""

from __future__ import annotations

from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params
from provider.store import devices
from provider.store.presented import Presented


def opened(params: Params, client: ClientFacts) -> Presented:
    return devices.open_device_code(params.one("device_code"), client)
