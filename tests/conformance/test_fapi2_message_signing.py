"""The OpenID Foundation's modules for FAPI 2.0 Message Signing: signed requests; and signed answers of both kinds.

The list is fapi2_message_signing.txt: what its plan has beside that of the Security Profile, whose modules are in
test_fapi2_security_profile.py.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jwcrypto import jwk, jws

from clients.models import Client
from common.jws import encode
from provider.protocol.response_modes import RESPONSE_MODES
from tests.conformance.bank import INTROSPECT, Bank, make_banks
from tests.conformance.modules import unmatched
from tests.foreign_keys import OTHERS, RSA, public
from tests.world import ISSUER, Browser, Response, claims_of, header_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world", "bank")]
PLAN = (Path(__file__).parent / "fapi2_message_signing.txt").read_text().split()
PREFIX = "fapi2-security-profile-final-"
NOT_APPLICABLE = {
    "australia-connectid-ensure-request-object-with-exp-over-10-fails": "ten minutes are ConnectID's rule",
    "australia-connectid-ensure-request-object-with-nbf-over-15-fails": "the same",
}
OURS = {
    "test_every_module_of_the_plan_is_a_test_here_or_has_its_reason",
    "test_signed_authorization_responses",
    "test_signed_introspection_responses",
}
HOUR = 3600


@pytest.fixture
def bank(world: None) -> Bank:
    """Its requests have to be signed."""
    make_banks()
    Client.objects.filter(client_id="bank").update(request_object_signing_alg="ES256")
    return Bank()


def test_every_module_of_the_plan_is_a_test_here_or_has_its_reason() -> None:
    """All 16, beside two of our own for what has no module there."""
    assert len(set(PLAN)) == 16
    applicable = [one for one in PLAN if one.removeprefix(PREFIX) not in NOT_APPLICABLE]
    assert unmatched(applicable, sys.modules[__name__]) == OURS


def succeeds(answer: Response, bank: Bank) -> None:
    assert answer.status_code == 201, answer.content
    heard = bank.answered(answer.json()["request_uri"])
    assert bank.redeem(heard["code"]).status_code == 200


def fails(answer: Response) -> None:
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"] in ("invalid_request_object", "invalid_request"), answer.content


# --- Signed requests -------------------------------------------------------------------------------------------------


def test_ensure_request_object_with_multiple_aud_succeeds(bank: Bank) -> None:
    """We are one of those it is for."""
    succeeds(bank.push_signed(aud=[ISSUER, "https://other.example"]), bank)


def test_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(bank: Bank) -> None:
    """F13."""
    succeeds(bank.push_signed(nbf=int(time.time()) + 8), bank)


def test_ensure_request_object_without_exp_fails(bank: Bank) -> None:
    """It has to end."""
    fails(bank.push_signed(exp=None))


def test_ensure_request_object_without_nbf_fails(bank: Bank) -> None:
    """It has to begin."""
    fails(bank.push_signed(nbf=None))


def test_ensure_expired_request_object_fails(bank: Bank) -> None:
    """Ended is ended."""
    fails(bank.push_signed(nbf=int(time.time()) - 600, exp=int(time.time()) - 300))


def test_ensure_request_object_with_bad_aud_fails(bank: Bank) -> None:
    """For somebody else."""
    fails(bank.push_signed(aud="https://other.example"))


def test_ensure_request_object_with_exp_over_60_fails(bank: Bank) -> None:
    """For longer than an hour."""
    fails(bank.push_signed(exp=int(time.time()) + HOUR + 600))


def test_ensure_request_object_with_nbf_over_60_fails(bank: Bank) -> None:
    """Begun more than an hour ago."""
    fails(bank.push_signed(nbf=int(time.time()) - HOUR - 600))


def test_ensure_signed_request_object_with_RS256_fails(bank: Bank) -> None:  # noqa: N802 - the name of the module
    """F3, whichever algorithm is registered."""
    keys = {"keys": [public(RSA, kid="rsa")]}
    Client.objects.filter(client_id="bank").update(jwks=keys, request_object_signing_alg="PS256")
    rsa = replace(bank, key=RSA, algorithm="PS256")
    succeeds(rsa.push_signed(), rsa)
    fails(rsa.push_signed(rsa.request_object("RS256")))
    Client.objects.filter(client_id="bank").update(request_object_signing_alg="")
    fails(rsa.push_signed(rsa.request_object("RS256")))


def test_ensure_request_object_signature_algorithm_is_not_none(bank: Bank) -> None:
    """`alg` none, with and without what looks like a signature."""
    _header, payload, signature = bank.request_object().split(".")
    none = encode(json.dumps({"alg": "none"}).encode())
    fails(bank.push_signed(f"{none}.{payload}."))
    fails(bank.push_signed(f"{none}.{payload}.{signature}"))


def test_ensure_request_object_with_invalid_signature_fails(bank: Bank) -> None:
    """One letter of the payload is another."""
    header, payload, signature = bank.request_object().split(".")
    other = bank.request_object(state="other").split(".")[1]
    assert other != payload
    fails(bank.push_signed(f"{header}.{other}.{signature}"))


def test_ensure_matching_key_in_authorization_request(bank: Bank) -> None:
    """The key of another client signed it."""
    theirs = Bank("bank", OTHERS["ES256"])
    fails(bank.push_signed(theirs.request_object()))


def test_ensure_unsigned_request_at_par_endpoint_fails(bank: Bank) -> None:
    """Who registered an algorithm for requests signs them."""
    fails(bank.push())


def test_par_authorization_request_containing_request_uri(bank: Bank) -> None:
    """`request_uri` in the object."""
    fails(bank.push_signed(request_uri="urn:ietf:params:oauth:request_uri:x"))


# --- Signed answers --------------------------------------------------------------------------------------------------


def verified(token: str, bank: Bank) -> dict[str, Any]:
    """By a key of our JWKS, and a strong algorithm."""
    assert header_of(token)["alg"] in ("PS256", "ES256", "EdDSA")
    keys = jwk.JWKSet.from_json(bank.http.get("/.well-known/jwks.json").content.decode())
    read = jws.JWS()
    read.deserialize(token)
    read.verify(keys.get_key(header_of(token)["kid"]))
    return claims_of(token)


def test_signed_authorization_responses(bank: Bank) -> None:
    """JARM: `response_mode=jwt`; errors too."""
    assert "jwt" in RESPONSE_MODES
    reference = bank.push_signed(response_mode="jwt").json()["request_uri"]
    heard = bank.answered(reference)
    assert set(heard) == {"response"}
    claims = verified(heard["response"], bank)
    assert (claims["iss"], claims["aud"], claims["state"]) == (ISSUER, "bank", "the-state")
    assert claims["exp"] <= time.time() + 600
    assert bank.redeem(claims["code"]).status_code == 200
    browser = Browser("owner")
    page = bank.begin(bank.push_signed(response_mode="jwt", prompt="consent").json()["request_uri"], browser)
    denied = redirected(browser.answer(page, "deny"))
    assert verified(denied["response"], bank)["error"] == "access_denied"


def test_signed_introspection_responses(bank: Bank) -> None:
    """RFC 9701."""
    Client.objects.filter(client_id="bank").update(request_object_signing_alg="")
    token = bank.tokens()["access_token"]
    form = {"token": token}
    answer = bank.post(INTROSPECT, form, proof=None, HTTP_ACCEPT="application/token-introspection+jwt")
    assert answer["Content-Type"] == "application/token-introspection+jwt"
    claims = verified(answer.content.decode(), bank)
    assert (claims["iss"], claims["aud"]) == (ISSUER, "bank")
    said = claims["token_introspection"]
    assert (said["active"], said["cnf"]) == (True, {"jkt": bank.holder.jkt})
