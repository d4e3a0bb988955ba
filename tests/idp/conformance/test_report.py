"""The report: one page without scripts, everything in it escaped; lines and JSON of the same verdicts."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

from idp.conformance import FAILED, NOT_APPLICABLE, PASSED
from idp.conformance.check import Check, Verdict
from idp.conformance.report import Report

HOSTILE = '<script>alert("x")</script>&\u202e'


def _nothing(_run: object) -> None: ...


def report(*verdicts: Verdict, issuer: str = "https://id.acme.example") -> Report:
    return Report(issuer, "", "1.0", datetime(2026, 11, 30, 12, tzinfo=UTC), 3.21, verdicts)


def verdict(name: str, state: str, got: str = "", says: str = "A thing is sent; another has to come.") -> Verdict:
    return Verdict(Check(name, "RFC 6749 section 4.1", says, _nothing), state, got)


THREE = report(
    verdict("oidcc-server", PASSED),
    verdict("audience-01", NOT_APPLICABLE, "Not offered here."),
    verdict("safety-garbage", FAILED, "Came: 500."),
)


class Tags(HTMLParser):
    """What is in a page besides text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_the_page_runs_nothing_and_fetches_nothing() -> None:
    tags = Tags(THREE.page).seen
    assert not {"script", "iframe", "img", "link", "form", "object"} & {tag for tag, _attrs in tags}
    assert not [name for _tag, attrs in tags for name in attrs if name.startswith("on") or name in ("style", "src")]
    [policy] = [attrs["content"] for _tag, attrs in tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    [style] = re.findall("<style>(.*?)</style>", THREE.page, re.DOTALL)
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy, "the style is the one allowed"


def test_every_text_is_escaped() -> None:
    page = report(verdict(f"safety-{HOSTILE}", FAILED, HOSTILE, HOSTILE), issuer=f"https://id.example/{HOSTILE}").page
    assert "<script" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" in page


def test_what_failed_comes_first_and_is_linked() -> None:
    page = report(verdict("safety-a", PASSED), verdict("safety-b", FAILED, "Came: 500.")).page
    assert page.index('id="safety-b"') < page.index('id="safety-a"')
    assert '<a href="#safety-b">' in page
    assert "Not everything is well." in page


def test_lines_tell_what_did_not_pass_and_count_the_rest() -> None:
    assert [line.strip() for line in THREE.lines] == [
        "not applicable  audience-01     A thing is sent; another has to come.",
        "Not offered here.",
        "failed          safety-garbage  A thing is sent; another has to come.",
        "Came: 500.",
        "1 passed, 1 failed, 1 not applicable",
    ]


def test_json_has_every_check_and_the_sums() -> None:
    document = THREE.document
    assert (document["passed"], document["failed"], document["not_applicable"], document["seconds"]) == (1, 1, 1, 3.2)
    checks = document["checks"]
    assert isinstance(checks, list)
    assert checks[2] == {
        "check": "safety-garbage",
        "section": "RFC 6749 section 4.1",
        "state": FAILED,
        "says": "A thing is sent; another has to come.",
        "got": "Came: 500.",
    }


def test_a_run_without_a_fault_says_so() -> None:
    assert "Nothing failed." in report(verdict("oidcc-server", PASSED)).page
