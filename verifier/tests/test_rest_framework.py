"""Django REST framework: who the request is from, what it may do, and what refusals look like."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from vestibule_verifier import IDToken, LocalVerifier, ProtectedResource
from vestibule_verifier.rest_framework import AccessTokenAuthentication, Caller, HasScope

from tests.provider import KEYS, TestProvider, signed


@pytest.fixture(autouse=True)
def _configured(settings: Any, local: LocalVerifier) -> None:
    settings.ACCESS_TOKEN_VERIFIER = local


class Orders(APIView):
    authentication_classes = [AccessTokenAuthentication]
    permission_classes: list[Any] = [HasScope("orders.read")]

    def get(self, request: Request) -> Response:
        token: Any = request.auth
        return Response({"sub": str(request.user), "pk": request.user.pk, "client": token.client_id})


def call(view: type[APIView], token: str = "", header: str = "") -> Response:
    header = f"Bearer {token}" if token else header
    response = view.as_view()(APIRequestFactory().get("/", headers={"authorization": header} if header else {}))
    response.render()
    return response


def with_permissions(*permissions: Any) -> type[APIView]:
    return type("View", (Orders,), {"permission_classes": list(permissions)})


def test_a_good_token_makes_the_request_its_subjects(provider: TestProvider) -> None:
    response = call(Orders, signed(provider.access_claims()))
    assert response.data == {"sub": "9b2f2f9a-person", "pk": "9b2f2f9a-person", "client": "web"}


def test_without_a_token_it_is_401_with_a_bare_challenge() -> None:
    for header in ("", "Basic d2ViOnNlY3JldA=="):
        response = call(Orders, header=header)
        assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


def test_a_bad_token_is_401_even_where_nobody_has_to_sign_in(provider: TestProvider) -> None:
    response = call(with_permissions(), signed(provider.access_claims(), typ="JWT"))
    assert response.status_code == 401
    assert 'error="invalid_token"' in response["WWW-Authenticate"]
    assert response.data["error"] == "invalid_token"


def test_a_missing_scope_is_403_and_named(provider: TestProvider) -> None:
    response = call(Orders, signed(provider.access_claims(scope="orders.reader openid")))
    assert response.status_code == 403
    assert response["WWW-Authenticate"].endswith('scope="orders.read"')
    assert response.data["error"] == "insufficient_scope"


def test_every_scope_of_a_permission_is_needed(provider: TestProvider) -> None:
    both = with_permissions(HasScope("orders.read orders.write"))
    assert call(both, signed(provider.access_claims())).status_code == 403
    assert call(both, signed(provider.access_claims(scope="orders.write orders.read"))).status_code == 200


def test_another_permission_does_not_make_up_for_a_scope(provider: TestProvider) -> None:
    either = with_permissions(HasScope("orders.write") | IsAuthenticated)
    assert call(either, signed(provider.access_claims())).status_code == 403


def test_an_outage_is_503_and_says_when_to_come_back(provider: TestProvider) -> None:
    provider.fail(KEYS)
    response = call(Orders, signed(provider.access_claims()))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.data["error_description"] == "Tokens cannot be checked at the moment. Try again."


def test_whoever_calls_is_signed_in_and_nothing_more(provider: TestProvider) -> None:
    token = signed(provider.access_claims())
    assert call(with_permissions(IsAuthenticated), token).status_code == 200
    assert call(with_permissions(IsAdminUser), token).status_code == 403


def test_users_of_the_apis_own(provider: TestProvider) -> None:
    class Own(AccessTokenAuthentication):
        realm = "orders"

        def user_for(self, token: Any) -> Any:
            return Caller(token) if token.subject.endswith("person") else None

    view = type("View", (Orders,), {"authentication_classes": [Own]})
    assert call(view, signed(provider.access_claims())).data["sub"] == "9b2f2f9a-person"
    assert call(view)["WWW-Authenticate"] == 'Bearer realm="orders"'
    assert 'realm="orders"' in call(view, "x")["WWW-Authenticate"]


def test_an_id_token_another_class_let_in_has_no_scope(provider: TestProvider) -> None:
    class People(AccessTokenAuthentication):
        def authenticate(self, request: Request) -> Any:
            found = IDToken("person", "orders-api", "web", 0, {"scope": "orders.read"})
            return Caller(found), found  # type: ignore[arg-type]

    view = type("View", (Orders,), {"authentication_classes": [People]})
    assert call(view, "x").status_code == 403


@pytest.mark.parametrize("scope", ["", " ", 'a"b', "a\\b", "ä"])
def test_a_permission_needs_a_scope(scope: str) -> None:
    with pytest.raises(ValueError, match="scope"):
        HasScope(scope)


# --- An API that apps find by themselves (RFC 9728) ----------------------------------------------------------------

DESCRIBED = 'resource_metadata="https://api.acme.example/.well-known/oauth-protected-resource/orders"'


def test_refusals_lead_to_the_document_and_name_what_the_view_needs(
    provider: TestProvider, settings: Any, local: LocalVerifier
) -> None:
    settings.ACCESS_TOKEN_RESOURCE = ProtectedResource(local)
    both = with_permissions(HasScope("orders.write"), HasScope("orders.read"))
    assert call(both)["WWW-Authenticate"] == f'Bearer realm="api", scope="orders.read orders.write", {DESCRIBED}'
    bad = call(both, "x")["WWW-Authenticate"]
    assert 'error="invalid_token"' in bad
    assert bad.endswith(f'scope="orders.read orders.write", {DESCRIBED}')
    missing = call(both, signed(provider.access_claims()))
    assert missing.status_code == 403
    assert missing["WWW-Authenticate"].endswith(f'scope="openid orders.read orders.write", {DESCRIBED}')
    assert call(with_permissions(IsAuthenticated))["WWW-Authenticate"] == f'Bearer realm="api", {DESCRIBED}'


def test_a_class_may_be_another_api(local: LocalVerifier) -> None:
    class Described(AccessTokenAuthentication):
        resource = ProtectedResource(local)

    class Undescribed(AccessTokenAuthentication):
        verifier = local

    for own, end in ((Described, DESCRIBED), (Undescribed, 'realm="api"')):
        view = type("View", (Orders,), {"authentication_classes": [own], "permission_classes": [IsAuthenticated]})
        assert call(view)["WWW-Authenticate"].endswith(end)
