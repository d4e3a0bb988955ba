"""Pictures, drawn anew: what leaves here is a small PNG of our own, and nothing else that came with the upload.

Pillow costs memory, so `projects.logos` reads this module when somebody sends a picture.
"""

from __future__ import annotations

import hashlib
from io import BytesIO

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from projects.logos import Unusable

FORMATS = ("PNG", "JPEG", "WEBP")  # no other decoder is asked
MAX_PIXELS = 2048  # of each side, before anything is decoded
SIZES = (512, 384, 256, 192, 96)  # the first that stays small; the last always does
SMALL = 64_000  # bytes


def redrawn(data: bytes) -> tuple[str, bytes]:
    """The digest of what is to be seen, and it as a PNG. Given that PNG again, the answer is the same.

    Raises Unusable.
    """
    picture = _decoded(data)
    for size in SIZES:
        drawn = picture.copy()
        drawn.thumbnail((size, size), Image.Resampling.LANCZOS)
        png = _png(drawn)
        if len(png) <= SMALL:
            break
    seen = f"{drawn.mode} {drawn.size}".encode() + drawn.tobytes()
    return hashlib.sha256(seen).hexdigest(), png


def _decoded(data: bytes) -> Image.Image:
    """The first frame, upright."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            if max(opened.size) > MAX_PIXELS:
                raise Unusable(_too_many(*opened.size))
            picture = ImageOps.exif_transpose(opened).convert("RGBA")
    except Unusable:
        raise
    except Exception:  # a decoder that is sent nonsense fails in many ways
        raise Unusable(_("This is no PNG, JPEG or WebP picture that can be read.")) from None
    opaque = picture.getextrema()[-1] == (255, 255)
    return picture.convert("RGB") if opaque else picture


def _too_many(width: int, height: int) -> str:
    sentence = _("This picture has %(width)s by %(height)s pixels. At most %(most)s by %(most)s are taken.")
    return sentence % {"width": width, "height": height, "most": MAX_PIXELS}


def _png(drawn: Image.Image) -> bytes:
    """Of the pixels alone: profiles, places and comments stay behind."""
    bare = Image.frombytes(drawn.mode, drawn.size, drawn.tobytes())
    written = BytesIO()
    bare.save(written, "PNG", optimize=True)
    return written.getvalue()
