"""Tokens bound to a key (DPoP, RFC 9449) or a certificate (RFC 8705): who shows them has to prove it."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from jwcrypto import jwk
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from vestibule_verifier import (
    IntrospectionVerifier,
    Invalid,
    InvalidProof,
    LocalVerifier,
    NonceNeeded,
    Nonces,
    Proofs,
    Provider,
    ReplayMemory,
    Sender,
)
from vestibule_verifier.django import require_access_token
from vestibule_verifier.replays import WINDOW
from vestibule_verifier.rest_framework import AccessTokenAuthentication, HasScope
from vestibule_verifier.rest_framework_nonces import exception_handler
from vestibule_verifier.sender import MAX_AGE, normalized

from tests.holder import URL, Holder
from tests.provider import ORDERS, Clock, TestProvider, signed


@pytest.fixture
def holder() -> Holder:
    return Holder()


@pytest.fixture
def token(provider: TestProvider, holder: Holder) -> str:
    return signed(provider.access_claims(cnf=holder.cnf))


def sent(proof: str | None, scheme: str = "dpop", **other: Any) -> Sender:
    return Sender(**{"method": "GET", "url": URL, "scheme": scheme, "proof": proof, **other})


def test_the_holder_of_the_key_is_let_in(local: LocalVerifier, holder: Holder, token: str) -> None:
    assert local.verify(token, sender=sent(holder.proof(token))).subject == "9b2f2f9a-person"
    assert local.verify(token, sender=sent(holder.proof(token, f"{URL}?x#y")))


def test_after_introspection_too(provider: TestProvider, holder: Holder) -> None:
    verifier = IntrospectionVerifier(Provider(provider.issuer), ORDERS, client_id="api", client_secret="x")
    provider.active(cnf=holder.cnf, token_type="DPoP")
    assert verifier.verify("opaque", sender=sent(holder.proof("opaque")))
    with pytest.raises(Invalid, match="scheme DPoP"):
        verifier.verify("opaque", sender=sent(None, "bearer"))


@pytest.mark.parametrize("name", ["typ", "alg", "jwk", "jti", "htm", "htu", "iat", "ath"])
@pytest.mark.parametrize("value", [None, 7, "", [], "x"], ids=repr)
def test_every_member_counts(local: LocalVerifier, holder: Holder, token: str, name: str, value: Any) -> None:
    """D14, G9."""
    if (name, value) == ("jti", "x"):
        return  # a name like any other
    with pytest.raises(InvalidProof):
        local.verify(token, sender=sent(holder.proof(token, **{name: value})))


@pytest.mark.parametrize(
    "other",
    [
        {"htm": "get"},
        {"htu": "https://api.acme.example/orders/8"},
        {"htu": "https://evil.example/orders/7"},
        {"iat": 1},
        {"crit": ["x"]},
        {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
        {"jwk": {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}},
        {"iat": True},
    ],
    ids=str,
)
def test_a_proof_of_something_else_is_none(local: LocalVerifier, holder: Holder, token: str, other: Any) -> None:
    with pytest.raises(InvalidProof):
        local.verify(token, sender=sent(holder.proof(token, **other)))


def test_a_private_key_in_the_header_is_refused(local: LocalVerifier, holder: Holder, token: str) -> None:
    """D1."""
    with pytest.raises(InvalidProof, match="public"):
        local.verify(token, sender=sent(holder.proof(token, jwk=json.loads(holder.key.export_private()))))


@pytest.mark.parametrize("proof", [None, "", "x", "a.b.c", "a.b.c.d", "," * 9000, "\ud800.x.y", "\u00e9"])
def test_rubbish_is_no_proof(local: LocalVerifier, token: str, proof: str | None) -> None:
    with pytest.raises(InvalidProof):
        local.verify(token, sender=sent(proof))


def test_two_headers_are_no_proof(local: LocalVerifier, holder: Holder, token: str) -> None:
    """D2."""
    with pytest.raises(InvalidProof):
        local.verify(token, sender=sent(f"{holder.proof(token)},{holder.proof(token)}"))


def test_the_key_of_somebody_else_is_another(local: LocalVerifier, token: str) -> None:
    with pytest.raises(Invalid, match="another key"):
        local.verify(token, sender=sent(Holder().proof(token)))


def test_schemes_go_with_tokens(provider: TestProvider, local: LocalVerifier, holder: Holder, token: str) -> None:
    """D10."""
    with pytest.raises(Invalid, match="scheme DPoP"):
        local.verify(token, sender=sent(holder.proof(token), "bearer"))
    unbound = signed(provider.access_claims())
    with pytest.raises(Invalid, match="scheme Bearer"):
        local.verify(unbound, sender=sent(holder.proof(unbound)))
    assert local.verify(unbound, sender=sent(None, "bearer"))


@pytest.mark.parametrize("cnf", [{}, [], "", {"kid": "x"}, {"jkt": 7}, {"jkt": "\u00e9"}, {"x5t#S256": ""}])
def test_a_binding_that_nobody_can_prove_lets_nobody_in(
    provider: TestProvider, local: LocalVerifier, holder: Holder, cnf: Any
) -> None:
    token = signed(provider.access_claims(cnf=cnf))
    for scheme in ("dpop", "bearer"):
        with pytest.raises(Invalid):
            local.verify(token, sender=sent(holder.proof(token), scheme))


def test_a_proof_works_once(local: LocalVerifier, holder: Holder, token: str) -> None:
    """D5."""
    proof = holder.proof(token)
    assert local.verify(token, sender=sent(proof))
    with pytest.raises(InvalidProof, match="used already"):
        local.verify(token, sender=sent(proof))


def test_processes_may_share_a_store(provider: TestProvider, holder: Holder, token: str) -> None:
    names: dict[str, float] = {}

    class Shared:
        def first_use(self, name: str, seconds: float) -> bool:
            return names.setdefault(name, seconds) == seconds and len(names) == 1 and not names.pop("seen", None)

    one, two = (LocalVerifier(Provider(provider.issuer), ORDERS, proofs=Proofs(replays=Shared())) for _ in range(2))
    one.verify(token, sender=sent(holder.proof(token, jti="same")))
    assert [*names.values()] > [MAX_AGE], "remembered for longer than it is fresh"
    with pytest.raises(InvalidProof):
        two.verify(token, sender=sent(holder.proof(token, jti="other")))


def test_the_memory_is_bounded_and_forgets_nothing_that_counts() -> None:
    clock = Clock()
    memory = ReplayMemory(2, clock)
    assert [memory.first_use(name, 10) for name in ("a", "a", "b", "c")] == [True, False, True, False]
    clock.now += 10
    assert [memory.first_use(name, 10) for name in ("c", "a")] == [True, True]


def test_nonces_are_of_this_window_or_the_one_before() -> None:
    """D6."""
    clock = Clock()
    clock.now = 10 * WINDOW
    nonces, others = Nonces("s" * 32, clock), Nonces("t" * 32, clock)
    nonce = nonces.fresh()
    assert nonces.knows(nonce)
    assert not others.knows(nonce)
    clock.now += WINDOW
    assert nonces.knows(nonce)
    clock.now += WINDOW
    assert not nonces.knows(nonce)
    assert not nonces.knows("\u00e9")
    with pytest.raises(ValueError, match="32"):
        Nonces("short")


def test_a_demanded_nonce_is_given(provider: TestProvider, holder: Holder, token: str) -> None:
    verifier = LocalVerifier(Provider(provider.issuer), ORDERS, proofs=Proofs(nonces=Nonces("s" * 32)))
    for nonce in (None, "x", 7):
        with pytest.raises(NonceNeeded) as refused:
            verifier.verify(token, sender=sent(holder.proof(token, nonce=nonce)))
    assert verifier.verify(token, sender=sent(holder.proof(token, nonce=refused.value.nonce)))


def test_no_proof_is_signed_with_rs256(provider: TestProvider, local: LocalVerifier) -> None:
    """The provider takes none either."""
    holder = Holder(jwk.JWK.generate(kty="RSA", size=2048), "RS256")
    token = signed(provider.access_claims(cnf=holder.cnf))
    with pytest.raises(InvalidProof):
        local.verify(token, sender=sent(holder.proof(token)))


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
def test_every_algorithm_of_the_provider(provider: TestProvider, local: LocalVerifier, algorithm: str) -> None:
    kinds = {"ES256": {"kty": "EC", "crv": "P-256"}, "EdDSA": {"kty": "OKP", "crv": "Ed25519"}}
    holder = Holder(jwk.JWK.generate(**kinds.get(algorithm, {"kty": "RSA", "size": 2048})), algorithm)
    token = signed(provider.access_claims(cnf=holder.cnf))
    assert local.verify(token, sender=sent(holder.proof(token)))


def test_urls_are_compared_as_urls() -> None:
    """D3."""
    assert normalized("HTTPS://API.acme.example:443/Orders?x#y") == "https://api.acme.example/Orders"
    assert normalized("https://api.acme.example") == "https://api.acme.example/"
    for wrong in (
        "/orders",
        "ftp://a/",
        "https://a@b/",
        "https://a:x/",
        "https://[/",
        "https://a/\n",
        "https://\u00e9/",
    ):
        assert normalized(wrong) == ""


# --- Certificates ----------------------------------------------------------------------------------------------------

DER = b"a certificate"
PEM = "-----BEGIN CERTIFICATE-----\n" + base64.b64encode(DER).decode() + "\n-----END CERTIFICATE-----\n"
X5T = base64.urlsafe_b64encode(hashlib.sha256(DER).digest()).rstrip(b"=").decode()


@pytest.mark.parametrize("certificate", [DER, PEM, PEM.encode()], ids=["DER", "PEM", "PEM as bytes"])
def test_the_certificate_of_the_connection_is_the_one_it_is_bound_to(
    provider: TestProvider, local: LocalVerifier, certificate: Any
) -> None:
    token = signed(provider.access_claims(cnf={"x5t#S256": X5T}))
    assert local.verify(token, sender=sent(None, "bearer", certificate=certificate))
    for wrong in (None, b"another", "", "-----BEGIN", "\u00e9\n\u00e9\n\u00e9"):
        with pytest.raises(Invalid, match="certificate"):
            local.verify(token, sender=sent(None, "bearer", certificate=wrong))


# --- Adapters --------------------------------------------------------------------------------------------------------


def ask(view: Any, token: str, proof: str | None, factory: Any = None, scheme: str = "DPoP") -> Any:
    headers = {"authorization": f"{scheme} {token}", **({"dpop": proof} if proof is not None else {})}
    response = view((factory or RequestFactory()).get("/orders/7?page=2", headers=headers))
    if hasattr(response, "render"):
        response.render()
    return response


@pytest.fixture(params=["django", "drf"])
def view(request: Any, settings: Any, local: LocalVerifier) -> Any:
    settings.ACCESS_TOKEN_VERIFIER = local
    settings.ACCESS_TOKEN_BASE_URL = "https://api.acme.example"

    @require_access_token(scope="orders.read")
    def orders(request: HttpRequest) -> HttpResponse:
        return HttpResponse("fine")

    class Orders(APIView):
        def get_exception_handler(self) -> Any:
            return exception_handler

        authentication_classes = [AccessTokenAuthentication]
        permission_classes: list[Any] = [HasScope("orders.read")]

        def get(self, request: Any) -> Response:
            return Response("fine")

    return orders if request.param == "django" else Orders.as_view()


def asked(view: Any, token: str, proof: str | None, scheme: str = "DPoP") -> Any:
    return ask(view, token, proof, APIRequestFactory() if hasattr(view, "cls") else RequestFactory(), scheme)


def test_a_view_lets_the_holder_in(view: Any, holder: Holder, token: str) -> None:
    proof = holder.proof(token)
    assert asked(view, token, proof).status_code == 200
    again = asked(view, token, proof)
    assert again.status_code == 401
    assert again["WWW-Authenticate"].startswith('DPoP realm="api", algs="ES256 ')
    assert 'error="invalid_dpop_proof"' in again["WWW-Authenticate"]


def test_a_view_refuses_a_stolen_token(view: Any, token: str, settings: Any) -> None:
    for proof, scheme in ((None, "DPoP"), (Holder().proof(token), "DPoP"), (None, "Bearer")):
        response = asked(view, token, proof, scheme)
        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith(f"{scheme} realm=")


def test_the_host_header_says_nothing(view: Any, holder: Holder, token: str) -> None:
    """D3."""
    assert asked(view, token, holder.proof(token, "http://testserver/orders/7")).status_code == 401


def test_without_the_setting_django_says_where_it_is(view: Any, holder: Holder, token: str, settings: Any) -> None:
    del settings.ACCESS_TOKEN_BASE_URL
    settings.ALLOWED_HOSTS = ["testserver"]
    assert asked(view, token, holder.proof(token, "http://testserver/orders/7")).status_code == 200


def test_a_view_gets_the_certificate_from_a_function(view: Any, provider: TestProvider, settings: Any) -> None:
    token = signed(provider.access_claims(cnf={"x5t#S256": X5T}))
    assert asked(view, token, None, "Bearer").status_code == 401
    settings.ACCESS_TOKEN_CERTIFICATE = lambda request: PEM if request.path == "/orders/7" else None
    assert asked(view, token, None, "Bearer").status_code == 200


def test_a_view_gives_the_nonce(view: Any, provider: TestProvider, holder: Holder, token: str, settings: Any) -> None:
    proofs = Proofs(nonces=Nonces("s" * 32))
    settings.ACCESS_TOKEN_VERIFIER = LocalVerifier(Provider(provider.issuer), ORDERS, proofs=proofs)
    refused = asked(view, token, holder.proof(token))
    assert 'error="use_dpop_nonce"' in refused["WWW-Authenticate"]
    assert asked(view, token, holder.proof(token, nonce=refused["DPoP-Nonce"])).status_code == 200
