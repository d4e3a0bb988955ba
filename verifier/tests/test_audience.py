"""For whom a token is: this API by its identifier or a path below, nobody beside or above it."""

from __future__ import annotations

from typing import Any

import pytest
from vestibule_verifier import Invalid, LocalVerifier, Provider

from tests.provider import ORDERS, TestProvider, signed

ORIGIN = "https://api.acme.example"


@pytest.mark.parametrize(
    "aud",
    [
        ORDERS,
        [ORDERS],
        f"{ORDERS}/",
        f"{ORDERS}/eu/7",
        "HTTPS://API.acme.example:443/orders",
        ["https://elsewhere.example", ORDERS],
        ["not an audience", f"{ORDERS}/7"],
    ],
)
def test_mine(provider: TestProvider, local: LocalVerifier, aud: Any) -> None:
    assert local.verify(signed(provider.access_claims(aud=aud))).subject


@pytest.mark.parametrize(
    "aud",
    [
        ORIGIN,
        f"{ORIGIN}/",
        f"{ORIGIN}/billing",
        f"{ORDERS}-admin",
        f"{ORIGIN}/Orders",
        f"{ORDERS}/../billing",
        f"{ORDERS}//7",
        f"{ORDERS}/%2e%2e/billing",
        f"{ORDERS}#7",
        f"{ORDERS}?x=1",
        "http://api.acme.example/orders",
        "https://api.acme.example:8443/orders",
        "https://api.acme.example.evil.example/orders",
        "https://evil.example/api.acme.example/orders",
        "web",
        "orders",
        "*",
        ["web", ORIGIN],
    ],
)
def test_somebody_elses(provider: TestProvider, local: LocalVerifier, aud: Any) -> None:
    with pytest.raises(Invalid, match="for another API"):
        local.verify(signed(provider.access_claims(aud=aud)))


def test_a_token_of_a_client_that_named_no_audience_is_told_what_to_ask_for(
    provider: TestProvider, local: LocalVerifier
) -> None:
    with pytest.raises(Invalid, match=r"for its client alone.* Ask with resource or audience\."):
        local.verify(signed(provider.access_claims(aud="web", client_id="web")))
    with pytest.raises(Invalid, match=r"for another API\.$"):
        local.verify(signed(provider.access_claims(aud="web", client_id="sibling")))


@pytest.mark.parametrize("aud", [None, "", [], [""], [ORDERS, 7], {"is": ORDERS}, 7, True])
def test_nobodys(provider: TestProvider, local: LocalVerifier, aud: Any) -> None:
    with pytest.raises(Invalid, match="for whom"):
        local.verify(signed(provider.access_claims(aud=aud)))


def test_a_view_may_ask_which_part_of_the_api_a_token_reaches(provider: TestProvider, local: LocalVerifier) -> None:
    token = local.verify(signed(provider.access_claims(aud=[f"{ORDERS}/eu", "https://elsewhere.example"])))
    assert token.audience == (f"{ORDERS}/eu", "https://elsewhere.example")
    assert token.audience_here == (f"{ORDERS}/eu",)
    assert token.reaches(f"{ORDERS}/eu/7")
    assert not token.reaches(f"{ORDERS}/us/7")
    assert not token.reaches(ORDERS)
    assert not token.reaches("https://elsewhere.example"), "only what is this API"


def test_tokens_of_another_api_below_mine_are_not_for_me(provider: TestProvider) -> None:
    outer = LocalVerifier(Provider(provider.issuer), ORDERS, others=[f"{ORDERS}/admin"])
    assert outer.verify(signed(provider.access_claims(aud=f"{ORDERS}/7")))
    for aud in (f"{ORDERS}/admin", f"{ORDERS}/admin/keys"):
        with pytest.raises(Invalid, match="for another API"):
            outer.verify(signed(provider.access_claims(aud=aud)))
        assert outer.verify(signed(provider.access_claims(aud=aud)), audience=f"{ORDERS}/admin")


def test_one_call_may_name_another_identifier(provider: TestProvider, local: LocalVerifier) -> None:
    token = signed(provider.access_claims(aud=f"{ORIGIN}/billing"))
    assert local.verify(token, audience=f"{ORIGIN}/billing").audience_here == (f"{ORIGIN}/billing",)
    assert local.verify(token, audience=["urn:other", f"{ORIGIN}/billing"])
    with pytest.raises(Invalid, match="for another API"):
        local.verify(signed(provider.access_claims()), audience=f"{ORIGIN}/billing")


@pytest.mark.parametrize("identifier", ["web", "urn:acme:queue"])
def test_names_and_opaque_identifiers_match_themselves_only(provider: TestProvider, identifier: str) -> None:
    api = LocalVerifier(Provider(provider.issuer), identifier)
    assert api.verify(signed(provider.access_claims(aud=identifier)))
    for aud in (f"{identifier}/below", f"{identifier}:below", identifier[:-1]):
        with pytest.raises(Invalid, match="for another API"):
            api.verify(signed(provider.access_claims(aud=aud)))


@pytest.mark.parametrize("identifier", [[], "", "https://", "https://api.acme.example/#x", ["web", "two words"]])
def test_an_api_needs_a_usable_identifier(provider: TestProvider, local: LocalVerifier, identifier: Any) -> None:
    with pytest.raises(ValueError, match=r"identifier|audience"):
        LocalVerifier(Provider(provider.issuer), identifier)
    with pytest.raises(ValueError, match=r"identifier|audience"):
        local.verify(signed(provider.access_claims()), audience=identifier)
