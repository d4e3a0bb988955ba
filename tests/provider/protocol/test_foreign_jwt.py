"""Claims of JWTs that others made: who they are for, when, and of which types they must be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.protocol import foreign_jwt
from provider.protocol.foreign_jwt import SKEW, Unacceptable

NOW = 1_800_000_000
ISSUER = "https://id.example"
MINUTE, HOUR = 60, 3_600


def test_the_skew_is_what_the_rule_leaves_room_for_f13() -> None:
    assert 10 <= SKEW <= 60


@pytest.mark.parametrize("name", ["iat", "nbf"])
@pytest.mark.parametrize(
    ("ahead", "good"),
    [(-HOUR, True), (0, True), (10, True), (SKEW, True), (SKEW + 1, False), (61, False), (HOUR, False)],
)
def test_a_clock_may_be_ahead_a_little_f13(name: str, ahead: int, good: bool) -> None:
    claims = {name: NOW + ahead, "exp": NOW + MINUTE}
    assert accepts(lambda: foreign_jwt.check_lifetime(claims, NOW, 600)) is good
    assert accepts(lambda: foreign_jwt.check_begun(claims, NOW)) is good


@pytest.mark.parametrize(
    ("expires", "good"),
    [
        pytest.param(NOW + 1, True, id="A2-a-second"),
        pytest.param(NOW + 600, True, id="A2-ten-minutes"),
        pytest.param(NOW + 600.5, True, id="A2-with-a-fraction"),
        pytest.param(NOW + 600 + SKEW + 1, False, id="A2-longer"),
        pytest.param(NOW - 10, True, id="A2-over-by-what-clocks-differ"),
        pytest.param(NOW - SKEW, False, id="A2-over"),
        pytest.param(None, False, id="A2-missing"),
        pytest.param(str(NOW + 60), False, id="G9-text"),
        pytest.param(True, False, id="G9-boolean"),
        pytest.param([NOW + 60], False, id="G9-list"),
        pytest.param(float("inf"), False, id="G9-infinite"),
        pytest.param(10**400, False, id="G9-huge"),
    ],
)
def test_it_ends_and_soon_a2(expires: Any, good: bool) -> None:
    claims = {} if expires is None else {"exp": expires}
    assert accepts(lambda: foreign_jwt.check_lifetime(claims, NOW, 600)) is good


@pytest.mark.parametrize(
    ("issued", "good"),
    [
        (NOW, True),
        (NOW - 300, True),
        (NOW - 300 - SKEW - 1, False),
        (NOW + SKEW + 1, False),
        (None, False),
        ("x", False),
    ],
)
def test_what_has_no_end_was_made_just_now(issued: Any, good: bool) -> None:
    claims = {} if issued is None else {"iat": issued}
    assert accepts(lambda: foreign_jwt.check_age(claims, NOW, 300)) is good


def test_it_is_remembered_longer_than_it_is_accepted_a4() -> None:
    claims = {"iat": NOW, "exp": NOW + 60}
    kept = foreign_jwt.check_lifetime(claims, NOW, 600)
    assert not accepts(lambda: foreign_jwt.check_lifetime(claims, NOW + kept, 600))
    kept = foreign_jwt.check_age(claims, NOW, 300)
    assert not accepts(lambda: foreign_jwt.check_age(claims, NOW + kept, 300))


@pytest.mark.parametrize(
    ("audience", "good"),
    [
        pytest.param(ISSUER, True, id="A1-the-issuer"),
        pytest.param([ISSUER], True, id="A1-an-array"),
        pytest.param([ISSUER, "https://other.example"], False, id="A1-others-too"),
        pytest.param([ISSUER, ISSUER], False, id="A1-twice"),
        pytest.param([], False, id="A1-nobody"),
        pytest.param(f"{ISSUER}/", False, id="A1-a-slash-more"),
        pytest.param(f"{ISSUER}/oauth2/token", False, id="A1-the-token-endpoint"),
        pytest.param(f"{ISSUER}/oauth2/par", False, id="A1-the-par-endpoint"),
        pytest.param(f"{ISSUER}/oauth2/introspect", False, id="A1-the-introspection-endpoint"),
        pytest.param(ISSUER.upper(), False, id="A1-another-case"),
        pytest.param(None, False, id="A1-null"),
        pytest.param({ISSUER: 1}, False, id="G9-object"),
        pytest.param(1, False, id="G9-number"),
        pytest.param([[ISSUER]], False, id="G9-nested"),
    ],
)
def test_it_is_for_the_issuer_alone_a1(audience: Any, good: bool) -> None:
    claims = {"aud": audience}
    assert accepts(lambda: foreign_jwt.check_audience(claims, ISSUER)) is good
    assert not accepts(lambda: foreign_jwt.check_audience({}, ISSUER))


@pytest.mark.parametrize(
    ("audience", "ours"), [(ISSUER, True), ([ISSUER, "x"], True), (["x"], False), (None, False), ([ISSUER] * 21, False)]
)
def test_whether_we_are_meant_too(audience: Any, ours: bool) -> None:
    assert foreign_jwt.names_us({"aud": audience}, ISSUER) is ours


@pytest.mark.parametrize("value", [None, 1, True, [], {}, "", ["x"], "x" * 513])
def test_a_text_is_a_text_g9(value: Any) -> None:
    assert foreign_jwt.text({"jti": "x"}, "jti") == "x"
    with pytest.raises(Unacceptable, match="jti"):
        foreign_jwt.text({"jti": value}, "jti")
    with pytest.raises(Unacceptable, match="jti"):
        foreign_jwt.text({}, "jti")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["exp", "iat", "nbf", "aud", "jti"]), json_values))
def test_whatever_claims_come_are_accepted_or_unacceptable(claims: dict[str, Any]) -> None:
    accepts(lambda: foreign_jwt.check_lifetime(claims, NOW, 600))
    accepts(lambda: foreign_jwt.check_age(claims, NOW, 600))
    accepts(lambda: foreign_jwt.check_audience(claims, ISSUER))
    accepts(lambda: foreign_jwt.text(claims, "jti"))
    foreign_jwt.names_us(claims, ISSUER)


def accepts(check: Any) -> bool:
    try:
        check()
    except Unacceptable:
        return False
    return True
