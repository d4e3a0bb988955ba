"""What is wrong with an input to a registration. Every door shows it in its own place; none has rules of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _

# A field of a problem: `scope`, `redirect_uris[1]`, `audience[0].mode`.
PATH = re.compile(r"(?P<name>\w*)(\[(?P<index>\d+)\])?(\.(?P<key>\w+))?")
Metadata = TypeVar("Metadata")


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `field` is the JSON name, with a path for items: `redirect_uris[1]`, `audience[0].mode`.

    `code` tells apart what a door may want to say in words of its own place, about this `value`.
    """

    field: str
    message: str
    code: str = ""
    value: str = ""

    @property
    def name(self) -> str:
        """The field without the path of an item."""
        return self.field.partition("[")[0].partition(".")[0]


class RegistrationError(Exception):
    """Nothing was written, because of these problems."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{one.field}: {one.message}" for one in self.problems))


def require(problems: Iterable[Problem]) -> None:
    """Raise RegistrationError when there is any problem."""
    found = tuple(problems)
    if found:
        raise RegistrationError(found)


def new_problems(
    judge: Callable[[Metadata], Iterable[Problem]], wanted: Metadata, before: Metadata | None
) -> list[Problem]:
    """What is wrong with it, and was not wrong with it before.

    A value that is stored may no longer meet today's rules. Left alone it stands in the way of nothing: else nobody
    could disable what has it.
    """
    found = list(judge(wanted))
    if before is None or not found:
        return found
    known = [_what(before, one) for one in judge(before)]
    return [one for one in found if _what(wanted, one) not in known]


def _what(metadata: object, problem: Problem) -> tuple[object, ...]:
    """The value it is about, wherever in its list that stands, and what is said of it."""
    path = PATH.match(problem.field)
    name, index, key = path.group("name", "index", "key") if path else ("", None, None)
    value: object = getattr(metadata, name, None)
    if index and isinstance(value, tuple):
        value = value[int(index)]
    elif key and not isinstance(value, Mapping):  # one of those is judged as a whole
        value = getattr(value, key, None)
    return name, key, value, problem.message


def of_validation(error: ValidationError, names: dict[str, str] | None = None) -> list[Problem]:
    """What a model refuses, by JSON names where those of its fields differ."""
    found = []
    for field, details in error.error_dict.items():
        name = "" if field == NON_FIELD_ERRORS else (names or {}).get(field, field)
        found += [Problem(name, _sentence(one)) for one in details]
    return found


def _sentence(error: ValidationError) -> str:
    if error.code in ("blank", "null"):
        return _("A value is needed here.")
    return " ".join(error.messages)
