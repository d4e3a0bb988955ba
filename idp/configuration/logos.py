"""The logo of a consent screen, as a file says it: the picture itself, where one stands, or the address that it has."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from common.json_type import Json
from idp.configuration.context import Context
from idp.configuration.shape import Entry
from projects import logos

KEY = "logo_uri"
_FILE = re.compile(r"file:(/[^\0]+)", re.DOTALL)
_MOST_WRITTEN = 500_000  # characters of all pictures: a file that is larger than it may be cannot be applied


def with_pictures(context: Context, entry: Entry, said: Mapping[str, object]) -> dict[str, object]:
    """What the file says, with the picture in place of `file:/path`. One that cannot be read is told, and left out."""
    screen = said.get("consent_screen")
    found = _FILE.fullmatch(str(screen.get(KEY, ""))) if isinstance(screen, Mapping) else None
    if not found or not isinstance(screen, Mapping):
        return dict(said)
    rest = {name: value for name, value in screen.items() if name != KEY}
    try:
        with Path(found[1]).open("rb") as file:
            rest[KEY] = logos.uri_of(file.read(logos.MAX_BYTES + 1))
    except OSError as error:
        place = entry.place_of("consent_screen", KEY)
        context.problems.add_unless_known(place, f"The file {found[1]} cannot be read: {error.strerror}.")
    return {**said, "consent_screen": rest}


class Written:
    """Pictures of an export: as many as the file can hold."""

    def __init__(self) -> None:
        self._characters = 0

    def into(self, screen: Json, whose: str, left_out: list[str]) -> None:
        """The picture in place of its address, which would say nothing elsewhere."""
        if not isinstance(screen, MutableMapping) or not (uri := str(screen.get(KEY) or "")):
            return
        picture = logos.exported(uri)
        self._characters += len(picture)
        if self._characters <= _MOST_WRITTEN:
            screen[KEY] = picture
        else:
            del screen[KEY]
            left_out.append(f"{whose}: {KEY} ({uri}) is not in the file, which would be too large to be applied.")
