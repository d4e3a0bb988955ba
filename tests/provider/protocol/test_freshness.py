"""For how long an answer counts: as its headers say, a minute at least and a day at most (C5)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.protocol.freshness import LEAST, MOST, USUAL, lifetime

DATE = "Mon, 30 Nov 2026 02:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, USUAL),
        ({"cache-control": "max-age=3600"}, 3600),
        ({"cache-control": "public, max-age=3600, must-revalidate"}, 3600),
        ({"cache-control": 'max-age="3600"'}, 3600),
        ({"cache-control": "Max-Age=3600"}, 3600),
        ({"cache-control": "max-age=3600, s-maxage=7200"}, 7200),
        ({"cache-control": "max-age=3600", "age": "600"}, 3000),
        ({"cache-control": "max-age=3600", "age": "7200"}, LEAST),
        ({"cache-control": "max-age=0"}, LEAST),
        ({"cache-control": "no-store"}, LEAST),
        ({"cache-control": "no-cache, max-age=3600"}, LEAST),
        ({"cache-control": "max-age=99999999"}, MOST),
        ({"cache-control": "max-age=-1"}, USUAL),
        ({"cache-control": "max-age=soon"}, USUAL),
        ({"cache-control": "private"}, USUAL),
        ({"cache-control": "=,;=,"}, USUAL),
        ({"date": DATE, "expires": "Mon, 30 Nov 2026 03:00:00 GMT"}, 3600),
        ({"date": DATE, "expires": DATE}, LEAST),
        ({"date": DATE, "expires": "0"}, USUAL),
        ({"expires": "Mon, 30 Nov 2026 03:00:00 GMT"}, USUAL),
        ({"cache-control": "max-age=3600", "date": DATE, "expires": DATE}, 3600),
    ],
    ids=str,
)
def test_it_is_what_the_headers_say_within_bounds_c5(headers: dict[str, str], seconds: int) -> None:
    assert lifetime(headers) == seconds


@given(st.dictionaries(st.sampled_from(["cache-control", "age", "expires", "date"]), st.text(max_size=60)))
def test_whatever_they_say_it_is_within_bounds_c5(headers: dict[str, str]) -> None:
    assert LEAST <= lifetime(headers) <= MOST


@pytest.mark.parametrize("header", ["a=" + " " * 5_000 + "!", "a" * 5_000 + "!", "a" + " " * 5_000 + "b"], ids=len)
def test_no_header_keeps_the_server_busy_c5(header: str) -> None:
    began = time.process_time()
    assert lifetime({"cache-control": header}) == USUAL
    assert time.process_time() - began < 5
