"""`private_key_jwt` at every endpoint that clients authenticate at: rules A1 to A6 of RFC 10070 and RFC 7523."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from clients.models import Client, FirstUse
from common import jws
from idp import checks
from provider import client_assertion
from provider.client_authentication import authenticate
from provider.protocol.errors import InvalidClient, Refusal, TemporarilyUnavailable
from provider.protocol.request import Params
from provider.store import replay
from tests.foreign_keys import KEYS, OTHERS, public, signed
from tests.provider.assertions import KID, TYPE, assertion, claims, proving, registered, token_request
from tests.world import ISSUER, App, basic

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]

ENDPOINTS = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"]
ADDRESS = "192.0.2.1"


def refused(token: str, **more: Any) -> tuple[int, str, str]:
    answer = token_request(token, **more)
    body = answer.json()
    return answer.status_code, body["error"], body["error_description"]


WRONG = (401, "invalid_client", "Client authentication failed.")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_client_proves_itself_at_every_endpoint(path: str) -> None:
    registered()
    assert token_request(assertion(), path).status_code == 200
    assert token_request(assertion(), path, client_id="service").status_code == 200
    assert token_request(signed(OTHERS["ES256"], "ES256", claims(), kid=KID), path).status_code == 401


@pytest.mark.parametrize("algorithm", KEYS)
def test_with_every_algorithm_a5(algorithm: str) -> None:
    registered("service", public(KEYS[algorithm], kid=KID))
    assert token_request(assertion(algorithm=algorithm)).status_code == 200


AUDIENCES = {
    "the token endpoint": f"{ISSUER}/oauth2/token",
    "the PAR endpoint": f"{ISSUER}/oauth2/par",
    "the introspection endpoint": f"{ISSUER}/oauth2/introspect",
    "a slash more": f"{ISSUER}/",
    "somebody else": "https://other.example",
    "both": [ISSUER, f"{ISSUER}/oauth2/token"],
    "nobody": [],
    "a number": 1,
    "missing": None,
}


@pytest.mark.parametrize("name", AUDIENCES)
def test_it_is_for_the_issuer_alone_a1(name: str) -> None:
    registered()
    status, error, why = refused(assertion(aud=AUDIENCES[name]))
    assert (status, error) == (401, "invalid_client")
    assert "aud has to be the issuer" in why


def test_programs_that_name_the_token_endpoint_are_heard_where_the_deployment_says_so_a1(settings: Any) -> None:
    registered()
    old = f"{ISSUER}/oauth2/token"
    assert [one.id for one in checks.legacy_assertion_audience(None)] == []
    settings.IDP_LEGACY_ASSERTION_AUDIENCE = True
    assert [one.id for one in checks.legacy_assertion_audience(None)] == ["idp.W013"]
    assert token_request(assertion(aud=old)).status_code == 200
    assert token_request(assertion(aud=[old])).status_code == 200
    for other in (f"{ISSUER}/oauth2/par", f"{old}/", [ISSUER, old], "https://other.example/oauth2/token"):
        assert refused(assertion(aud=other))[:2] == (401, "invalid_client")
    Client.objects.filter(client_id="service").update(profile="fapi2", dpop_bound_access_tokens=True)
    assert refused(assertion(aud=old))[:2] == (401, "invalid_client")


def test_one_element_of_an_array_will_do_a1() -> None:
    registered()
    assert token_request(assertion(aud=[ISSUER])).status_code == 200


@pytest.mark.parametrize(
    ("others", "why"),
    [
        pytest.param({"sub": None}, "sub is missing", id="A2-no-sub"),
        pytest.param({"iss": None}, "iss is missing", id="A2-no-iss"),
        pytest.param({"sub": "web"}, "iss and sub", id="A2-another-sub"),
        pytest.param({"iss": "web"}, "iss and sub", id="A2-another-iss"),
        pytest.param({"exp": None}, "exp is missing", id="A2-no-exp"),
        pytest.param({"exp": 1}, "exp is over", id="A2-over"),
        pytest.param({"exp": 99_999_999_999}, "exp is too far", id="A2-long"),
        pytest.param({"nbf": 99_999_999_999}, "nbf is in the future", id="A2-nbf"),
        pytest.param({"iat": 99_999_999_999}, "iat is in the future", id="A2-iat"),
        pytest.param({"jti": None}, "jti is missing", id="A4-no-jti"),
        pytest.param({"jti": ""}, "jti is missing", id="A4-empty-jti"),
        pytest.param({"jti": 1}, "jti is missing", id="G9-jti-is-a-number"),
        pytest.param({"jti": ["x"]}, "jti is missing", id="G9-jti-is-a-list"),
        pytest.param({"jti": "x" * 513}, "jti is missing", id="A4-long-jti"),
        pytest.param({"iss": 1, "sub": 1}, "iss is missing", id="G9-iss-is-a-number"),
        pytest.param({"exp": "soon"}, "exp is not a number", id="G9-exp-is-a-text"),
    ],
)
def test_claims_that_do_not_hold_are_named(others: dict[str, Any], why: str) -> None:
    registered()
    status, error, said = refused(assertion(**others))
    assert (status, error) == (401, "invalid_client")
    assert why in said
    assert not FirstUse.objects.exists(), "nothing is remembered of it"


@pytest.mark.parametrize("typ", [None, "JWT", "client-authentication+jwt", "application/client-authentication+jwt"])
def test_types_that_are_taken_a3(typ: str | None) -> None:
    registered()
    assert token_request(assertion(typ=typ)).status_code == 200


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "oauth-id-jag+jwt", "logout+jwt", "oauth-authz-req+jwt", 1])
def test_other_statements_prove_nothing_a3(typ: Any) -> None:
    registered()
    status, error, why = refused(assertion(typ=typ))
    assert (status, error) == (401, "invalid_client")
    assert "typ says that it is something else" in why


def test_each_proves_once_at_whatever_endpoint_a4() -> None:
    registered()
    token = assertion()
    assert token_request(token).status_code == 200
    for path in ENDPOINTS:
        answer = token_request(token, path)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert "used before" in answer.json()["error_description"]


def test_the_same_jti_of_another_client_is_another_a4() -> None:
    registered("service")
    registered("web")
    assert token_request(assertion("service", jti="same")).status_code == 200
    assert token_request(assertion("web", jti="same")).status_code == 200


def test_who_cannot_sign_uses_nothing_up_a4() -> None:
    registered()
    forged = signed(OTHERS["ES256"], "ES256", claims(jti="mine"), kid=KID)
    assert refused(forged) == WRONG
    assert token_request(assertion(jti="mine")).status_code == 200


def test_nothing_is_taken_while_uses_cannot_be_remembered_a4(monkeypatch: pytest.MonkeyPatch) -> None:
    registered()

    def away(*_what: object) -> bool:
        raise TemporarilyUnavailable("away")

    monkeypatch.setattr(client_assertion, "first_use", away)
    answer = token_request(assertion())
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


def test_the_algorithm_is_the_registered_one_a5() -> None:
    registered("service", public(KEYS["PS256"], kid=KID), token_endpoint_auth_signing_alg="PS256")
    assert refused(assertion(algorithm="RS256")) == WRONG
    assert token_request(assertion(algorithm="PS256")).status_code == 200


def test_two_keys_at_once_a5() -> None:
    registered("service", public(KEYS["ES256"], kid="old"), public(OTHERS["ES256"], kid="new"))
    for key, kid in ((KEYS["ES256"], "old"), (OTHERS["ES256"], "new")):
        assert token_request(signed(key, "ES256", claims(), kid=kid)).status_code == 200
    assert refused(signed(OTHERS["ES256"], "ES256", claims(), kid="old")) == WRONG
    registered("service", public(OTHERS["ES256"], kid="new"))
    assert refused(signed(KEYS["ES256"], "ES256", claims(), kid="old")) == WRONG


@pytest.mark.parametrize("path", ENDPOINTS)
def test_one_way_per_request_a6(path: str) -> None:
    registered()
    form = proving(assertion(), grant_type="client_credentials", token="x")
    for more, header in (
        ({"client_id": "service", "client_secret": "service-secret"}, None),
        ({}, basic("service", "service-secret")),
        ({}, basic("service", "")),
    ):
        answer = App("").post(path, {**form, **more}, auth=header)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert "one way" in answer.json()["error_description"]


def test_no_secret_works_for_a_client_with_a_key_and_no_key_for_one_with_a_secret_a6() -> None:
    form = {"grant_type": "client_credentials"}
    Client.objects.filter(client_id="web").update(jwks={"keys": [public(KEYS["ES256"], kid=KID)]})
    assert refused(assertion("web")) == WRONG
    registered("service")
    for auth in (basic("service", "service-secret"), None):
        more = {} if auth else {"client_id": "service", "client_secret": "service-secret"}
        answer = App("service").post("/oauth2/token", {**form, **more}, auth=auth)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert App("").post("/oauth2/token", {**form, "client_id": "service"}, auth=None).status_code == 401
    Client.objects.filter(client_id="spa").update(jwks={"keys": [public(KEYS["ES256"], kid=KID)]})
    assert refused(assertion("spa")) == WRONG


def test_nobody_learns_which_clients_there_are() -> None:
    """An unknown client, one without keys, a wrong key, a key of another ID, a disabled client: one answer."""
    registered()
    registered("retired")
    wrong = [
        assertion("nobody"),
        assertion("x" * 300),
        assertion("stranger"),
        assertion("retired"),
        signed(OTHERS["ES256"], "ES256", claims(), kid=KID),
        signed(KEYS["ES256"], "ES256", claims(), kid="other"),
        assertion(algorithm="EdDSA"),
    ]
    assert {refused(token) for token in wrong} == {WRONG}


def test_client_id_in_the_body_has_to_agree_a2() -> None:
    registered()
    assert refused(assertion(), client_id="web")[:2] == (400, "invalid_request")


@pytest.mark.parametrize(
    "form",
    [
        {"client_assertion": "x"},
        {"client_assertion_type": TYPE},
        {"client_assertion": "x", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
    ],
)
def test_half_of_it_is_a_mistake(form: dict[str, str]) -> None:
    answer = App("").post("/oauth2/token", {"grant_type": "client_credentials", **form}, auth=None)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "client_assertion_type" in answer.json()["error_description"]


@pytest.mark.parametrize("forge", ["none", "HS256 with the public key", "another payload", "no signature", "long"])
def test_forgeries_prove_nothing(forge: str) -> None:
    registered()
    genuine = assertion()
    head, body, proof = genuine.split(".")
    forged = {
        "none": f"{jws.encode(json.dumps({'alg': 'none', 'kid': KID}).encode())}.{body}.{proof}",
        "HS256 with the public key": f"{jws.encode(json.dumps({'alg': 'HS256', 'kid': KID}).encode())}.{body}.{proof}",
        "another payload": f"{head}.{jws.encode(json.dumps(claims()).encode())}.{proof}",
        "no signature": f"{head}.{body}.",
        "long": assertion(x="x" * 4_096),
    }[forge]
    assert refused(forged)[:2] == (401, "invalid_client")
    assert token_request(genuine).status_code == 200


def test_it_costs_one_write_more_and_no_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    registered()
    monkeypatch.setattr(replay, "CLEARED_EVERY", 10**9)
    token_request(assertion())
    seen: list[str] = []

    def watch(execute: Callable[..., Any], statement: str, *others: Any) -> Any:
        seen.append(statement.split()[0])
        return execute(statement, *others)

    with connection.execute_wrapper(watch):
        authenticate(Params([*proving(assertion()).items()]), None, ADDRESS)
    assert [one for one in seen if one not in ("SELECT", "SAVEPOINT", "RELEASE")] == ["INSERT"]


def test_a_failure_leaves_a_trace_with_the_client_and_no_assertion() -> None:
    """As every refusal does (`provider.trace`)."""
    registered()
    forged = signed(OTHERS["ES256"], "ES256", claims(), kid=KID)
    with pytest.raises(InvalidClient) as error:
        authenticate(Params([*proving(forged).items()]), None, ADDRESS)
    assert error.value.step == "client_authentication"
    assert forged not in str(error.value)


def reads(parameters: list[tuple[str, str]]) -> None:
    with contextlib.suppress(Refusal):
        authenticate(Params(parameters), None, ADDRESS)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
odd_claims = st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]), json_values)
odd_headers = st.dictionaries(st.sampled_from(["kid", "typ", "jwk", "x"]), json_values)


@given(st.text(max_size=100))
def test_whatever_text_is_asserted_there_is_an_answer(text: str) -> None:
    reads([("client_assertion", text), ("client_assertion_type", TYPE)])


@given(odd_claims, odd_headers)
def test_whatever_is_signed_there_is_an_answer(odd: dict[str, Any], header: dict[str, Any]) -> None:
    registered()
    token = signed(KEYS["ES256"], "ES256", {**claims(), **odd}, **{"kid": KID, **header})
    reads([("client_assertion", token), ("client_assertion_type", TYPE)])
