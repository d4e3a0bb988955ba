"""What a project's own consent page may answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.matcher import covers
from provider.protocol.consent_answer import granted, problems
from provider.protocol.request import Choice

ORDERS = "https://api.example.com/orders"
ASKED = Choice(("openid", "email", "orders.read"), (ORDERS, "legacy"))


@pytest.mark.parametrize(
    ("scopes", "audiences", "fields"),
    [
        (["openid"], [], []),
        (["openid", "email", "orders.read"], [ORDERS, "legacy"], []),
        (["openid"], [f"{ORDERS}/7"], []),
        (["openid", "profile"], [], ["grant_scope[1]"]),
        (["email"], [], ["grant_scope"]),
        (["openid"], ["https://api.example.com"], ["grant_access_token_audience[0]"]),
        (["openid"], [f"{ORDERS}2", "legacy/7"], ["grant_access_token_audience[0]", "grant_access_token_audience[1]"]),
        (["openid"], ["http://[::1"], ["grant_access_token_audience[0]"]),
        ([], [], ["grant_scope"]),
    ],
)
def test_never_more_than_was_asked(scopes: list[str], audiences: list[str], fields: list[str]) -> None:
    assert [one.field for one in problems(ASKED, scopes, audiences, covers)] == fields


def test_nothing_at_all_is_a_rejection() -> None:
    only_apis = Choice(("orders.read",), (ORDERS,))
    assert [one.code for one in problems(only_apis, [], [], covers)] == ["needed"]


def test_it_keeps_the_order_of_the_request_and_each_once() -> None:
    found = granted(ASKED, ["email", "openid", "email"], [f"{ORDERS}/7", "legacy", f"{ORDERS}/7"])
    assert found == Choice(("openid", "email"), ("legacy", f"{ORDERS}/7"))


@given(scopes=st.lists(st.text()), audiences=st.lists(st.text() | st.just(f"{ORDERS}/1")))
def test_g9_what_has_no_problem_was_asked(scopes: list[str], audiences: list[str]) -> None:
    if not list(problems(ASKED, scopes, audiences, covers)):
        found = granted(ASKED, scopes, audiences)
        assert set(found.scopes) <= set(ASKED.scopes)
        assert all(any(covers(has, one) for has in ASKED.audiences) for one in found.audiences)
