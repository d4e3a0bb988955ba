"""From the JSON that was sent to what is wanted, and from problems back to their places in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from common.json_type import Json
from projects.problems import Problem, RegistrationError, require

Read = Callable[[Mapping[str, object]], tuple[dict[str, object], list[Problem]]]


def said_in(values: Mapping[str, Json], read: Read) -> dict[str, object]:
    """What is said, as fields. Raises RegistrationError when its shape is wrong: then nothing else is looked at."""
    said, wrong = read(values)
    require(wrong)
    return said


@contextmanager
def placed(place: Callable[[str], str]) -> Iterator[None]:
    """Problems of a registration, where what they speak of stands in the JSON."""
    try:
        yield
    except RegistrationError as error:
        raise RegistrationError(replace(one, field=place(one.field)) for one in error.problems) from None


def refuse_another(said: Mapping[str, object], name: str, value: str, same: Callable[[str], str] = str) -> None:
    """The address says which one it is; the body may repeat it."""
    if same(str(said.get(name, value))) != same(value):
        require([Problem(name, "The address says another one.", "another")])


def patched(document: Json, patch: Mapping[str, Json]) -> Mapping[str, Json]:
    """A document that is an object, changed by a patch that is one."""
    result = merged(document, patch)
    return result if isinstance(result, Mapping) else {}


def merged(document: Json, patch: Json) -> Json:
    """RFC 7396. A member of the document that is set to null has the value it would have if nobody named it."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(document) if isinstance(document, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
