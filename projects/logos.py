"""Logos of consent screens: uploaded, drawn anew, and shown from our own address.

A door sends the picture itself as a `data:` URI (RFC 2397). What is kept is another picture, which `projects.pictures`
drew from it; its address has the digest of what is to be seen, so what an address shows never changes. Written back,
the address says that the logo stays.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from common import issuer
from projects.logo import Logo
from projects.metadata import Screen
from projects.problems import Problem

FIELD = "consent_screen.logo_uri"
MAX_BYTES = 700_000  # of what is uploaded
LONGEST = MAX_BYTES * 4 // 3 + 100  # characters of the `data:` URI
_DATA = re.compile(r"data:([a-z]+/[a-z0-9.+-]+)?;base64,", re.IGNORECASE)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SVG = re.compile(rb"\s*(\xef\xbb\xbf)?\s*<(\?xml|!doctype svg|!--|svg)", re.IGNORECASE)


class Unusable(Exception):
    """Why this cannot be a logo, in a sentence."""


@dataclass(frozen=True, slots=True)
class Picture:
    digest: str
    data: bytes


def is_sent(uri: str) -> bool:
    """Whether this is a picture, and no address of one."""
    return uri[:5].lower() == "data:"


def uri_of(data: bytes) -> str:
    """A picture as doors send it. What kind it is, its first bytes say."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


def path(digest: str) -> str:
    """Where our pages find it; of none: an empty text."""
    return reverse("project_logo", args=[digest]) if digest else ""


def address(digest: str) -> str:
    """The same, for others."""
    return issuer.url_of(path(digest)) if digest else ""


def exported(uri: str) -> str:
    """The picture of this address, as another installation takes it."""
    row = Logo.objects.filter(digest=uri.rpartition("/")[2]).first() if uri else None
    return uri_of(bytes(row.data)) if row else ""


def found(digest: str) -> bytes | None:
    """The PNG that this digest is of."""
    if not _DIGEST.fullmatch(digest):
        return None
    data = Logo.objects.filter(digest=digest).values_list("data", flat=True).first()
    return None if data is None else bytes(data)


# --- What was sent -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)  # a form is judged more than once
def picture(uri: str) -> Picture:
    """What is kept of it. Raises Unusable."""
    redrawn: Callable[[bytes], tuple[str, bytes]] = import_string("projects.pictures.redrawn")
    return Picture(*redrawn(_decoded(uri)))


def _decoded(uri: str) -> bytes:
    head = _DATA.match(uri)
    if not head:
        raise Unusable(_("Send the picture itself, as a data: URI in base64. Other addresses are not shown to people."))
    if len(uri) > LONGEST:
        raise Unusable(_("This picture is too large: at most %(most)s KB are taken.") % {"most": MAX_BYTES // 1000})
    try:
        data = base64.b64decode(uri[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise Unusable(_("The data: URI is not in base64.")) from None
    if "svg" in str(head[1]).lower() or _SVG.match(data):
        raise Unusable(_("An SVG can hold programs, so none is taken. Save the logo as PNG."))
    return data


def problems(wanted: Screen, before: Screen) -> list[Problem]:
    """What is wrong with the logo, where it is another one."""
    if wanted.logo_uri in ("", before.logo_uri):
        return []
    try:
        picture(wanted.logo_uri)
    except Unusable as error:
        return [Problem(FIELD, str(error))]
    return []


def settled(screen: Screen) -> Screen:
    """The screen as it will be read again: a picture that was sent has its address."""
    if not is_sent(screen.logo_uri):
        return screen
    return replace(screen, logo_uri=address(picture(screen.logo_uri).digest))


def keep(project_id: int, uri: str) -> str:
    """The digest that the consent screen names from now on."""
    if not uri:
        Logo.objects.filter(project=project_id).delete()
        return ""
    if not is_sent(uri):
        return uri.rpartition("/")[2]
    kept = picture(uri)
    Logo.objects.update_or_create(project_id=project_id, defaults={"digest": kept.digest, "data": kept.data})
    return kept.digest
