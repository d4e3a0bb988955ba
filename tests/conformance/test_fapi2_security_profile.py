"""The OpenID Foundation's conformance modules for FAPI 2.0 Security Profile (Final), with private_key_jwt and DPoP.

The list is fapi2_security_profile.txt. Each test does what the module of its name does to a provider over HTTP. Modules
of one country's ecosystem are listed with the reason why nothing of theirs is here.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from clients.models import Client
from tests.conformance.bank import CALLBACK, PAR, TOKEN, Bank, make_banks
from tests.conformance.modules import unmatched
from tests.foreign_keys import OTHERS, RSA, public
from tests.provider.proving import Holder
from tests.world import ISSUER, Browser, Response, claims_of, header_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world", "banks")]
PLAN = (Path(__file__).parent / "fapi2_security_profile.txt").read_text().split()
PREFIX = "fapi2-security-profile-final-"
# Of ecosystems with rules of their own. The suite runs these only when that ecosystem is chosen.
NOT_APPLICABLE = {
    "australia-connectid-ensure-invalid-purpose-fails": "the parameter `purpose` is ConnectID's",
    "australia-connectid-test-claims-parameter-idtoken-identity-claims": "ConnectID's claims, only in its ID tokens",
    "brazil-ensure-bad-payment-signature-fails": "payments of Open Finance Brasil",
    "ensure-server-handles-non-matching-intent-id": "intents of open banking; no scope here means one",
    "test-essential-acr-sca-claim": "the acr of PSD2 in the United Kingdom; essential acr is in test_acr.py",
}


@pytest.fixture
def banks(world: None) -> None:
    """Two apps that meet the profile, each with a key of its own."""
    make_banks()


@pytest.fixture
def bank() -> Bank:
    return Bank()


def test_every_module_of_the_plan_is_a_test_here_or_has_its_reason() -> None:
    """All 62 of them."""
    assert len(set(PLAN)) == 62
    applicable = [one for one in PLAN if one.removeprefix(PREFIX) not in NOT_APPLICABLE]
    assert len(applicable) == 62 - len(NOT_APPLICABLE)
    here = unmatched(applicable, sys.modules[__name__])
    assert here == {"test_every_module_of_the_plan_is_a_test_here_or_has_its_reason"}


def refused(response: Response, *errors: str) -> None:
    assert response.status_code in (400, 401), response.content
    assert response.json()["error"] in errors, response.content


def is_page(response: Response) -> bool:
    """An error the app never hears of, for nobody is sent anywhere."""
    return response.status_code == 400 and "Location" not in response


# --- The whole way ---------------------------------------------------------------------------------------------------


def test_discovery_end_point_verification(bank: Bank) -> None:
    """What the metadata have to offer."""
    said = bank.http.get("/.well-known/openid-configuration").json()
    assert said["issuer"] == ISSUER
    assert "private_key_jwt" in said["token_endpoint_auth_methods_supported"]
    assert {"PS256", "ES256", "EdDSA"} <= set(said["token_endpoint_auth_signing_alg_values_supported"])
    assert {"PS256", "ES256", "EdDSA"} <= set(said["dpop_signing_alg_values_supported"])
    assert {"PS256", "ES256", "EdDSA"} <= set(said["id_token_signing_alg_values_supported"])
    assert said["pushed_authorization_request_endpoint"] == f"{ISSUER}{PAR}"
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["authorization_response_iss_parameter_supported"] is True
    assert "code" in said["response_types_supported"]
    assert all(said[name].startswith(ISSUER) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"))


def test_happy_flow(bank: Bank) -> None:
    """Push, sign in, redeem, use; `iss` in the answer, a bound token, an ID token by a strong algorithm."""
    heard = bank.answered(bank.pushed())
    assert (heard["iss"], heard["state"]) == (ISSUER, "the-state")
    answer = bank.redeem(heard["code"]).json()
    claims = claims_of(answer["id_token"])
    assert answer["token_type"] == "DPoP"
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ISSUER, "bank", "the-nonce")
    assert header_of(answer["id_token"])["alg"] in ("PS256", "ES256", "EdDSA")
    assert bank.userinfo(answer["access_token"]).json()["sub"] == claims["sub"]
    assert bank.own_token().json()["token_type"] == "DPoP"


def test_user_rejects_authentication(bank: Bank) -> None:
    """`access_denied`, with `state` and `iss` (F16)."""
    browser = Browser("owner")
    heard = redirected(browser.answer(bank.begin(bank.pushed(), browser), "deny"))
    assert (heard["error"], heard["state"], heard["iss"]) == ("access_denied", "the-state", ISSUER)


def test_ensure_authorization_request_without_state_success(bank: Bank) -> None:
    """No state in, no state out (F14)."""
    heard = bank.answered(bank.pushed(state=None))
    assert "state" not in heard
    assert bank.redeem(heard["code"]).status_code == 200


def test_ensure_authorization_request_without_nonce_success(bank: Bank) -> None:
    """F14."""
    assert "nonce" not in claims_of(bank.tokens(nonce=None)["id_token"])


def test_ensure_authorization_request_with_64_char_nonce_success(bank: Bank) -> None:
    """F14."""
    assert claims_of(bank.tokens(nonce="n" * 64)["id_token"])["nonce"] == "n" * 64


def test_ensure_authorization_request_with_long_nonce(bank: Bank) -> None:
    """384 characters (F14)."""
    assert claims_of(bank.tokens(nonce="n" * 384)["id_token"])["nonce"] == "n" * 384


def test_ensure_authorization_request_with_long_state(bank: Bank) -> None:
    """More than a thousand characters (F14)."""
    state = "s" * 1100
    assert bank.answered(bank.pushed(state=state))["state"] == state


def test_ensure_other_scope_order_succeeds(bank: Bank) -> None:
    """F16."""
    answer = bank.tokens(scope="profile email openid")
    assert set(answer["scope"].split()) == {"openid", "profile", "email"}


def test_test_claims_parameter_identity_claims(bank: Bank) -> None:
    """Single claims by the `claims` parameter, in userinfo and in the ID token."""
    asked = '{"userinfo": {"email": null}, "id_token": {"given_name": null}}'
    answer = bank.tokens(scope="openid profile email", claims=asked)
    assert claims_of(answer["id_token"])["given_name"] == "Olive"
    assert bank.userinfo(answer["access_token"]).json()["email"] == "owner@people.example"


def test_access_token_type_header_case_sensitivity(bank: Bank) -> None:
    """`DPoP`, `dpop` and `DPOP` are one scheme (F15)."""
    token = bank.tokens()["access_token"]
    for scheme in ("DPoP", "dpop", "DPOP", "dPoP"):
        assert bank.userinfo(token, scheme).status_code == 200, scheme


def test_refresh_token(bank: Bank) -> None:
    """It stays: no rotation (F9). It is this client's alone."""
    answer = bank.tokens(scope="openid profile offline_access")
    for _again in range(2):
        renewed = bank.refresh(answer["refresh_token"])
        assert renewed.status_code == 200
        assert "refresh_token" not in renewed.json()
        assert bank.userinfo(renewed.json()["access_token"]).status_code == 200
    other = Bank("other-bank", OTHERS["ES256"])
    refused(other.refresh(answer["refresh_token"]), "invalid_grant")


# --- DPoP ------------------------------------------------------------------------------------------------------------


def test_check_dpop_proof_nbf_exp(bank: Bank) -> None:
    """Claims that a proof need not have, and may."""
    now = int(time.time())
    proof = bank.holder.proof(nbf=now - 10, exp=now + 60)
    assert bank.redeem(bank.code(), proof=proof).status_code == 200


def test_ensure_dpopproof_with_iat_10seconds_before_succeeds(bank: Bank) -> None:
    """F13."""
    proof = bank.holder.proof(iat=int(time.time()) - 10)
    assert bank.redeem(bank.code(), proof=proof).status_code == 200


def test_ensure_dpopproof_with_iat_10seconds_after_succeeds(bank: Bank) -> None:
    """F13."""
    proof = bank.holder.proof(iat=int(time.time()) + 10)
    assert bank.redeem(bank.code(), proof=proof).status_code == 200


def test_ensure_mismatched_dpop_jkt_fails(bank: Bank) -> None:
    """`dpop_jkt` of another key than that of the proof at PAR (F12)."""
    proof = bank.holder.proof(f"{ISSUER}{PAR}")
    refused(bank.push(proof=proof, dpop_jkt=Holder().jkt), "invalid_dpop_proof", "invalid_request")
    weak = Holder.with_key_for("RS256")
    refused(bank.push(proof=weak.proof(f"{ISSUER}{PAR}")), "invalid_dpop_proof")  # F3, there too


def test_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(bank: Bank) -> None:
    """A proof at PAR, and one by another key at the token endpoint (F12)."""
    code = bank.code(proof=bank.holder.proof(f"{ISSUER}{PAR}"))
    refused(bank.redeem(code, proof=Holder().proof()), "invalid_grant", "invalid_dpop_proof")


def test_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(bank: Bank) -> None:
    """`dpop_jkt` at PAR, and a proof by another key at the token endpoint (F12)."""
    code = bank.code(dpop_jkt=bank.holder.jkt)
    refused(bank.redeem(code, proof=Holder().proof()), "invalid_grant", "invalid_dpop_proof")


def test_ensure_dpopproof_at_par_endpoint_binding_success(bank: Bank) -> None:
    """The same key at both."""
    code = bank.code(proof=bank.holder.proof(f"{ISSUER}{PAR}"))
    assert bank.redeem(code).status_code == 200


def test_ensure_dpop_auth_code_binding_success(bank: Bank) -> None:
    """`dpop_jkt`, and a proof by that key."""
    assert bank.redeem(bank.code(dpop_jkt=bank.holder.jkt)).status_code == 200


def test_dpop_negative_tests(bank: Bank) -> None:
    """Each proof at userinfo that must not be believed, and the one beside them that must."""
    token = bank.tokens()["access_token"]
    hour = int(time.time()) + 3600
    wrong: list[dict[str, Any]] = [
        *({name: None} for name in ("typ", "jwk", "jti", "htm", "htu", "iat", "ath")),
        {"typ": "jwt"},
        {"htm": "POST"},
        {"htu": f"{ISSUER}/oauth2/other"},
        {"iat": hour},
        {"iat": hour - 7200},
        {"ath": "x"},
        {"jwk": Holder().public},
        {"jwk": dict(bank.holder.key.export(as_dict=True))},
    ]
    for one in wrong:
        assert bank.userinfo(token, **one).status_code == 401, one
    assert bank.userinfo(token, scheme="Bearer").status_code == 401
    assert bank.userinfo(token, jti="again").status_code == 200
    assert bank.userinfo(token, jti="again").status_code == 401, "once only"
    assert bank.userinfo(token, htu=f"{ISSUER}/oauth2/userinfo?a=b").status_code == 200, "its query says nothing"


def test_ensure_holder_of_key_required(bank: Bank) -> None:
    """No proof, no token: for every grant."""
    errors = ("invalid_dpop_proof", "invalid_request")
    refused(bank.redeem(bank.code(), proof=None), *errors)
    refused(bank.own_token(proof=None), *errors)
    answer = bank.tokens(scope="openid offline_access")
    refused(bank.refresh(answer["refresh_token"], proof=None), *errors)


# --- What stands beside the reference --------------------------------------------------------------------------------


def test_ensure_different_nonce_inside_and_outside_request_object(bank: Bank) -> None:
    """What was pushed counts (F4)."""
    code = bank.answered(bank.pushed(nonce="inside"), nonce="outside")["code"]
    assert claims_of(bank.redeem(code).json()["id_token"])["nonce"] == "inside"


def test_ensure_different_state_inside_and_outside_request_object(bank: Bank) -> None:
    """The same for `state`."""
    assert bank.answered(bank.pushed(state="inside"), state="outside")["state"] == "inside"


def test_state_only_outside_request_object_not_used(bank: Bank) -> None:
    """It was not pushed, so it is not there."""
    assert "state" not in bank.answered(bank.pushed(state=None), state="outside")


def test_par_without_duplicate_parameters(bank: Bank) -> None:
    """`client_id` and `request_uri` alone are enough; nothing else has to be repeated (F4)."""
    assert bank.redeem(bank.answered(bank.pushed())["code"]).status_code == 200


def test_par_authorization_request_containing_request_uri_form_param(bank: Bank) -> None:
    """`request_uri` at the PAR endpoint is refused (P1)."""
    refused(bank.push(request_uri=bank.pushed()), "invalid_request")


def test_par_attempt_invalid_http_method(bank: Bank) -> None:
    """GET pushes nothing."""
    assert bank.http.get(PAR, {"client_id": "bank", "response_type": "code"}).status_code == 405


# --- What a request must be ------------------------------------------------------------------------------------------


def test_ensure_request_object_without_redirect_uri_fails(bank: Bank) -> None:
    """F5."""
    refused(bank.push(redirect_uri=None), "invalid_request")


def test_ensure_redirect_uri_in_authorization_request(bank: Bank) -> None:
    """F5, also without `openid`, where the only registered one would do elsewhere."""
    refused(bank.push(redirect_uri=None, scope="orders.read"), "invalid_request")


def test_ensure_registered_redirect_uri(bank: Bank) -> None:
    """Letter by letter."""
    for uri in (f"{CALLBACK}/more", f"{CALLBACK}?a=b", "https://evil.example/cb"):
        refused(bank.push(redirect_uri=uri), "invalid_request", "invalid_redirect_uri")


def test_plain_fapi_tolerate_unregistered_redirect_uri(bank: Bank) -> None:
    """RFC 9126 section 2.4 lets a provider take it or refuse it: it is refused here (P10)."""
    refused(bank.push(redirect_uri="https://bank.acme.example/not-registered"), "invalid_request")


def test_ensure_unsigned_authorization_request_without_using_par_fails(bank: Bank) -> None:
    """F4."""
    sent = {"client_id": "bank", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid"}
    heard = redirected(Browser("owner").http.get("/oauth2/authorize", sent))
    assert heard["error"] == "invalid_request"
    assert "fapi2" in heard["error_description"]


def test_ensure_response_type_code_idtoken_fails(bank: Bank) -> None:
    """F1."""
    refused(bank.push(response_type="code id_token"), "unsupported_response_type", "invalid_request")


def test_ensure_response_type_token_fails(bank: Bank) -> None:
    """F1."""
    refused(bank.push(response_type="token"), "unsupported_response_type", "invalid_request")


def test_par_ensure_pkce_required(bank: Bank) -> None:
    """F6."""
    refused(bank.push(code_challenge=None, code_challenge_method=None), "invalid_request")


def test_par_plain_pkce_rejected(bank: Bank) -> None:
    """F6."""
    refused(bank.push(code_challenge="v" * 43, code_challenge_method="plain"), "invalid_request")


def test_ensure_pkce_code_verifier_required(bank: Bank) -> None:
    """F6."""
    refused(bank.redeem(bank.code(), code_verifier=None), "invalid_grant", "invalid_request")


def test_incorrect_pkce_code_verifier_rejected(bank: Bank) -> None:
    """F6."""
    refused(bank.redeem(bank.code(), code_verifier="w" * 43), "invalid_grant")


# --- Codes and references: whose they are, and how often -------------------------------------------------------------


def test_ensure_authorization_code_is_bound_to_client(bank: Bank) -> None:
    """Another client that met it has no use for it."""
    other = Bank("other-bank", OTHERS["ES256"])
    refused(other.redeem(bank.code()), "invalid_grant")


def test_attempt_reuse_authorization_code_after_one_second(bank: Bank) -> None:
    """F7."""
    code = bank.code()
    assert bank.redeem(code).status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=1), tick=True):
        refused(bank.redeem(code), "invalid_grant")


def test_ensure_token_endpoint_fails_with_expired_auth_code(bank: Bank) -> None:
    """After a minute (F7)."""
    code = bank.code()
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61), tick=True):
        refused(bank.redeem(code), "invalid_grant")


def test_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(bank: Bank) -> None:
    """Loading it again before the person has answered is no second use (F8)."""
    browser, reference = Browser("owner"), bank.pushed()
    assert bank.begin(reference, browser).status_code == 200
    again = bank.begin(reference, browser)
    assert bank.redeem(redirected(browser.answer(again))["code"]).status_code == 200


def test_par_attempt_reuse_request_uri(bank: Bank) -> None:
    """After that it is (F8)."""
    reference = bank.pushed()
    bank.answered(reference)
    assert is_page(bank.begin(reference))


def test_par_attempt_to_use_expired_request_uri(bank: Bank) -> None:
    """F7: what it says of itself holds."""
    answer = bank.push().json()
    assert answer["expires_in"] < 600
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=answer["expires_in"] + 1), tick=True):
        assert is_page(bank.begin(answer["request_uri"]))


def test_par_attempt_to_use_request_uri_for_different_client(bank: Bank) -> None:
    """It is its client's (G3)."""
    assert is_page(bank.begin(bank.pushed(), client_id="other-bank"))


# --- Client authentication -------------------------------------------------------------------------------------------


def check_assertion(bank: Bank, error: str = "invalid_client", **wrong: Any) -> None:
    """Refused at both endpoints."""
    refused(bank.push(assertion=bank.assertion(**wrong)), error, "invalid_request")
    refused(bank.own_token(assertion=bank.assertion(**wrong)), error, "invalid_request")


def test_ensure_client_id_in_token_endpoint(bank: Bank) -> None:
    """Another `client_id` in the body than the one that signed."""
    refused(bank.redeem(bank.code(), client_id="other-bank"), "invalid_client", "invalid_request")


def test_ensure_client_assertion_in_token_endpoint(bank: Bank) -> None:
    """Without it there is nothing."""
    refused(bank.redeem(bank.code(), client_assertion=None), "invalid_client", "invalid_request")
    nothing = {"client_assertion": None, "client_assertion_type": None}
    refused(bank.redeem(bank.code(), **nothing), "invalid_client")


def test_ensure_signed_client_assertion_with_RS256_fails(bank: Bank) -> None:  # noqa: N802 - the name of the module
    """F3."""
    Client.objects.filter(client_id="bank").update(jwks={"keys": [public(RSA, kid="rsa")]})
    rsa = Bank(key=RSA, algorithm="PS256")
    assert rsa.own_token().status_code == 200
    check_assertion(Bank(key=RSA, algorithm="RS256"))


def test_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(bank: Bank) -> None:
    """F13."""
    check_assertion(bank, exp=int(time.time()) - 300)


def test_ensure_client_assertion_with_wrong_aud_fails(bank: Bank) -> None:
    """F2."""
    check_assertion(bank, aud="https://other.example")


def test_ensure_client_assertion_with_no_sub_fails(bank: Bank) -> None:
    """A2."""
    check_assertion(bank, sub=None)


def test_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(bank: Bank) -> None:
    """F13."""
    assert bank.push(assertion=bank.assertion(nbf=int(time.time()) + 8)).status_code == 201


def test_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(bank: Bank) -> None:
    """F13."""
    check_assertion(bank, nbf=int(time.time()) + 65)


def test_par_test_array_as_audience_fails(bank: Bank) -> None:
    """F2: a text, although elsewhere an array of one does."""
    check_assertion(bank, aud=[ISSUER])


def test_par_test_par_endpoint_url_as_audience_fails(bank: Bank) -> None:
    """F2, P9."""
    check_assertion(bank, aud=f"{ISSUER}{PAR}")


def test_par_test_token_endpoint_url_as_audience_fails(bank: Bank) -> None:
    """F2."""
    check_assertion(bank, aud=f"{ISSUER}{TOKEN}")
