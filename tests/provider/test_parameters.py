"""Parameters as they were sent: strict where a parser could be fooled."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from provider import parameters
from provider.parameters import MAX_BYTES, MAX_FIELDS, decode, from_body, from_query
from provider.protocol.errors import InvalidRequest

FORM = "application/x-www-form-urlencoded"


def post(body: str | bytes, content_type: str = FORM, query: str = "", **extra: Any) -> HttpRequest:
    path = f"/oauth2/token?{query}" if query else "/oauth2/token"
    return RequestFactory().post(path, body, content_type=content_type, **extra)


# --- Decoding ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("a=1&b=2", [("a", "1"), ("b", "2")]),
        ("a=1&a=2", [("a", "1"), ("a", "2")]),
        ("a=", [("a", "")]),
        ("a", [("a", "")]),
        ("a=%C3%A9+x%2By", [("a", "é x+y")]),
        ("a=1;b=2", [("a", "1;b=2")]),
        ("a%3d=1", [("a=", "1")]),
    ],
)
def test_pairs_are_kept_in_order_repeats_and_empty_ones_too(text: str, pairs: list[tuple[str, str]]) -> None:
    assert list(decode(text)) == pairs


@given(st.text(st.sampled_from("ab=&+%20;é\0"), min_size=1, max_size=40))
def test_whatever_is_sent_is_read_as_everybody_reads_forms(text: str) -> None:
    try:
        expected = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        expected = None
    if expected is not None and any("\0" in name + value for name, value in expected):
        expected = None
    try:
        assert list(decode(text)) == expected
    except InvalidRequest:
        assert expected is None


@pytest.mark.parametrize(
    "text", ["a=%ff", "%ff=1", "a=%c3%28", "a=%ed%a0%80", "a=%00", "%00=1", "a=x%00y", "a=1&b=%00"]
)
def test_what_is_no_utf_8_or_contains_nul_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        decode(text)


def test_size_and_number_are_bounded() -> None:
    assert len(list(decode("&".join(f"a{number}=1" for number in range(MAX_FIELDS))))) == MAX_FIELDS
    with pytest.raises(InvalidRequest, match=str(MAX_FIELDS)):
        decode("&".join(f"a{number}=1" for number in range(MAX_FIELDS + 1)))
    assert decode("a=" + "x" * (MAX_BYTES - 2)).one("a") == "x" * (MAX_BYTES - 2)
    with pytest.raises(InvalidRequest, match="too large"):
        decode("a=" + "x" * (MAX_BYTES - 1))


@given(st.text(max_size=200))
def test_every_text_is_read_or_refused(text: str) -> None:
    try:
        decoded = decode(text)
    except InvalidRequest:
        return
    assert not any("\0" in part for pair in decoded for part in pair)


def test_the_query_is_read_as_it_was_sent() -> None:
    request = RequestFactory().get("/oauth2/authorize?audience=a&audience=b&state=%C3%A9")
    assert list(from_query(request)) == [("audience", "a"), ("audience", "b"), ("state", "é")]


# --- Forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8", FORM.upper(), f" {FORM} ;x"])
def test_a_form_is_read(content_type: str) -> None:
    assert list(from_body(post("a=1", content_type))) == [("a", "1")]


@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", "", "x" + FORM, f"{FORM}x"]
)
def test_anything_but_a_form_is_refused(content_type: str) -> None:
    with pytest.raises(InvalidRequest, match="urlencoded"):
        from_body(post("a=1", content_type))


def test_a_body_that_is_not_percent_encoded_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="percent"):
        from_body(post("a=é".encode()))


@pytest.mark.parametrize("length", [str(MAX_BYTES + 1), "-1", "1e3", "\u0661", "9" * 30, "x"])
def test_a_large_or_absurd_length_is_refused_unread(length: str) -> None:
    request = post("a=1", CONTENT_LENGTH=length)
    with pytest.raises(InvalidRequest, match="large"):
        from_body(request)
    assert not hasattr(request, "_body")


def test_the_largest_body_is_read() -> None:
    largest = "a=" + "x" * (MAX_BYTES - 2)
    assert from_body(post(largest)).one("a") == largest[2:]


@pytest.mark.parametrize("name", ["grant_type", "scope", "client_id", "code", "unknown"])
def test_a_parameter_may_come_once(name: str) -> None:
    for body in (f"{name}=1&{name}=1", f"{name}=1&{name}=2", f"{name}=1&{name}="):
        with pytest.raises(InvalidRequest, match=name):
            from_body(post(body))


@pytest.mark.parametrize("name", ["audience", "resource"])
def test_only_audience_and_resource_may_repeat(name: str) -> None:
    assert from_body(post(f"{name}=1&{name}=2")).many(name) == ["1", "2"]
    assert {"audience", "resource"} == parameters.REPEATABLE


def test_the_name_that_came_twice_cannot_break_out_of_the_answer() -> None:
    with pytest.raises(InvalidRequest) as refused:
        from_body(post("a%0d%0aSet-Cookie%3Ab%22=1&a%0d%0aSet-Cookie%3Ab%22=2"))
    assert not set(str(refused.value)) & set('\r\n"\\')


@pytest.mark.parametrize(("body", "content_type"), [("a=1", FORM), ("", ""), ("", FORM), ("{}", "application/json")])
def test_parameters_in_the_uri_are_refused(body: str, content_type: str) -> None:
    """And the answer says so, whatever the body is: an app that sends its secret there should hear of that first."""
    query = "/oauth2/token?client_secret=x"
    with pytest.raises(InvalidRequest, match="logs"):
        from_body(RequestFactory().generic("POST", query, body, CONTENT_TYPE=content_type))


def test_a_deployment_may_accept_them_and_each_still_comes_once(settings: Any) -> None:
    settings.IDP_LEGACY_QUERY_CREDENTIALS = True
    assert list(from_body(post("a=1", query="b=2"))) == [("b", "2"), ("a", "1")]
    with pytest.raises(InvalidRequest, match="more than once"):
        from_body(post("a=1", query="a=1"))


@pytest.mark.parametrize(("body", "content_type"), [("a=1", ""), ("", "application/json"), ("{}", "application/json")])
def test_only_a_post_without_type_and_body_is_read_from_the_uri_alone(
    settings: Any, body: str, content_type: str
) -> None:
    settings.IDP_LEGACY_QUERY_CREDENTIALS = True
    nothing = RequestFactory().generic("POST", "/oauth2/token?a=2", b"", content_type="")
    assert list(from_body(nothing)) == [("a", "2")]
    something = RequestFactory().generic("POST", "/oauth2/token?a=2", body, CONTENT_TYPE=content_type)
    with pytest.raises(InvalidRequest, match="urlencoded"):
        from_body(something)
