"""Every check, in the order they are made."""

from __future__ import annotations

from idp.conformance import (
    basic_flow,
    basic_pages,
    safety_pages,
    safety_proofs,
    safety_requests,
    safety_tokens,
    vectors,
)

GROUPS = {
    "oidcc": "OpenID Connect Basic OP, by the Foundation's names",
    "audience": "Audience vectors",
    "safety": "Attacks that have to be refused",
}
AT_ONCE = (
    *basic_flow.ROWS,
    *basic_pages.ROWS,
    *vectors.ROWS,
    *safety_requests.ROWS,
    *safety_pages.ROWS,
    *safety_tokens.ROWS,
    *safety_proofs.ROWS,
)
LATER = safety_proofs.LATER  # they go on when an app may not repeat a lost request any more
LAST = safety_proofs.LAST  # afterwards there is nothing left to look at
CHECKS = (*AT_ONCE, *LATER, *LAST)
