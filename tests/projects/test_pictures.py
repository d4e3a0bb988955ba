"""What becomes of a picture that somebody uploads: a small PNG of ours, or a sentence."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from projects import logos
from projects.pictures import MAX_PIXELS, SMALL, redrawn
from tests.pictures import GREEN, noise, opened, picture

KINDS = ("PNG", "JPEG", "WEBP")
SECRET = b"taken at home"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "becomes"), [((20, 10), (20, 10)), ((1024, 256), (512, 128)), ((3, 2048), (1, 512))])
def test_a_picture_becomes_a_png_of_at_most_512_pixels(
    kind: str, size: tuple[int, int], becomes: tuple[int, int]
) -> None:
    _digest, png = redrawn(picture(kind, size))
    assert (opened(png).format, opened(png).size) == ("PNG", becomes)
    red, green, blue = opened(png).convert("RGB").getpixel((0, 0))  # type: ignore[misc]  # three bands
    assert max(abs(red - GREEN[0]), abs(green - GREEN[1]), abs(blue - GREEN[2])) < 6


def test_what_is_transparent_stays_so() -> None:
    _digest, png = redrawn(picture(colour=(20, 90, 60, 0)))
    assert opened(png).mode == "RGBA"
    assert opened(redrawn(picture(colour=(20, 90, 60, 255)))[1]).mode == "RGB"


def test_no_word_that_came_with_the_picture_stays_in_it() -> None:
    said, exif = PngInfo(), Image.Exif()
    said.add_text("Comment", SECRET.decode())
    exif[0x010E] = SECRET.decode()  # the description
    for data in (
        picture(pnginfo=said, icc_profile=SECRET),
        picture("JPEG", exif=exif, comment=SECRET),
        picture("WEBP", exif=exif, xmp=SECRET),
        picture() + SECRET,
    ):
        assert SECRET in data
        assert SECRET not in redrawn(data)[1]


def test_a_photo_that_was_taken_sideways_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    assert opened(redrawn(picture("JPEG", (20, 10), exif=exif))[1]).size == (10, 20)


def test_only_the_first_frame_is_shown() -> None:
    more = [Image.new("RGB", (20, 10), (200, 30, 30))]
    _digest, png = redrawn(picture("PNG", save_all=True, append_images=more))
    assert not getattr(opened(png), "is_animated", False)
    assert opened(png).convert("RGB").getpixel((0, 0)) == GREEN


def test_what_nothing_makes_small_is_shown_smaller() -> None:
    _digest, png = redrawn(noise(600))
    assert len(png) <= SMALL
    assert 96 <= opened(png).width < 512


@pytest.mark.parametrize("data", [picture(), picture("JPEG", (900, 700)), noise(300)], ids=["flat", "photo", "noise"])
def test_the_same_picture_has_the_same_digest_and_what_was_drawn_is_drawn_no_more(data: bytes) -> None:
    once = redrawn(data)
    assert redrawn(once[1]) == once == redrawn(data)
    assert redrawn(picture(colour=(1, 2, 3)))[0] != once[0]


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it is endless."""
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (bomb(MAX_PIXELS + 1, 1), f"This picture has {MAX_PIXELS + 1} by 1 pixels. At most 2048 by 2048 are taken."),
        (bomb(60_000, 60_000), "No PNG, JPEG or WebP picture"),
        (bomb(2**31 - 1, 2**31 - 1), "No PNG, JPEG or WebP picture"),
        (bomb(100, 100), "No PNG, JPEG or WebP picture"),  # its pixels are missing
        (picture()[:-30], "No PNG, JPEG or WebP picture"),
        (picture("JPEG")[:-30] + b"x", "No PNG, JPEG or WebP picture"),
        (picture("GIF"), "No PNG, JPEG or WebP picture"),
        (picture("TIFF"), "No PNG, JPEG or WebP picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "No PNG, JPEG or WebP picture"),
        (b"", "No PNG, JPEG or WebP picture"),
    ],
    ids=["wide", "bomb", "endless", "hollow", "cut", "cut jpeg", "gif", "tiff", "postscript", "nothing"],
)
def test_what_is_no_picture_or_too_large_is_refused_before_it_takes_memory(data: bytes, why: str) -> None:
    with pytest.raises(logos.Unusable) as refused:
        redrawn(data)
    assert str(refused.value).startswith(why.replace("No PNG", "This is no PNG"))


@given(st.binary(max_size=60), st.integers(0, 200), st.sampled_from(KINDS))
def test_no_bytes_break_it(nonsense: bytes, at: int, kind: str) -> None:
    whole = picture(kind)
    broken = whole[:at] + nonsense + whole[at + len(nonsense) :]
    try:
        _digest, png = redrawn(broken)
    except logos.Unusable:
        return
    assert opened(png).format == "PNG"
