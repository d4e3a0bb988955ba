"""Pictures that tests upload."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image

from projects.logos import uri_of

GREEN, RED = (20, 90, 60), (200, 30, 30)


def picture(kind: str = "PNG", size: tuple[int, int] = (20, 10), colour: tuple[int, ...] = GREEN, **more: Any) -> bytes:
    written = BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(written, kind, **more)
    return written.getvalue()


def noise(size: int) -> bytes:
    """What no compression makes small."""
    written = BytesIO()
    Image.effect_noise((size, size), 100).convert("RGB").save(written, "PNG")
    return written.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def sent(data: bytes) -> str:
    return uri_of(data)
