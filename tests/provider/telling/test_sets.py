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
        ("person.email_changed", {}, f"{RISC}recovery-information-changed", {}),
        ("person.email_changed", {"before": "a@x.example", "after": ""}, f"{RISC}identifier-changed", {}),
        (
            "person.email_changed",
            {"before": "a@x.example", "after": "b@x.example"},
            f"{RISC}identifier-changed",
            {"new-value": "b@x.example"},
        ),
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
            {**AT, "initiating_entity": "admin", "claims": {"roles": ["admin"]}},
        ),
        (
            "person.password_changed",
            {"by": "administrator"},
            f"{CAEP}credential-change",
            {**AT, "initiating_entity": "admin", "credential_type": "password", "change_type": "update"},
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


def test_w6_of_an_address_the_subject_is_the_one_that_was() -> None:
    said = told("person.email_changed", {"before": "a@x.example", "after": "b@x.example"})
    assert said["sub_id"] == {"format": "email", "email": "a@x.example"}
    assert told("person.email_changed", {})["sub_id"]["sub"] == "the-sub"


@pytest.mark.parametrize(
    ("requested", "data", "wanted"),
    [
        (
            [sets.IDENTIFIER_CHANGED, sets.RECOVERY_CHANGED],
            {"before": "a", "after": "b"},
            {"before": "a", "after": "b"},
        ),
        ([sets.RECOVERY_CHANGED], {"before": "a", "after": "b"}, {}),
        ([sets.IDENTIFIER_CHANGED], {}, None),
        ([sets.DISABLED], {"before": "a", "after": "b"}, None),
    ],
)
def test_w6_a_receiver_gets_the_event_that_it_asked_for(
    requested: list[str], data: dict[str, Any], wanted: dict[str, Any] | None
) -> None:
    assert sets.wanted("person.email_changed", data, requested) == wanted


def test_w4_delivered_is_what_there_is_of_what_was_asked_for() -> None:
    asked = ["https://other.example/event", sets.DISABLED, sets.SESSION_REVOKED]
    assert set(sets.delivered(asked)) == {sets.DISABLED, sets.SESSION_REVOKED}
