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
from vestibule_verifier import IDTokenVerifier, LocalVerifier, Provider
from vestibule_verifier.django import require_access_token

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
