"""F3 of the profile `fapi2` on the paths that lead to a token and from it: a weak signature counts on none of them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from clients.models import Client
from tests.conformance.bank import CALLBACK, PAR, USERINFO, Bank, make_banks
from tests.foreign_keys import RSA, public, signed
from tests.provider.proving import Holder
from tests.world import CHALLENGE, ISSUER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
WEAK = "RS256"


@pytest.fixture
def bank(world: None) -> Bank:
    """Its key, and that of its proofs, fit a strong algorithm and the weak one."""
    make_banks()
    Client.objects.filter(client_id="bank").update(jwks={"keys": [public(RSA, kid="rsa")]})
    return Bank(key=RSA, algorithm="PS256", holder=Holder.with_key_for("PS256"))


def weak(holder: Holder) -> Holder:
    return Holder(WEAK, holder.key)


def request_object(algorithm: str) -> str:
    now = int(time.time())
    said: dict[str, Any] = {
        "nbf": now,
        "exp": now + 60,
        "iss": "bank",
        "aud": ISSUER,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid profile",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return signed(RSA, algorithm, said, typ="oauth-authz-req+jwt")


@pytest.mark.parametrize(("algorithm", "status"), [("PS256", 201), (WEAK, 400)])
def test_f3_a_request_object_is_not_signed_by_a_weak_algorithm(bank: Bank, algorithm: str, status: int) -> None:
    assert bank.post(PAR, {"request": request_object(algorithm)}, proof=None).status_code == status


def test_f3_a_request_object_of_another_client_may_be(bank: Bank) -> None:
    Client.objects.filter(client_id="bank").update(profile="")
    assert bank.post(PAR, {"request": request_object(WEAK)}, proof=None).status_code == 201


def test_f3_no_weak_proof_is_shown_with_a_pushed_request(bank: Bank) -> None:
    refused = bank.push(proof=weak(bank.holder).proof(f"{ISSUER}{PAR}"))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
    assert bank.push(proof=bank.holder.proof(f"{ISSUER}{PAR}")).status_code == 201


def test_f3_no_weak_proof_is_shown_with_an_access_token(bank: Bank) -> None:
    token = bank.tokens()["access_token"]
    proof = weak(bank.holder).proof(f"{ISSUER}{USERINFO}", "GET", token)
    assert bank.http.get(USERINFO, HTTP_AUTHORIZATION=f"DPoP {token}", HTTP_DPOP=proof).status_code == 401
    assert bank.userinfo(token).status_code == 200
