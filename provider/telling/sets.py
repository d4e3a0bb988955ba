"""Security Event Tokens (RFC 8417) of the Shared Signals Framework 1.0: what an event is called there. Pure.

One event a token. It has no `sub` and no `exp`, so that nobody takes it for a token that lets somebody in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.json_type import Json

Details = dict[str, str | list[str] | dict[str, list[str]]]

TYPE = "secevent+jwt"
CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
SSF = "https://schemas.openid.net/secevent/ssf/event-type/"
SESSION_REVOKED, CREDENTIAL_CHANGE = f"{CAEP}session-revoked", f"{CAEP}credential-change"
CLAIMS_CHANGE = f"{CAEP}token-claims-change"
DISABLED, ENABLED, PURGED = f"{RISC}account-disabled", f"{RISC}account-enabled", f"{RISC}account-purged"
IDENTIFIER_CHANGED, RECOVERY_CHANGED = f"{RISC}identifier-changed", f"{RISC}recovery-information-changed"
VERIFICATION, UPDATED = f"{SSF}verification", f"{SSF}stream-updated"
# What projects are told by webhooks, by its name here (rule W6). What ends access is a session to an app.
OF_KIND: Mapping[str, str] = {
    "person.deactivated": DISABLED,
    "person.activated": ENABLED,
    "person.deleted": PURGED,
    "person.password_changed": CREDENTIAL_CHANGE,
    "person.second_steps_changed": CREDENTIAL_CHANGE,
    "person.email_changed": RECOVERY_CHANGED,  # IDENTIFIER_CHANGED for who may know the address
    "person.roles_changed": CLAIMS_CHANGE,
    "person.groups_changed": CLAIMS_CHANGE,
    "access.ended": SESSION_REVOKED,
}
SUPPORTED = tuple(dict.fromkeys([*OF_KIND.values(), IDENTIFIER_CHANGED]))
BEFORE, AFTER = "before", "after"  # of an address: what a receiver is told that may know it
OF_STREAM = ("ssf.verification", "ssf.stream-updated")  # kinds that are about a stream, and no person
FACTORS = {"totp": "app", "passkey": "fido2-platform", "recovery_codes": "recovery-codes", "all": "second-steps"}
CHANGES = {"added": "create", "removed": "revoke"}


@dataclass(frozen=True, slots=True)
class Told:
    """What a token is made of."""

    jti: str
    stream_id: str
    audience: str
    sub: str  # as the receiver knows the person
    kind: str
    data: Mapping[str, Json]
    happened_at: int  # seconds
    issued_at: int


def event_type(kind: str, data: Mapping[str, Json]) -> str:
    if BEFORE in data:
        return IDENTIFIER_CHANGED
    return OF_KIND.get(kind) or SSF + kind.removeprefix("ssf.")


def wanted(kind: str, data: Details, requested: Sequence[str]) -> Details | None:
    """What of it a receiver gets that asked for these events. None: nothing."""
    if event_type(kind, data) not in requested:
        data = {name: one for name, one in data.items() if name not in (BEFORE, AFTER)}
    return data if event_type(kind, data) in requested else None


def delivered(requested: Sequence[str]) -> list[str]:
    """Of what was asked for, what there is."""
    return [one for one in SUPPORTED if one in requested]


def claims(told: Told, issuer: str) -> dict[str, Json]:
    about: dict[str, Json] = {"format": "iss_sub", "iss": issuer, "sub": told.sub}
    if before := told.data.get(BEFORE):  # RISC: the subject is the identifier that was
        about = {"format": "email", "email": before}
    if told.kind in OF_STREAM:
        about = {"format": "opaque", "id": told.stream_id}
    return {
        "iss": issuer,
        "iat": told.issued_at,
        "jti": told.jti,
        "aud": told.audience,
        "sub_id": about,
        "events": {event_type(told.kind, told.data): _payload(told)},
    }


def _payload(told: Told) -> dict[str, Json]:
    """CAEP 1.0 section 2 and 3; RISC has nothing beside whom it is about, but for a new address."""
    kind = event_type(told.kind, told.data)
    if told.kind in OF_STREAM:
        return dict(told.data)
    if kind.startswith(RISC):
        return {"new-value": after} if (after := told.data.get(AFTER)) else {}
    initiator = "admin" if kind == CLAIMS_CHANGE else _initiator(told.data)  # nobody gives roles to themselves
    said: dict[str, Json] = {"event_timestamp": told.happened_at, "initiating_entity": initiator}
    if kind == CREDENTIAL_CHANGE:
        factor = str(told.data.get("factor", ""))
        said["credential_type"] = FACTORS.get(factor, "password")
        said["change_type"] = CHANGES.get(str(told.data.get("change", "")), "update")
    if kind == CLAIMS_CHANGE:
        said["claims"] = told.data.get("claims", {})
    return said


def _initiator(data: Mapping[str, Json]) -> str:
    reason = data.get("reason")
    if reason == "ended_by_administrator" or data.get("by") == "administrator":
        return "admin"
    return "policy" if reason == "token_used_twice" else "user"
