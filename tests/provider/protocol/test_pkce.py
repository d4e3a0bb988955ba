"""Proof Key for Code Exchange (RFC 7636): S256, enforced whenever a challenge was sent."""

from __future__ import annotations

import base64
import hashlib

import pytest

from provider.protocol import pkce
from provider.protocol.errors import InvalidGrant, InvalidRequest
from provider.protocol.facts import NO_CHALLENGE, Ceiling, Challenge, ClientFacts
from tests.provider.protocol.building import authorization, client, token

# RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

PUBLIC = client("spa", public=True)
STRICT = client("web", require_pkce=True)
LAX = client("web")


def challenge_of(verifier: str) -> Challenge:
    digest = hashlib.sha256(verifier.encode()).digest()
    return Challenge(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), "S256")


# --- At authorization ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("caller", [PUBLIC, STRICT, LAX])
def test_an_s256_challenge_is_kept(caller: ClientFacts) -> None:
    request = authorization(caller, code_challenge=CHALLENGE, code_challenge_method="S256")
    pkce.at_authorization(request)
    assert request.challenge == Challenge(CHALLENGE, "S256")


@pytest.mark.parametrize("challenge", ["-" * 43, "_" * 43, "AZaz09-_" * 5 + "abc"])
def test_a_challenge_has_the_alphabet_of_base64url(challenge: str) -> None:
    request = authorization(PUBLIC, code_challenge=challenge, code_challenge_method="S256")
    pkce.at_authorization(request)
    assert request.challenge.value == challenge


def test_who_requires_pkce_says_how_an_administrator_turns_it_off() -> None:
    with pytest.raises(InvalidRequest, match=r"an administrator unticks Require PKCE, or sets require_pkce: false\."):
        pkce.at_authorization(authorization(STRICT))
    with pytest.raises(InvalidRequest, match=r"code_challenge is required for this client \(PKCE, RFC 7636\)\.$"):
        pkce.at_authorization(authorization(PUBLIC))


def test_only_a_confidential_client_may_go_without_unless_it_wants_to() -> None:
    request = authorization(LAX)
    request.challenge = Challenge(CHALLENGE, "S256")
    pkce.at_authorization(request)
    assert request.challenge == NO_CHALLENGE
    for caller in (PUBLIC, STRICT):
        with pytest.raises(InvalidRequest, match="required"):
            pkce.at_authorization(authorization(caller))
        with pytest.raises(InvalidRequest, match="required"):
            pkce.at_authorization(authorization(caller, code_challenge="", code_challenge_method="S256"))


@pytest.mark.parametrize("method", ["plain", "", "s256", "S512", "none"])
def test_another_method_or_none_is_refused(method: str) -> None:
    with pytest.raises(InvalidRequest, match="S256"):
        pkce.at_authorization(authorization(LAX, code_challenge=CHALLENGE, code_challenge_method=method))


@pytest.mark.parametrize(
    "challenge",
    [
        CHALLENGE[:-1],
        CHALLENGE + "A",
        CHALLENGE + "=",
        CHALLENGE[:-1] + "+",
        CHALLENGE[:-1] + "/",
        CHALLENGE[:-1] + "é",
        CHALLENGE[:-1] + "\n",
        CHALLENGE + "\n",
        " " * 43,
        "a",
        "a" * 128,
    ],
)
def test_a_malformed_challenge_is_refused(challenge: str) -> None:
    with pytest.raises(InvalidRequest, match="43"):
        pkce.at_authorization(authorization(LAX, code_challenge=challenge, code_challenge_method="S256"))


def test_a_method_without_a_challenge_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="without"):
        pkce.at_authorization(authorization(LAX, code_challenge_method="S256"))


# --- At the token endpoint -----------------------------------------------------------------------------------------


def exchange(caller: ClientFacts, challenge: Challenge, verifier: str | None) -> None:
    params = {} if verifier is None else {"code_verifier": verifier}
    request = token(caller, Ceiling(), **params)
    request.challenge = challenge
    pkce.at_token(request)


@pytest.mark.parametrize("verifier", [VERIFIER, "a" * 43, "a" * 128, "-._~" * 11])
@pytest.mark.parametrize("caller", [PUBLIC, STRICT, LAX])
def test_the_verifier_of_the_challenge_is_accepted(caller: ClientFacts, verifier: str) -> None:
    exchange(caller, challenge_of(verifier), verifier)


def test_the_example_of_the_rfc_is_accepted() -> None:
    exchange(PUBLIC, Challenge(CHALLENGE, "S256"), VERIFIER)


@pytest.mark.parametrize("verifier", [None, "", VERIFIER[:-1] + "a", VERIFIER.swapcase(), CHALLENGE, "a" * 43])
@pytest.mark.parametrize("caller", [PUBLIC, LAX])
def test_a_missing_or_another_verifier_is_refused(caller: ClientFacts, verifier: str | None) -> None:
    with pytest.raises(InvalidGrant):
        exchange(caller, Challenge(CHALLENGE, "S256"), verifier)


@pytest.mark.parametrize(
    "verifier", ["a" * 42, "a" * 129, "a" * 42 + "+", "a" * 42 + "é", "a" * 42 + " ", "a" * 43 + "\n"]
)
def test_a_malformed_verifier_is_refused_though_its_digest_fits(verifier: str) -> None:
    with pytest.raises(InvalidGrant, match="43 to 128"):
        exchange(PUBLIC, challenge_of(verifier), verifier)


@pytest.mark.parametrize("verifier", [None, ""])
def test_a_missing_verifier_is_told_so(verifier: str | None) -> None:
    with pytest.raises(InvalidGrant, match="missing"):
        exchange(LAX, Challenge(CHALLENGE, "S256"), verifier)


@pytest.mark.parametrize("caller", [PUBLIC, STRICT, LAX])
def test_a_verifier_without_a_challenge_is_refused(caller: ClientFacts) -> None:
    with pytest.raises(InvalidGrant, match="no code_challenge"):
        exchange(caller, NO_CHALLENGE, VERIFIER)


def test_neither_is_fine_only_where_none_is_needed() -> None:
    exchange(LAX, NO_CHALLENGE, None)
    for caller in (PUBLIC, STRICT):
        with pytest.raises(InvalidGrant, match="needs PKCE"):
            exchange(caller, NO_CHALLENGE, None)
