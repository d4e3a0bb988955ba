"""ETags, and what a request makes depend on them (RFC 9110 section 13)."""

from __future__ import annotations

import base64
import hashlib
import re

from django.http import HttpRequest

from idp.api.problems import refused

MOST = 2_000  # characters of a header: what is longer names nothing that is ours
# No two parts of it that could share what stands between: strangers send this.
_TAG = re.compile(r'(?:\A|,)[ \t]{0,8}((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")(?=[ \t]{0,8}(?:,|\Z))')


def etag(body: bytes) -> str:
    """Of a representation: its digest."""
    return f'"{base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:18]).decode()}"'


def unchanged(request: HttpRequest, body: bytes) -> bool:
    """Whether the caller has this representation already. Weak tags count (section 13.1.2)."""
    sent = request.META.get("HTTP_IF_NONE_MATCH")
    return sent is not None and (sent.strip() == "*" or etag(body) in (one.removeprefix("W/") for one in _tags(sent)))


def require(request: HttpRequest, current: bytes | None) -> None:
    """Refuse a change of something else than the caller thinks it is. `current`: None where there is nothing yet."""
    match, none_match = request.META.get("HTTP_IF_MATCH"), request.META.get("HTTP_IF_NONE_MATCH")
    if match is not None and not _matches(match, current):
        raise refused("precondition_failed")
    if none_match is not None and _matches(none_match, current):
        raise refused("precondition_failed")


def _matches(sent: str, current: bytes | None) -> bool:
    if current is None:
        return False
    return sent.strip() == "*" or etag(current) in _tags(sent)


def _tags(sent: str) -> list[str]:
    return _TAG.findall(sent) if len(sent) <= MOST else []
