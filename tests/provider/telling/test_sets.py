"""Security Event Tokens: what an event of ours is called in Shared Signals, as one table."""

from __future__ import annotations

from typing import Any

import pytest

from clients.models.telling import ToldKind
from provider.telling import sets
from provider.telling.sets import CAEP, RISC, SSF, Told

ISSUER = "https://id.example"
AT: dict[str, Any] = {"event_timestamp": 900, "initiating_entity": "user"}


def told(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    made = Told("the-jti", "the-stream", "web", "the-sub", kind, data, happened_at=900, issued_at=1000)
    return sets.claims(made, ISSUER)


def test_w6_every_kind_that_webhooks_know_has_its_event() -> None:
    assert set(sets.OF_KIND) == set(ToldKind.values)


def test_w5_a_token_says_exactly_this() -> None:
    assert told("person.deactivated", {}) == {
        "iss": ISSUER,
        "iat": 1000,
        "jti": "the-jti",
        "aud": "web",
        "sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "the-sub"},
        "events": {f"{RISC}account-disabled": {}},
    }


@pytest.mark.parametrize(
    ("kind", "data", "event", "payload"),
    [
        ("person.activated", {}, f"{RISC}account-enabled", {}),
        ("person.deleted", {}, f"{RISC}account-purged", {}),
        ("person.email_changed", {}, f"{RISC}identifier-changed", {}),
        (
            "person.password_changed",
            {},
            f"{CAEP}credential-change",
            {**AT, "credential_type": "password", "change_type": "update"},
        ),
        (
            "person.second_steps_changed",
            {"factor": "totp", "change": "added"},
            f"{CAEP}credential-change",
            {**AT, "credential_type": "app", "change_type": "create"},
        ),
        (
            "person.second_steps_changed",
            {"factor": "passkey", "change": "removed"},
            f"{CAEP}credential-change",
            {**AT, "credential_type": "fido2-platform", "change_type": "revoke"},
        ),
        (
            "person.roles_changed",
            {"claims": {"roles": ["admin"]}},
            f"{CAEP}token-claims-change",
            {**AT, "claims": {"roles": ["admin"]}},
        ),
        ("access.ended", {"reason": "signed_out"}, f"{CAEP}session-revoked", AT),
        (
            "access.ended",
            {"reason": "ended_by_administrator"},
            f"{CAEP}session-revoked",
            {**AT, "initiating_entity": "admin"},
        ),
        ("ssf.verification", {"state": "abc"}, f"{SSF}verification", {"state": "abc"}),
        ("ssf.verification", {}, f"{SSF}verification", {}),
    ],
)
def test_w6_what_happened_is_told_as(kind: str, data: dict[str, Any], event: str, payload: dict[str, Any]) -> None:
    assert told(kind, data)["events"] == {event: payload}


def test_w5_what_is_about_a_stream_is_about_nobody() -> None:
    assert told("ssf.verification", {})["sub_id"] == {"format": "opaque", "id": "the-stream"}


def test_w4_delivered_is_what_there_is_of_what_was_asked_for() -> None:
    asked = ["https://other.example/event", sets.DISABLED, sets.SESSION_REVOKED]
    assert set(sets.delivered(asked)) == {sets.DISABLED, sets.SESSION_REVOKED}
