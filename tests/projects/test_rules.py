"""Rules of single values that projects, APIs and clients share."""

from __future__ import annotations

import pytest

from projects.rules import page_problem


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://consent.example",
        "https://consent.example:8443/ask?from=us",
        "http://localhost:8770/",
        "http://[::1]/",
    ],
)
def test_a_page_is_an_address_that_browsers_may_be_sent_to(uri: str) -> None:
    assert page_problem(uri) == ""


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "http://consent.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "//consent.example/",
            "/ask",
            "consent",
        ),
        *("https://", "https:///ask", "https://me@consent.example/", "https://me:pw@consent.example/"),
        *("https://consent.example/#top", "https://consent.example/#", "https://consent.example/a b"),
        *("https://consent.example/\r\nSet-Cookie:x", "https://consent.example/ä", 'https://consent.example/"'),
        *("https://consent.example:port/", "https://[::1", "https://consent.example/\\evil.example"),
        f"https://consent.example/{'a' * 500}",
    ],
)
def test_no_browser_is_sent_anywhere_else(uri: str) -> None:
    assert page_problem(uri)
