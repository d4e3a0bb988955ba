"""The picture of who may call what: facts become shapes."""

from __future__ import annotations

import re

import pytest

from provider.admin.audience_map import ASIDE, LONGEST, SIDE, TOP, WIDTH, Kind, Link, Map, Node, draw

pytestmark = pytest.mark.any_database
A, B, C = Node("a", "Alpha"), Node("b", "Beta"), Node("c", "Gamma")
ONE, TWO = Node("https://one.example", "One"), Node("https://two.example", "Two")


def ends(line: str) -> tuple[float, float, float, float]:
    """Where a line begins and ends."""
    numbers = [float(one) for one in re.findall(r"[\d.]+", line)]
    return numbers[0], numbers[1], numbers[-2], numbers[-1]


def at(picture: Map, name: str) -> float:
    """The height of the middle of a box."""
    box = next(one for one in (*picture.apps, *picture.targets) if one.name == name)
    return box.y + box.height / 2


def test_a_line_goes_from_the_app_to_what_it_calls() -> None:
    picture = draw([A, B], [ONE], [Link("b", ONE.key, Kind.ALLOWED)])
    (line,) = picture.lines
    assert ends(line.path) == (SIDE, at(picture, "Beta"), WIDTH - SIDE, at(picture, "One"))
    assert (picture.apps[0].x, picture.targets[0].x) == (0, WIDTH - SIDE)


def test_where_people_read_from_the_right_apps_stand_there() -> None:
    picture = draw([A], [ONE], [Link("a", ONE.key, Kind.ALLOWED)], mirrored=True)
    assert ends(picture.lines[0].path) == (WIDTH - SIDE, at(picture, "Alpha"), SIDE, at(picture, "One"))
    assert (picture.apps[0].x, picture.targets[0].x) == (WIDTH - SIDE, 0)
    assert picture.apps[0].text_x > picture.apps[0].x + SIDE / 2, "words begin at the right"
    assert (picture.heading_apps, picture.heading_targets) == (WIDTH, SIDE)


def test_what_is_called_stands_beside_who_calls_it() -> None:
    """Fewer lines cross. What nobody calls comes last."""
    links = [Link("a", TWO.key, Kind.ALLOWED), Link("c", ONE.key, Kind.ALLOWED)]
    lonely = Node("https://none.example", "Lonely")
    picture = draw([A, B, C], [lonely, ONE, TWO], links)
    assert [one.name for one in picture.targets] == ["Two", "One", "Lonely"]


def test_the_shorter_side_stands_in_the_middle() -> None:
    picture = draw([A, B, C], [ONE], [])
    assert at(picture, "One") == at(picture, "Beta")
    assert picture.height > at(picture, "Gamma") > at(picture, "Alpha") > TOP


def test_an_id_token_is_a_line_of_its_own_beside_the_other() -> None:
    links = [Link("a", ONE.key, Kind.ALLOWED), Link("a", ONE.key, Kind.ID_TOKEN)]
    allowed, token = draw([A], [ONE], links).lines
    assert (allowed.kind, token.kind) == (Kind.ALLOWED, Kind.ID_TOKEN)
    assert ends(token.path)[1] == ends(allowed.path)[1] + ASIDE


@pytest.mark.parametrize(
    "link",
    [Link("z", ONE.key, Kind.ALLOWED), Link("a", "https://elsewhere.example", Kind.ALLOWED)],
    ids=["of no app here", "to nothing here"],
)
def test_a_link_of_what_is_not_on_the_picture_is_not_drawn(link: Link) -> None:
    assert draw([A], [ONE], [link]).lines == []


def test_a_link_is_drawn_once() -> None:
    assert len(draw([A], [ONE], [Link("a", ONE.key, Kind.PART)] * 2).lines) == 1


@pytest.mark.parametrize(("length", "shown"), [(LONGEST, "x" * LONGEST), (LONGEST + 1, "x" * (LONGEST - 1) + "…")])
def test_a_long_name_is_cut_and_stays_known(length: int, shown: str) -> None:
    (box,) = draw([Node("a", "x" * length)], [], []).apps
    assert (box.text, box.name) == (shown, "x" * length)


def test_of_nothing_there_is_an_empty_picture() -> None:
    picture = draw([], [], [])
    assert (picture.apps, picture.targets, picture.lines) == ([], [], [])
    assert picture.height > 0


def test_what_is_disabled_or_of_others_says_so() -> None:
    picture = draw([Node("a", "Alpha", quiet=True)], [Node("x", "X", foreign=True)], [])
    assert picture.apps[0].quiet
    assert picture.targets[0].foreign
