"""`sector_identifier_uri` of an app that registers itself (OpenID Connect Registration 1.0 section 5).

What an app's sector is, its project says (`projects.sectors`). So the list that it names is compared, as whoever names
one expects, and nothing else comes of it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import orjson

from clients.identifiers import jwks_uri_problem
from common import outbound
from common.json_type import Json
from provider.protocol.errors import InvalidClientMetadata, TemporarilyUnavailable

NAME = "sector_identifier_uri"
MOST, SECONDS = 65_536, 5.0
_at_once = threading.BoundedSemaphore(2)  # of a process: they take threads that others need


def check(values: Mapping[str, object], *, guest: bool) -> None:
    """Raises InvalidClientMetadata where the list has not all of its redirect URIs.

    `guest`: nobody let this app in, so it leads us to no network that is open to apps of projects alone.
    """
    uri, own = values.get(NAME), values.get("redirect_uris")
    if uri is None or uri == "":
        return
    if not isinstance(uri, str) or jwks_uri_problem(uri):
        raise InvalidClientMetadata(f"{NAME}: name an address that begins with https:// and is public.")
    listed = _fetched(uri, guest=guest)
    if not isinstance(listed, list):
        raise InvalidClientMetadata(f"{NAME}: there has to be a JSON array of redirect URIs.")
    if any(one not in listed for one in (own if isinstance(own, list) else ())):
        raise InvalidClientMetadata(f"{NAME}: a redirect URI of this app is not in the list there.")


def _fetched(uri: str, *, guest: bool) -> Json:
    if not _at_once.acquire(blocking=False):
        raise TemporarilyUnavailable("Others are being registered. Try again in a few seconds.")
    try:
        found: Json = orjson.loads(outbound.get(uri, "application/json", MOST, SECONDS, for_strangers=guest))
    except (outbound.Unreachable, orjson.JSONDecodeError) as error:
        said = str(error) if isinstance(error, outbound.Unreachable) else "it is no JSON."
        raise InvalidClientMetadata(f"{NAME}: {said}") from None
    finally:
        _at_once.release()
    return found
