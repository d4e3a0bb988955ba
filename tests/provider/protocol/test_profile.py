"""The profile `fapi2`, by its rules: what it demands of requests whatever a client's row says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from common.jws import ALGORITHMS
from projects.facts import ApiFacts, Apis
from provider.protocol import profile
from provider.protocol.channel import Channel
from provider.protocol.confirmation import NOT_BOUND, Confirmation
from provider.protocol.errors import InvalidClient, InvalidDpopProof, InvalidGrant, Refusal
from provider.protocol.facts import Challenge, ClientFacts, Registry
from provider.protocol.request import AuthorizationRequest, Params, TokenRequest, Wrapped
from tests.provider.protocol.building import client

API = "https://api.example"
URI = "https://bank.example/cb"
STRONG: dict[str, Any] = {
    "profile": "fapi2",
    "auth_method": "private_key_jwt",
    "grant_types": frozenset({"authorization_code", "refresh_token", "client_credentials"}),
    "redirect_uris": (URI,),
    "id_token_algorithm": "ES256",
    "authorization_algorithm": "ES256",
}
KEY = Confirmation(jkt="k" * 43)


def bank(**fields: Any) -> ClientFacts:
    return profile.applied(client("bank", **{**STRONG, **fields}))


def asked(of: ClientFacts, *, pushed: str = "now", uri: str = URI, named: bool = True, **params: str) -> None:
    sent = {"response_type": "code", "code_challenge": "c" * 43, **params}
    pairs = Params([(name, value) for name, value in sent.items() if value], Wrapped(pushed=pushed))
    profile.at_authorization(AuthorizationRequest(pairs, Channel(of, uri, named)))


def refusal(call: Any, *args: Any, **kwargs: Any) -> Refusal:
    with pytest.raises(Refusal) as raised:
        call(*args, **kwargs)
    assert "fapi2" in str(raised.value), "it says whose demand it is"
    return raised.value


def test_a_request_that_meets_it_passes() -> None:
    asked(bank())
    profile.at_grant(bank(), "authorization_code")
    profile.at_possession(bank(), KEY)


@pytest.mark.parametrize(
    "lack",
    [
        {"auth_method": "client_secret_basic"},
        {"auth_method": "none", "public": True},
        {"id_token_algorithm": "RS256"},
        {"userinfo_algorithm": "RS256"},
        {"authorization_algorithm": "RS256"},
        {"assertion_algorithm": "RS256"},
        {"request_object_algorithm": "RS256"},
    ],
    ids=["F1 secret", "F1 public", "F3 ID token", "F3 userinfo", "F3 answer", "F3 assertion", "F3 request"],
)
def test_what_a_client_lacks_is_refused_with_every_request(lack: dict[str, Any]) -> None:
    weak = bank(**lack)
    assert refusal(asked, weak).code == "unauthorized_client"
    for grant_type in profile.GRANT_TYPES:
        assert refusal(profile.at_grant, weak, grant_type).code == "unauthorized_client"
    assert "RS256" in str(refusal(asked, weak)) or "private_key_jwt" in str(refusal(asked, weak))


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"pushed": ""}, "invalid_request"),
        ({"named": False}, "invalid_request"),
        ({"uri": "http://127.0.0.1/cb"}, "invalid_request"),
        ({"uri": "com.example.bank:/cb"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
    ],
    ids=["F4 not pushed", "F5 no redirect_uri", "F5 http", "F5 custom scheme", "F6 no PKCE"],
)
def test_a_request_that_does_not_is_refused_by_name(sent: dict[str, Any], error: str) -> None:
    assert refusal(asked, bank(), **sent).code == error


@pytest.mark.parametrize(
    "grant_type",
    ["urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", "password"],
    ids=lambda one: f"F1 {one.rpartition(':')[2]}",
)
def test_no_other_grant_is_its_own(grant_type: str) -> None:
    of = bank(grant_types=frozenset({grant_type, "authorization_code"}))
    assert not of.may_use(grant_type), "endpoints that ask the client hear the same"
    assert refusal(profile.at_grant, of, grant_type).code == "unauthorized_client"


def test_f3_requests_are_signed_by_strong_algorithms() -> None:
    assert set(profile.may_sign_with(bank(), ALGORITHMS)) == set(ALGORITHMS) - {"RS256"}
    assert profile.may_sign_with(bank(), ("RS256",)) == ()
    assert profile.may_sign_with(client("web"), ALGORITHMS) == tuple(ALGORITHMS)


def test_f12_g4_tokens_are_bound_whatever_the_grant() -> None:
    assert isinstance(refusal(profile.at_possession, bank(), NOT_BOUND), InvalidDpopProof)
    profile.at_possession(bank(), Confirmation(x5t="x" * 43))


def assertion(algorithm: str = "ES256", aud: Any = "https://issuer.example") -> tuple[str, dict[str, Any]]:
    return algorithm, {"aud": aud}


@pytest.mark.parametrize("algorithm", [one for one in ALGORITHMS if one != "RS256"], ids=lambda one: f"F3 {one}")
def test_these_algorithms_are_strong_enough(algorithm: str) -> None:
    profile.check_authentication(bank(), *assertion(algorithm))


def test_f1_f2_f3_how_a_client_proves_who_it_is() -> None:
    for of, shown in (
        (bank(auth_method="client_secret_post"), ()),
        (bank(auth_method="none", public=True), ()),
        (bank(), assertion("RS256")),
        (bank(), assertion(aud=["https://issuer.example"])),
    ):
        assert isinstance(refusal(profile.check_authentication, of, *shown), InvalidClient)
    profile.check_authentication(bank(auth_method="tls_client_auth"))
    profile.check_authentication(client("web"), *assertion("RS256", aud=["https://issuer.example"]))


def token_request(of: ClientFacts, **params: str) -> TokenRequest:
    jwt = ApiFacts(API, of.project.id, token_format="jwt", token_signing_alg="RS256")
    return TokenRequest(Params(list(params.items())), of, Registry(apis=Apis.of([jwt])))


def test_f6_a_code_of_before_has_no_challenge_and_gives_nothing() -> None:
    request = token_request(bank(), grant_type="authorization_code")
    assert isinstance(refusal(profile.at_token, request), InvalidGrant)
    request.challenge = Challenge("c" * 43, "S256")
    profile.at_token(request)


def test_f3_no_api_makes_us_sign_by_a_weak_algorithm() -> None:
    request = token_request(bank(), grant_type="client_credentials")
    profile.at_token(request)
    request.audience = (API,)
    assert refusal(profile.at_token, request).code == "invalid_target"


def test_f4_f6_f9_what_it_changes_without_being_asked() -> None:
    """A project took the profile on: its clients say other things still."""
    loose = client("bank", **STRONG, pushes=False, require_pkce=False, rotates=True)
    held = profile.applied(replace(loose, response_types=frozenset({"code", "id_token"})))
    assert (held.pushes, held.require_pkce, held.rotates, held.response_types) == (
        True,
        True,
        False,
        frozenset({"code"}),
    )


def test_other_clients_notice_nothing() -> None:
    loose = client("web")
    assert profile.applied(loose) is loose
    profile.at_grant(loose, "anything")
    profile.at_possession(loose, NOT_BOUND)
    profile.at_token(token_request(loose, grant_type="authorization_code"))
    profile.check_authentication(loose)
    asked(loose, pushed="", named=False, uri="http://x", code_challenge="")
