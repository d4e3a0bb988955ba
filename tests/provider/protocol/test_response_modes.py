"""Response types and modes by name, and what is refused of them (protocol section 21)."""

from __future__ import annotations

import pytest

from provider.protocol import authorization
from provider.protocol.channel import Channel, Delivery
from provider.protocol.errors import InvalidRequest
from provider.protocol.request import AuthorizationRequest, Params
from provider.protocol.response_modes import LEGACY, RESPONSE_MODES, mode_of, response_type
from tests.provider.protocol.building import client

ISSUER = "https://id.example"
WEB = "https://web.acme.example/cb?x=%7e"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("code", "code"),
        *((name, name) for name in LEGACY),
        ("token id_token", "id_token token"),
        ("token code", "code token"),
        ("token id_token code", "code id_token token"),
        ("id_token token code", "code id_token token"),
        ("", ""),
        ("none", ""),
        ("Code", ""),
        ("code code", ""),
        ("code ", ""),
        ("code  token", ""),
        ("code none", ""),
    ],
)
def test_the_order_of_the_words_is_no_matter_and_all_else_is(text: str, name: str) -> None:
    assert response_type(text) == name


@pytest.mark.parametrize("kind", ["code", *LEGACY])
@pytest.mark.parametrize("name", ["", *RESPONSE_MODES, "web_message", "Query", "jwt.query", "query "])
def test_which_mode_is_what_for_whom(kind: str, name: str) -> None:
    """Tokens never stand in a query, signed or not (Multiple Response Types section 5, JARM section 2.3.1)."""
    default = "query" if kind == "code" else "fragment"
    signed = name == "jwt" or name.endswith(".jwt")
    way = default if name in ("", "jwt") else name.removesuffix(".jwt")
    known = name in ("", *RESPONSE_MODES) and (way != "query" or kind == "code")
    found = mode_of(name, kind)
    assert (found is not None) is known
    assert found is None or (found.way, found.signed) == (way, signed)


def channel(redirect_uri: str = WEB, **params: str) -> Channel:
    return authorization.channel(Params([*params.items()]), client(), redirect_uri)


def delivery(mode: str, redirect_uri: str = WEB) -> Delivery:
    one = channel(redirect_uri, response_type="code", response_mode=mode, state="a&b")
    return one.delivery(one.said(ISSUER, code="c"))


def test_where_the_parameters_stand() -> None:
    added = "code=c&state=a%26b&iss=https%3A%2F%2Fid.example"
    assert delivery("") == delivery("query") == delivery("jwt") == Delivery(f"{WEB}&{added}")
    assert delivery("fragment") == Delivery(f"{WEB}#{added}")
    assert delivery("form_post") == Delivery(WEB, (("code", "c"), ("state", "a&b"), ("iss", ISSUER)))


@pytest.mark.parametrize("mode", ["form_post", "form_post.jwt", "pigeon"])
def test_what_cannot_be_honoured_is_refused_by_the_default_way(mode: str) -> None:
    """A program on the device takes no form."""
    native = channel("com.acme.app:/cb", response_type="code", response_mode=mode)
    assert native.mode == mode_of("", "code")
    params = Params([("response_type", "code"), ("response_mode", mode)])
    with pytest.raises(InvalidRequest, match="response_mode"):
        authorization.check_shape(AuthorizationRequest(params, native))


def test_what_is_sent_twice_says_nothing() -> None:
    twice = Params([("response_type", "code"), ("response_mode", "form_post"), ("response_mode", "fragment")])
    assert authorization.channel(twice, client(), WEB).mode == mode_of("", "code")


def test_a_response_type_that_is_not_the_clients_is_answered_as_any_other_mistake() -> None:
    one = channel(response_type="id_token token")
    assert (one.response_type, one.mode) == ("", mode_of("", "code"))
