"""Tags of headers that strangers send: read as RFC 9110 section 8.8.3 writes them, in no time."""

from __future__ import annotations

import time

import pytest
from django.test import RequestFactory

from idp.api.preconditions import etag, unchanged

BODY = b"{}"


def sent(header: str) -> bool:
    return unchanged(RequestFactory().get("/", HTTP_IF_NONE_MATCH=header), BODY)


@pytest.mark.parametrize("form", ["{}", "W/{}", ' "a" , {}\t', 'W/"a,b",{}', '"a",  {},"c"', "*"])
def test_a_tag_is_found_in_a_list(form: str) -> None:
    assert sent(form.format(etag(BODY)))


@pytest.mark.parametrize("form", ["", "x{}", "{}x", '"{}', "{}" + " " * 2_000, '"a",' * 1_000 + "{}"])
def test_what_is_no_list_of_tags_or_has_no_end_is_none(form: str) -> None:
    assert not sent(form.format(etag(BODY)))


@pytest.mark.parametrize("length", [1_990, 30_000])
@pytest.mark.parametrize("form", ["x{}x", '"a"{}x', ",{}", '"{}'])
def test_no_header_keeps_the_server_busy(form: str, length: int) -> None:
    began = time.process_time()
    for filler in (" ", ", ", '"', ',"', "W/"):
        sent(form.format(filler * (length // len(filler))))
    assert time.process_time() - began < 5, "it was 20 seconds"
