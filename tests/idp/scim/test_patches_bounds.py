"""What one request of SCIM may cost: read before anything is locked, and refused where it is too much."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest

from idp.scim import filters, groups, patches
from idp.scim.errors import Unfit
from idp.scim.groups import Moves
from idp.scim.resources import PEOPLE, USER, User

EMAILS = [{"value": f"a{number}@people.example", "type": "home"} for number in range(100)]
TERM = 'value eq "x"'


def operation(path: str | None, value: Any = "x", op: str = "add") -> dict[str, Any]:
    return {"op": op, "value": value} if path is None else {"op": op, "path": path, "value": value}


@pytest.mark.parametrize(
    "wanted",
    [
        [operation("emails[" + " or ".join([TERM] * 20_000) + "]")],
        [operation("members[" + " or ".join([TERM] * 15_000) + "]", op="remove")],
        [operation("emails[" + " AND ".join([TERM] * 52) + "]")],
        [operation(f"emails[{TERM} or {TERM}]")] * 51,
        [operation("x" * 2_001)],
        [operation(None, {f"unknown{number}": 1 for number in range(30_000)})],
        [operation(None, {f"unknown{number}": 1 for number in range(101)})],
        [operation(None, {"emails[" + " or ".join([TERM] * 20_000) + "]": "x"})],
        [operation("emails", EMAILS)] * 100,
        [operation("name", {f"unknown{number}": 1 for number in range(30_000)})],
        [operation("name", {"givenName": [[[1] * 3_000]]})],
    ],
    ids=lambda wanted: f"{len(wanted)}-{str(wanted[0])[:60]}",
)
def test_too_much_is_refused_before_it_is_read(wanted: list[dict[str, Any]]) -> None:
    began = time.process_time()
    with pytest.raises(Unfit):
        patches.read(PEOPLE, patches.operations({"Operations": wanted}))
    assert time.process_time() - began < 5


def test_what_is_let_through_takes_no_time() -> None:
    largest = [
        [operation("emails", EMAILS[:5])] * 100,
        [operation("emails[" + " or ".join(['value eq "none"'] * 51) + "].value", op="replace")],
        [operation(f"emails[{TERM}].value")] * 100,
        [operation(None, {f"unknown{number}": 1 for number in range(100)})],
    ]
    for wanted in largest:
        person: Any = User.model_validate({"schemas": [USER], "userName": "x"})
        began = time.process_time()
        with suppress(Unfit):  # one finds nobody
            patches.apply(patches.read(PEOPLE, patches.operations({"Operations": wanted})), person)
        assert time.process_time() - began < 5, wanted[0]


def test_many_members_are_named_at_once_as_before() -> None:
    moves = Moves()
    names = {f"{number:08}" for number in range(51)}
    path = "members[" + " or ".join(f'value eq "{name}"' for name in sorted(names)) + "]"
    [wanted] = patches.operations({"Operations": [operation(path, None, "remove")]})
    assert groups._moved(moves, wanted)
    assert moves.go == names
    [wanted] = patches.operations({"Operations": [operation("members", [{"value": str(one)} for one in range(9_000)])]})
    assert groups._moved(moves, wanted)
    assert len(moves.come) == 9_000


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "0000-01-01T00:00:00Z"])
def test_a_moment_that_is_none_in_utc_cannot_be_looked_for(moment: str) -> None:
    """It was a server error where the database keeps UTC."""
    assert filters.Moment("date_joined").compared("lt", moment) is None
