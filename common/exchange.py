"""A request to an address outside and its answer, with its status: through the one door (decision 81)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from common import outbound

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


def ask(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, most: int, seconds: float
) -> Answer:
    """Whatever the status is; of redirects none is followed. Raises Unreachable, also for a body that is too long."""
    with outbound.asked(outbound.target_of(url), method, headers, body, most + outbound.MAX_ANSWER, seconds) as answer:
        found = answer.read(most + 1)
        if len(found) > most:
            raise outbound.Unreachable("The answer is too long.", connected=True)
        return Answer(answer.status, found)


def post_form(url: str, form: Mapping[str, str], headers: Mapping[str, str], *, most: int, seconds: float) -> Answer:
    sent = {"Content-Type": FORM, "Accept": "application/json", **headers}
    return ask("POST", url, sent, urlencode(form).encode(), most=most, seconds=seconds)
