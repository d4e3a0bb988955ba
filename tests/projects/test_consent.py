"""What is asked of a person and what their answer means, and the laws both follow."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects import consent
from projects.consent import Permission
from projects.facts import ApiFacts, Apis
from projects.matcher import covers

# Where no API is nested in another one, what lies below an address goes with it.
missing = partial(consent.missing, covers=covers)
merge = partial(consent.merge, covers=covers)
overlaps = partial(consent.overlaps, covers=covers)
without = partial(consent.without, covers=covers)
outermost = partial(consent.outermost, covers=covers)
lost_with_audience = partial(consent.lost_with_audience, covers=covers)
NOTHING = Permission()
A, B = "https://h/a", "https://h/b"


@pytest.mark.parametrize(
    ("asked", "given_before", "left"),
    [
        (Permission(("email",), (A,)), NOTHING, Permission(("email",), (A,))),
        (Permission(("email", "openid")), Permission(("openid",)), Permission(("email",))),
        (Permission((), (A,)), Permission((), (A,)), NOTHING),
        (Permission((), (f"{A}/x",)), Permission((), (A,)), NOTHING),
        (Permission((), (A,)), Permission((), (f"{A}/x",)), Permission((), (A,))),
        (Permission((), (f"{A}x",)), Permission((), (A,)), Permission((), (f"{A}x",))),
        (Permission((), ("HTTPS://h:443/a/",)), Permission((), (A,)), NOTHING),
        (Permission((), ("urn:x:1",)), Permission((), ("urn:x",)), Permission((), ("urn:x:1",))),
        (NOTHING, NOTHING, NOTHING),
    ],
)
def test_missing_is_what_was_not_allowed_yet(asked: Permission, given_before: Permission, left: Permission) -> None:
    assert missing(asked, given_before) == left
    assert bool(left) == bool(left.scopes or left.audiences)


def test_merging_keeps_an_audience_once() -> None:
    before = Permission(("openid",), (f"{A}/x", B))
    assert merge(before, Permission(("email", "openid"), (A,))) == Permission(("openid", "email"), (B, A))
    assert merge(Permission((), (A,)), Permission((), (f"{A}/x",))) == Permission((), (A,))
    assert merge(Permission((), (A,)), Permission((), ("https://h:443/a/",))) == Permission((), (A,))


# --- Laws ----------------------------------------------------------------------------------------------------------

some_scopes = st.lists(st.sampled_from(["openid", "email", "orders.read"]), max_size=3, unique=True).map(tuple)
some_audiences = st.lists(
    st.sampled_from(["https://h", A, f"{A}/x", f"{A}/x/y", f"{A}/", B, "https://h/a?q", "urn:x", "urn:x:1", "name"]),
    max_size=4,
    unique=True,
).map(tuple)
permissions = st.builds(Permission, some_scopes, some_audiences)


def within(part: Permission, whole: Permission) -> bool:
    return set(part.scopes) <= set(whole.scopes) and set(part.audiences) <= set(whole.audiences)


@given(permissions, permissions)
def test_missing_is_part_of_what_was_asked(asked: Permission, before: Permission) -> None:
    assert within(missing(asked, before), asked)
    assert missing(asked, NOTHING) == asked
    assert missing(asked, asked) == NOTHING


@given(permissions, permissions, permissions)
def test_the_more_was_allowed_the_less_is_missing(asked: Permission, before: Permission, more: Permission) -> None:
    assert within(missing(asked, merge(before, more)), missing(asked, before))


@given(permissions, permissions)
def test_after_merging_nothing_of_either_is_missing(before: Permission, more: Permission) -> None:
    total = merge(before, more)
    assert missing(before, total) == NOTHING
    assert missing(more, total) == NOTHING


@given(permissions, permissions)
def test_merging_adds_nothing_nobody_allowed(before: Permission, more: Permission) -> None:
    both = Permission(before.scopes + more.scopes, before.audiences + more.audiences)
    assert within(merge(before, more), both)
    assert missing(merge(before, more), both) == NOTHING


@given(permissions, permissions)
def test_merging_twice_is_merging_once(before: Permission, more: Permission) -> None:
    total = merge(before, more)
    assert merge(total, more) == total
    assert merge(total, NOTHING) == total


@given(permissions, permissions)
def test_a_merged_audience_is_covered_by_no_other(before: Permission, more: Permission) -> None:
    kept = merge(before, more).audiences
    assert not [(one, other) for one in kept for other in kept if one is not other and covers(one, other)]
    assert len(set(kept)) == len(kept)


@given(permissions, permissions, some_scopes, some_audiences)
def test_asking_again_after_an_answer_asks_only_for_what_was_not_ticked(
    asked: Permission, before: Permission, scopes: tuple[str, ...], audiences: tuple[str, ...]
) -> None:
    """The way of a consent page: show what is missing, keep what was ticked, remember it."""
    shown = missing(asked, before)
    ticked = Permission(
        tuple(one for one in shown.scopes if one in scopes), tuple(one for one in shown.audiences if one in audiences)
    )
    again = missing(asked, merge(before, ticked))
    assert within(again, shown)
    assert not set(again.scopes) & set(ticked.scopes)
    assert not set(again.audiences) & set(ticked.audiences)


# --- Taking back ---------------------------------------------------------------------------------------------------


def offered(audience: str) -> frozenset[str]:
    """What the API of an audience offers: of A and what is below it, and of B."""
    scopes = {A: {"orders.read", "shared"}, B: {"billing.read", "shared"}}
    return frozenset(scope for api, names in scopes.items() if covers(api, audience) for scope in names)


@pytest.mark.parametrize(
    ("held", "part", "contains"),
    [
        (Permission(("email",)), Permission(("email",)), True),
        (Permission(("email",), (A,)), Permission(("openid",), (B,)), False),
        (Permission((), (f"{A}/x",)), Permission((), (A,)), True),
        (Permission((), (A,)), Permission((), (f"{A}/x",)), True),
        (Permission((), ("https://h:443/a/",)), Permission((), (A,)), True),
        (Permission((), (f"{A}x",)), Permission((), (A,)), False),
        (NOTHING, Permission(("email",), (A,)), False),
        (Permission(("email",), (A,)), NOTHING, False),
    ],
)
def test_what_contains_some_of_it(held: Permission, part: Permission, contains: bool) -> None:
    assert overlaps(held, part) is contains


def test_an_audience_goes_with_its_scopes_unless_a_kept_one_offers_them() -> None:
    held = Permission(("openid", "orders.read", "shared", "billing.read"), (A, f"{A}/x", B))
    assert lost_with_audience(held, A, offered) == Permission(("orders.read",), (A, f"{A}/x"))
    assert lost_with_audience(held, B, offered) == Permission(("billing.read",), (B,))
    assert lost_with_audience(Permission(held.scopes, (A,)), A, offered) == Permission(("orders.read", "shared"), (A,))


@given(permissions, permissions)
def test_nothing_of_what_was_taken_back_is_left(held: Permission, part: Permission) -> None:
    left = without(held, part)
    assert within(left, held)
    assert not overlaps(left, part)
    assert missing(Permission(part.scopes, part.audiences), left) == part, "and all of it is asked again"


@given(permissions, permissions)
def test_what_does_not_contain_it_stays_as_it_is(held: Permission, part: Permission) -> None:
    assert overlaps(held, part) is (without(held, part) != held)


@given(permissions, st.sampled_from([A, f"{A}/x", B, "urn:x"]))
def test_what_goes_with_an_audience_was_held_and_is_offered_nowhere_else(held: Permission, audience: str) -> None:
    gone = lost_with_audience(held, audience, offered)
    assert within(gone, held)
    left = without(held, gone)
    assert not {scope for one in left.audiences for scope in offered(one)} & set(gone.scopes)


@given(permissions)
def test_the_outermost_audiences_allow_the_same(held: Permission) -> None:
    assert missing(held, outermost(held)) == NOTHING
    assert within(outermost(held), held)


# --- Nested APIs: each is asked for by itself ----------------------------------------------------------------------

NESTED = Apis.of(ApiFacts(identifier, project_id=1) for identifier in (A, f"{A}/x"))


@pytest.mark.parametrize(
    ("asked", "given_before", "left"),
    [
        ((f"{A}/x",), (A,), (f"{A}/x",)),
        ((f"{A}/x/y",), (A,), (f"{A}/x/y",)),
        ((f"{A}/x/y",), (f"{A}/x",), ()),
        ((f"{A}/z",), (A,), ()),
        ((A,), ("https://h",), (A,)),
        ((B,), ("https://h",), ()),
    ],
)
def test_what_was_allowed_for_an_api_covers_none_that_is_nested_in_it(
    asked: tuple[str, ...], given_before: tuple[str, ...], left: tuple[str, ...]
) -> None:
    asked_for, before = Permission((), asked), Permission((), given_before)
    assert consent.missing(asked_for, before, NESTED.covers) == Permission((), left)


def test_a_nested_api_is_kept_shown_and_taken_back_by_itself() -> None:
    both = Permission((), (A, f"{A}/x", f"{A}/z"))
    assert consent.outermost(both, NESTED.covers).audiences == (A, f"{A}/x")
    assert consent.merge(Permission((), (A,)), Permission((), (f"{A}/x",)), NESTED.covers).audiences == (A, f"{A}/x")
    assert consent.without(both, Permission((), (A,)), NESTED.covers).audiences == (f"{A}/x",)
    assert consent.without(both, Permission((), (f"{A}/x",)), NESTED.covers).audiences == (A, f"{A}/z")
    assert not consent.overlaps(Permission((), (A,)), Permission((), (f"{A}/x/y",)), NESTED.covers)


some_apis = st.sets(st.sampled_from(["https://h", A, f"{A}/x", f"{A}/x/y", "urn:x"])).map(
    lambda found: Apis.of(ApiFacts(one, project_id=1) for one in sorted(found))
)


@given(some_apis, permissions, permissions)
def test_nothing_is_ever_allowed_at_an_api_that_nobody_named(apis: Apis, asked: Permission, before: Permission) -> None:
    left = consent.missing(asked, before, apis.covers).audiences
    named = {apis.resolve(one) for one in before.audiences}
    assert not [one for one in asked.audiences if one not in left and apis.resolve(one) not in named]


@given(some_apis, permissions, permissions)
def test_merging_and_taking_back_keep_every_api_apart(apis: Apis, before: Permission, more: Permission) -> None:
    total = consent.merge(before, more, apis.covers)
    assert {apis.resolve(one) for one in total.audiences} == {
        apis.resolve(one) for one in (*before.audiences, *more.audiences)
    }
    assert consent.missing(before, total, apis.covers) == consent.missing(more, total, apis.covers) == NOTHING
    left = consent.without(total, more, apis.covers)
    taken = {apis.resolve(one) for one in more.audiences}
    assert {one for one in total.audiences if apis.resolve(one) not in taken} <= set(left.audiences)
    assert not consent.overlaps(left, more, apis.covers)
