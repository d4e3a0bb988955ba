"""A long request is kept here under a short key while its person signs in.

On that way the request travels in the `next` of one `Location` after the other, percent-encoded once more. Proxies read
the head of an answer into a buffer (nginx: 4 KB) and refuse what is longer. What is short enough goes on travelling: it
costs nothing, leaves nothing behind, and still leads somewhere when a browser restores its tabs the next morning.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote, urlencode

from django.utils.crypto import salted_hmac
from django.utils.http import urlsafe_base64_encode

from clients.models import KeptRequest
from common import clock, sealing
from provider import parameters
from provider.protocol.errors import InvalidRequest
from provider.protocol.request import Params

PARAMETER = "kept"  # stands alone in an address, for all that was asked
LONGEST = 2_000  # bytes that an address may have in the query of another
KEPT_FOR = timedelta(minutes=15)
MAX_KEPT = 5_000  # requests of some ten kilobytes each
PURPOSE = "kept request"


class Expired(InvalidRequest):
    """The key of this address opens nothing any more, or never did."""


def shortened(address: str) -> str:
    """This address of ours, or one that stands for it. A long one stays as it is when too many are kept."""
    path, _mark, query = address.partition("?")
    if len(quote(address, safe="")) <= LONGEST or not (key := _keep(query)):
        return address
    return f"{path}?{urlencode({PARAMETER: key})}"


def unfolded(params: Params) -> Params:
    """What the key of these parameters stands for; without a key themselves. Raises Expired."""
    if [name for name, _value in params] != [PARAMETER]:
        return params
    row = KeptRequest.objects.filter(key=params.one(PARAMETER), expires_at__gt=clock.now()).first()
    try:
        return parameters.decode(sealing.unseal(PURPOSE, row.sealed if row else ""))
    except sealing.Unreadable:
        raise Expired("The request was not finished in time.") from None


def _keep(query: str) -> str:
    """The key of this request, or an empty text when there is no room.

    The same request has the same key, so that asking again and again keeps one. The key tells nothing of it.
    """
    now = clock.now()
    KeptRequest.objects.filter(expires_at__lte=now).delete()
    if KeptRequest.objects.count() >= MAX_KEPT:
        return ""
    key = urlsafe_base64_encode(salted_hmac(PURPOSE, query, algorithm="sha256").digest())
    row = KeptRequest(key=key, sealed=sealing.seal(PURPOSE, query), expires_at=now + KEPT_FOR)
    KeptRequest.objects.bulk_create([row], update_conflicts=True, unique_fields=["key"], update_fields=["expires_at"])
    return key
