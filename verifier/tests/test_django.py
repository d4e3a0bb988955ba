"""The decorator for Django views: what gets through, and what the others are told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.test import AsyncRequestFactory, RequestFactory
from django.urls import Resolver404
from django.urls.resolvers import RegexPattern, URLResolver
from vestibule_verifier import IDTokenVerifier, LocalVerifier, ProtectedResource, Provider
from vestibule_verifier.django import metadata_urls, require_access_token

from tests.holder import Holder
from tests.provider import KEYS, ORDERS, TestProvider, signed


@pytest.fixture(autouse=True)
def _configured(settings: Any, local: LocalVerifier) -> None:
    settings.ACCESS_TOKEN_VERIFIER = local


@require_access_token(scope="orders.read")
def orders(request: HttpRequest, number: int = 0) -> HttpResponse:
    return HttpResponse(f"{request.access_token.subject} {number}")  # type: ignore[attr-defined]


def call(view: Any, header: str | None, **kwargs: Any) -> HttpResponse:
    headers = {"authorization": header} if header is not None else {}
    response: HttpResponse = view(RequestFactory().get("/", headers=headers), **kwargs)
    return response


def told(response: HttpResponse) -> tuple[int, str, str | None]:
    assert response["Cache-Control"] == "no-store"
    return response.status_code, json.loads(response.content)["error"], response.get("WWW-Authenticate")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_good_token_reaches_the_view(provider: TestProvider, scheme: str) -> None:
    response = call(orders, f"{scheme} {signed(provider.access_claims())}", number=7)
    assert (response.status_code, response.content) == (200, b"9b2f2f9a-person 7")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic d2ViOnNlY3JldA==", "Bearerx y"])
def test_without_a_token_the_challenge_names_no_error(header: str | None) -> None:
    assert told(call(orders, header)) == (401, "invalid_token", 'Bearer realm="api"')


def test_a_token_in_the_address_or_the_form_is_not_looked_for(provider: TestProvider) -> None:
    token = signed(provider.access_claims())
    for request in (
        RequestFactory().get("/", {"access_token": token}),
        RequestFactory().post("/", {"access_token": token}),
    ):
        assert orders(request).status_code == 401


@pytest.mark.parametrize("extra", ["x", " x", ", Bearer y", "\n", "\0", "\ud800"])
def test_a_bad_token_is_told_why(provider: TestProvider, extra: str) -> None:
    header = f"Bearer x{signed(provider.access_claims())}{extra}"
    assert told(call(orders, header)) == (
        401,
        "invalid_token",
        'Bearer realm="api", error="invalid_token", '
        'error_description="The token is malformed, or this provider did not sign it."',
    )


def test_a_missing_scope_is_named(provider: TestProvider) -> None:
    assert told(call(orders, f"Bearer {signed(provider.access_claims(scope='openid'))}")) == (
        403,
        "insufficient_scope",
        'Bearer realm="api", error="insufficient_scope", '
        'error_description="The access token needs the scope orders.read.", scope="orders.read"',
    )


def test_an_outage_is_no_verdict_and_tells_nothing_of_the_inside(
    provider: TestProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.fail(KEYS)
    token = signed(provider.access_claims())
    response = call(orders, f"Bearer {token}")
    assert told(response) == (503, "temporarily_unavailable", None)
    assert response["Retry-After"] == "5"
    assert json.loads(response.content)["error_description"] == "Tokens cannot be checked at the moment. Try again."
    assert "status 500" in caplog.text, "the API's own log says why"
    assert token not in caplog.text


def test_a_view_may_be_another_api(provider: TestProvider) -> None:
    view = require_access_token(audience=iter(["urn:acme:queue"]))(lambda _request: HttpResponse("queue"))
    for _ in range(2):
        assert call(view, f"Bearer {signed(provider.access_claims(aud='urn:acme:queue'))}").status_code == 200
    assert call(view, f"Bearer {signed(provider.access_claims())}").status_code == 401


def test_a_view_may_have_its_own_verifier(provider: TestProvider, settings: Any) -> None:
    settings.ACCESS_TOKEN_VERIFIER = None
    view = require_access_token(verifier=LocalVerifier(Provider(provider.issuer), ORDERS))(
        lambda _request: HttpResponse("fine")
    )
    assert call(view, f"Bearer {signed(provider.access_claims())}").status_code == 200


def test_no_verifier_or_one_for_id_tokens_lets_nobody_in(provider: TestProvider, settings: Any) -> None:
    for wrong in (None, "vestibule_verifier", IDTokenVerifier(Provider(provider.issuer), "orders-api", ["web"])):
        settings.ACCESS_TOKEN_VERIFIER = wrong
        with pytest.raises(ImproperlyConfigured, match="ACCESS_TOKEN_VERIFIER"):
            call(orders, "Bearer x")
    del settings.ACCESS_TOKEN_VERIFIER
    with pytest.raises(ImproperlyConfigured, match="ACCESS_TOKEN_VERIFIER"):
        call(orders, "Bearer x")


def test_a_scope_that_cannot_be_one_is_found_when_the_view_is_written() -> None:
    with pytest.raises(ValueError, match="no scope has"):
        require_access_token(scope='a" b')


def test_a_coroutine_is_guarded_too(provider: TestProvider) -> None:
    @require_access_token(scope="orders.read")
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.access_token.subject)  # type: ignore[attr-defined]

    def ask(token: str) -> HttpResponse:
        request = AsyncRequestFactory().get("/", headers={"authorization": f"Bearer {token}"})
        return asyncio.run(view(request))

    assert ask(signed(provider.access_claims())).content == b"9b2f2f9a-person"
    assert ask(signed(provider.access_claims(scope="openid"))).status_code == 403
    assert ask("x").status_code == 401


def test_apps_post_without_a_csrf_cookie(provider: TestProvider) -> None:
    def unguarded(request: HttpRequest) -> HttpResponse:
        return HttpResponse("form")

    request = RequestFactory().post("/")
    check = CsrfViewMiddleware(lambda _request: HttpResponse())
    assert check.process_view(request, orders, (), {}) is None
    refusal = check.process_view(request, unguarded, (), {})
    assert refusal is not None
    assert refusal.status_code == 403


# --- An API that apps find by themselves (RFC 9728) ----------------------------------------------------------------

DOCUMENT = "/.well-known/oauth-protected-resource/orders"
DESCRIBED = f'resource_metadata="https://api.acme.example{DOCUMENT}"'


@pytest.fixture
def resource(settings: Any, local: LocalVerifier) -> ProtectedResource:
    del settings.ACCESS_TOKEN_VERIFIER
    settings.ACCESS_TOKEN_RESOURCE = ProtectedResource(local, scopes=["orders.read"])
    found: ProtectedResource = settings.ACCESS_TOKEN_RESOURCE
    return found


def served(path: str, method: str = "get") -> HttpResponse:
    match = URLResolver(RegexPattern("^/"), metadata_urls()).resolve(path)
    response: HttpResponse = match.func(getattr(RequestFactory(headers={"host": "evil.example"}), method)(path))
    return response


def test_the_document_is_served_to_everybody_with_or_without_a_slash(resource: ProtectedResource) -> None:
    for path in (DOCUMENT, f"{DOCUMENT}/"):
        response = served(path)
        assert (json.loads(response.content), response["Access-Control-Allow-Origin"]) == (resource.document, "*")
    assert served(DOCUMENT, "options")["Access-Control-Allow-Headers"] == "*"
    assert served(DOCUMENT, "post").status_code == 405
    with pytest.raises(Resolver404):
        served(f"{DOCUMENT}/7")


def test_refusals_lead_to_the_document(resource: ProtectedResource, provider: TestProvider) -> None:
    assert told(call(orders, None))[2] == f'Bearer realm="api", scope="orders.read", {DESCRIBED}'
    assert told(call(orders, "Bearer x"))[2] == (
        'Bearer realm="api", error="invalid_token", '
        'error_description="The token is malformed, or this provider did not sign it.", '
        f'scope="orders.read", {DESCRIBED}'
    )
    missing = told(call(orders, f"Bearer {signed(provider.access_claims(scope='openid'))}"))
    assert str(missing[2]).endswith(f'scope="openid orders.read", {DESCRIBED}')


def test_a_view_that_is_another_api_is_not_described_by_the_settings(resource: ProtectedResource) -> None:
    def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse("fine")

    assert told(call(require_access_token(audience="urn:acme:queue")(view), None))[2] == 'Bearer realm="api"'
    own = LocalVerifier(resource.verifier.provider, "https://api.acme.example/mcp")
    assert told(call(require_access_token(verifier=own)(view), None))[2] == 'Bearer realm="api"'
    described = require_access_token(resource=ProtectedResource(own))(view)
    assert str(told(call(described, None))[2]).endswith('/.well-known/oauth-protected-resource/mcp"')


def test_a_proof_is_for_the_address_of_the_resource_and_not_for_that_of_a_header(
    resource: ProtectedResource, provider: TestProvider
) -> None:
    holder = Holder()
    token = signed(provider.access_claims(cnf=holder.cnf))
    for origin, status in (("https://api.acme.example", 200), ("http://testserver", 401)):
        headers = {"authorization": f"DPoP {token}", "dpop": holder.proof(token, f"{origin}/orders/7")}
        assert orders(RequestFactory().get("/orders/7", headers=headers)).status_code == status


def test_settings_that_contradict_each_other_are_found(
    settings: Any, resource: ProtectedResource, provider: TestProvider
) -> None:
    settings.ACCESS_TOKEN_VERIFIER = LocalVerifier(Provider(provider.issuer), ORDERS)
    with pytest.raises(ImproperlyConfigured, match="another verifier"):
        call(orders, "Bearer x")
    settings.ACCESS_TOKEN_RESOURCE = "https://api.acme.example/orders"
    with pytest.raises(ImproperlyConfigured, match="ACCESS_TOKEN_RESOURCE"):
        call(orders, "Bearer x")
    del settings.ACCESS_TOKEN_RESOURCE
    with pytest.raises(ImproperlyConfigured, match="ACCESS_TOKEN_RESOURCE"):
        metadata_urls()
