"""The shape of an authorization request: honoured, or refused by name; never ignored."""

from __future__ import annotations

import pytest

from provider.protocol.authorization import MAX_NONCE, MAX_STATE, check_shape
from provider.protocol.errors import (
    InvalidRequest,
    Refusal,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from tests.provider.protocol.building import authorization, client

CODE = {"response_type": "code"}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"response_mode": "query"},
        {"response_mode": ""},
        {"response_mode": "fragment"},
        {"response_mode": "form_post"},
        {"response_mode": "query.jwt"},
        {"request": "", "request_uri": "", "claims": ""},
        {"nonce": "n" * MAX_NONCE, "state": "s" * MAX_STATE},
        {"display": "popup", "ui_locales": "de", "acr_values": "x", "login_hint": "owner", "unknown": "x"},
    ],
    ids=lambda params: " ".join(params) or "plain",
)
def test_these_requests_are_fine(params: dict[str, str]) -> None:
    check_shape(authorization(**CODE, **params))


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({}, InvalidRequest),
        ({"response_type": ""}, InvalidRequest),
        ({"response_type": "token"}, UnsupportedResponseType),
        ({"response_type": "id_token"}, UnsupportedResponseType),
        ({"response_type": "code id_token"}, UnsupportedResponseType),
        ({"response_type": "code token"}, UnsupportedResponseType),
        ({"response_type": "none"}, UnsupportedResponseType),
        ({"response_type": "CODE"}, UnsupportedResponseType),
        ({**CODE, "request": "x"}, RequestNotSupported),
        ({**CODE, "request_uri": "https://h/x"}, RequestUriNotSupported),
        ({**CODE, "response_mode": "web_message"}, InvalidRequest),
        ({**CODE, "response_mode": "QUERY"}, InvalidRequest),
        ({**CODE, "nonce": "n" * (MAX_NONCE + 1)}, InvalidRequest),
        ({**CODE, "state": "s" * (MAX_STATE + 1)}, InvalidRequest),
    ],
    ids=str,
)
def test_these_are_refused_by_name(params: dict[str, str], refusal: type[Refusal]) -> None:
    with pytest.raises(Refusal) as raised:
        check_shape(authorization(**params))
    assert type(raised.value) is refusal


def test_a_client_without_the_grant_is_not_authorized() -> None:
    machine = client("service", grant_types=frozenset({"client_credentials"}))
    with pytest.raises(UnauthorizedClient):
        check_shape(authorization(machine, **CODE))
