"""The report: one page that needs nothing else, and runs nothing. Every text in it is escaped."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from common.command_output import printable, told
from idp.conformance import FAILED, NOT_APPLICABLE, PASSED
from idp.conformance.check import Verdict
from idp.conformance.table import GROUPS

STYLE = Path(__file__).with_name("report.css").read_text()
STATES = (FAILED, NOT_APPLICABLE, PASSED)
# No scripts, nothing fetched, no style but the one in the page.
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class Report:
    issuer: str
    url: str  # what was asked in place of the issuer, if anything
    version: str
    began_at: datetime
    seconds: float
    verdicts: Sequence[Verdict]

    @property
    def sums(self) -> dict[str, int]:
        count = Counter(one.state for one in self.verdicts)
        return {state: count[state] for state in (PASSED, FAILED, NOT_APPLICABLE)}

    @property
    def document(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "url": self.url or None,
            "version": self.version,
            "began_at": self.began_at,
            "seconds": round(self.seconds, 1),
            "checks": [
                {
                    "check": one.check.name,
                    "section": one.check.section,
                    "state": one.state,
                    "says": one.check.says,
                    "got": one.got or None,
                }
                for one in self.verdicts
            ],
            **{state.replace(" ", "_"): number for state, number in self.sums.items()},
        }

    @property
    def lines(self) -> list[str]:
        """What did not pass, one by one; how many did."""
        wrong = [one for one in self.verdicts if one.state != PASSED]
        wide = max((len(one.check.name) for one in wrong), default=0)
        indent = " " * (len(NOT_APPLICABLE) + wide + 4)
        found = []
        for one in wrong:
            found.append(f"{one.state:<{len(NOT_APPLICABLE)}}  {one.check.name:<{wide}}  {one.check.says}")
            found.append(f"{indent}{one.got}")
        return [*found, ", ".join(f"{number} {state}" for state, number in self.sums.items())]

    @property
    def page(self) -> str:
        title = "Conformance report"
        head = (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_text(POLICY)}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
            f"<title>{title} · {_text(self.issuer)}</title>\n<style>{STYLE}</style>\n</head>\n"
        )
        parts = [self._top(title), *(self._group(key, words) for key, words in GROUPS.items())]
        return f"{head}<body>\n<main>\n{''.join(parts)}</main>\n</body>\n</html>\n"

    def _top(self, title: str) -> str:
        facts = {
            "Issuer": self.issuer,
            **({"Asked at": self.url} if self.url else {}),
            "Version": self.version,
            "Began": told(self.began_at),
            "Took": f"{self.seconds:.1f} s",
        }
        rows = "".join(f"<div><dt>{name}</dt><dd>{_text(value)}</dd></div>" for name, value in facts.items())
        sums = "".join(
            f'<li class="{_class(state) if number else "state none"}"><strong>{number}</strong> {state}</li>'
            for state, number in self.sums.items()
        )
        verdict = "Not everything is well." if self.sums[FAILED] else "Nothing failed."
        wrong = [one for one in self.verdicts if one.state == FAILED]
        links = "".join(f'<li><a href="#{_text(one.check.name)}">{_text(one.check.name)}</a></li>' for one in wrong)
        jump = f'<ul class="jump">{links}</ul>' if links else ""
        return (
            f'<header><h1>{title}</h1><p class="verdict">{verdict}</p>'
            f'<ul class="sums">{sums}</ul>{jump}<dl>{rows}</dl></header>\n'
        )

    def _group(self, key: str, words: str) -> str:
        own = [one for one in self.verdicts if one.check.group == key]
        good = sum(one.state == PASSED for one in own)
        return (
            f"<section>\n<h2>{_text(words)}</h2>\n<p>{good} of {len(own)} passed.</p>\n"
            "<table>\n<thead><tr><th>State</th><th>Check</th><th>What is sent, and what has to come</th></tr></thead>\n"
            f"<tbody>\n{''.join(_rows(own))}</tbody>\n</table>\n</section>\n"
        )


def _rows(verdicts: Iterable[Verdict]) -> Iterable[str]:
    for one in sorted(verdicts, key=lambda one: STATES.index(one.state)):
        got = f'<p class="got">{_text(one.got)}</p>' if one.got else ""
        kind = f"is-{one.state.replace(' ', '-')}"
        yield (
            f'<tr id="{_text(one.check.name)}" class="{kind}">'
            f'<td><span class="{_class(one.state)}">{one.state}</span></td>'
            f'<td><code>{_text(one.check.name)}</code><p class="section">{_text(one.check.section)}</p></td>'
            f"<td>{_text(one.check.says)}{got}</td></tr>\n"
        )


def _class(state: str) -> str:
    return f"state {state.replace(' ', '-')}"


def _text(value: str) -> str:
    return escape(printable(value))
