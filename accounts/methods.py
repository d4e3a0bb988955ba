"""By which methods a session proved who its person is, and when: from allauth's records to `amr` and `auth_time`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

ENROLLED = "enrolled"  # marks, among allauth's records, a factor that was set up in this session

# RFC 8176 section 2. Without attestation nobody can say that hardware guards a passkey: the weaker claim is the true
# one. Methods that have no value there (a code by e-mail) claim nothing. Who signed in elsewhere (`upstream`) says so:
# whatever they proved there is one factor here, unless that provider's word on a second one counts.
UPSTREAM = "upstream"
FEDERATED = "federated"
_METHODS = {"password": "pwd", UPSTREAM: FEDERATED}
_FACTORS = {"totp": "otp", "recovery_codes": "otp", "webauthn": "swk"}
SECOND_FACTORS = frozenset(_FACTORS.values())


def proved(records: list[dict[str, Any]]) -> tuple[datetime | None, list[str]]:
    """When a person last authenticated in a session, and by which methods (RFC 8176).

    A factor that was set up here proves nothing about who set it up: it counts as a method, but not as an
    authentication.
    """
    moments = [float(one["at"]) for one in records if not one.get(ENROLLED)]
    if not moments:
        return None, []
    records = _of_one_moment(records, max(moments))
    found = [_METHODS.get(one["method"]) or _FACTORS.get(one.get("type", "")) for one in records]
    own = list(dict.fromkeys(value for value in found if value))
    told = [value for one in records for value in one.get("amr", ())]  # elsewhere, where that counts
    amr = list(dict.fromkeys([*own, *told]))
    # A passkey that signs in alone has verified its person (allauth requires it): two factors in one.
    if (_are_two(own) or any(one.get("passwordless") or one.get("mfa") for one in records)) and "mfa" not in amr:
        amr.append("mfa")
    return datetime.fromtimestamp(max(moments), UTC), amr


def _of_one_moment(records: list[dict[str, Any]], auth_time: float) -> list[dict[str, Any]]:
    """Without the second steps that are older than the last proof: tokens tell `acr` and `auth_time` side by side.

    Whoever finds a browser that somebody left, and knows the password, would else be as strong and as fresh as if they
    had the second factor, too (decision 0274).
    """
    steps = [one for one in records if one.get("type") or one.get("passwordless") or one.get("mfa")]
    if all(float(one["at"]) < auth_time for one in steps):
        return [one for one in records if one not in steps]
    return records


def _are_two(methods: Sequence[str]) -> bool:
    """A password here and a sign-in elsewhere are the same kind of factor."""
    return len({"pwd" if one == FEDERATED else one for one in methods}) > 1
