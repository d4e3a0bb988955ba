"""JSON as it was sent: bounded in size and depth, each member once, and nothing that cannot be stored."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import IO

from django.http import HttpRequest
from rest_framework.parsers import BaseParser

from common.json_type import Json
from idp.api.problems import refused
from projects.paths import joined
from projects.problems import Problem

MAX_BYTES = 500_000
MAX_DEPTH = 16
MAX_DIGITS = 18  # of a whole number: more does not fit where it would be kept
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_LENGTH = re.compile(r"[0-9]{1,15}")


class StrictJson(BaseParser):
    """For the framework, which finds it by the media type."""

    media_type = "application/json"

    def parse(  # type: ignore[override]  # whoever asks for `data` gets what was sent
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, object] | None = None
    ) -> Json:
        return parsed(stream.read(MAX_BYTES + 1))


class MergePatch(StrictJson):
    """RFC 7396."""

    media_type = "application/merge-patch+json"


def refuse_too_large(request: HttpRequest) -> None:
    """By what it says of itself, before anything is read."""
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not _LENGTH.fullmatch(length) or int(length) > MAX_BYTES:
        raise refused("too_large", f"The body is too large: at most {MAX_BYTES:,} bytes are taken.")


def parsed(body: bytes) -> Json:
    if len(body) > MAX_BYTES:
        raise refused("too_large")
    try:
        value: Json = json.loads(
            body.decode(), object_pairs_hook=_each_once, parse_constant=_no_constant, parse_int=_whole
        )
    except RecursionError:
        raise refused("malformed", "The body is nested too deeply.") from None
    except ValueError as error:
        raise refused("malformed", f"The body is not JSON: {_words(error)}") from None
    _refuse_unusable(value)
    return value


def _words(error: ValueError) -> str:
    return "it is not UTF-8." if isinstance(error, UnicodeDecodeError) else f"{error}"


def _each_once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) < len(pairs):
        [(twice, _times)] = Counter(name for name, _value in pairs).most_common(1)
        raise ValueError(f"the member {twice[:60]!r} stands twice in one object.")
    return members


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no number.")


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number has too many digits.")
    return int(digits)


def _refuse_unusable(value: Json) -> None:
    for way, one in _walk(value, ()):
        if len(way) > MAX_DEPTH:
            raise refused("malformed", f"The body is nested too deeply: at most {MAX_DEPTH} levels are taken.")
        texts = [one, *way[-1:]]
        if any(isinstance(text, str) and _UNSTORABLE.search(text) for text in texts):
            wrong = Problem(joined(_shown(step) for step in way), "It has a NUL or half of a surrogate pair.")
            raise refused("malformed", "A text has a character that cannot be stored.", [wrong])
        if isinstance(one, float) and not math.isfinite(one):
            raise refused("malformed", "A number is too large.")


def _shown(step: str | int) -> str | int:
    return step.encode(errors="replace").decode() if isinstance(step, str) else step


def _walk(value: Json, way: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    """Every value with the way to it. `json` has refused what is nested deeper than any stack."""
    yield way, value
    if len(way) > MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _walk(one, (*way, name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _walk(one, (*way, index))
