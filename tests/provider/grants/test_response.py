"""What the token endpoint mints: format, lifetime, and who gets a refresh token (sections 5.7 and 6)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from clients.models import Client
from projects.facts import ApiFacts
from projects.models import Api
from provider.grants.response import gets_refresh_token
from provider.protocol.access_tokens import lifetime, signing_alg, token_format
from provider.protocol.facts import Ceiling
from provider.protocol.refresh import Use
from provider.protocol.request import Subject, TokenRequest
from provider.store import generations
from provider.store.authorizations import Code
from provider.store.presented import NOTHING, Presented
from provider.store.statements import AuthorizationRow, Refresh
from tests.provider.protocol.building import BILLING, ORDERS, api, client, registry, sent
from tests.world import ISSUER, App, Browser, claims_of, header_of

# --- Without a database --------------------------------------------------------------------------------------------


def decided(
    audience: tuple[str, ...], *apis: ApiFacts, client_format: str = "opaque", seconds: int = 600
) -> TokenRequest:
    caller = client("web", access_token_format=client_format, access_token_lifetime=seconds)
    request = TokenRequest(sent(), caller, registry(*apis))
    request.audience = audience
    return request


def says(identifier: str, token_format: str, seconds: int | None = None) -> ApiFacts:
    return api(identifier, token_format=token_format, token_lifetime=seconds)


@pytest.mark.parametrize(
    ("formats", "client_format", "expected"),
    [
        ((), "opaque", "opaque"),
        ((), "jwt", "jwt"),
        (("inherit",), "opaque", "opaque"),
        (("inherit", "inherit"), "jwt", "jwt"),
        (("opaque",), "jwt", "opaque"),
        (("jwt",), "opaque", "jwt"),
        (("jwt", "inherit"), "opaque", "jwt"),
        (("jwt", "opaque"), "jwt", "opaque"),
        (("opaque", "inherit"), "jwt", "opaque"),
    ],
)
def test_the_apis_decide_the_format_then_the_client(
    formats: tuple[str, ...], client_format: str, expected: str
) -> None:
    apis = [says(identifier, one) for identifier, one in zip((ORDERS, BILLING), formats, strict=False)]
    audience = tuple(one.identifier for one in apis) or ("web",)
    assert token_format(decided(audience, *apis, client_format=client_format)) == expected


def test_an_api_that_is_not_in_the_audience_decides_nothing() -> None:
    assert token_format(decided((BILLING,), says(ORDERS, "jwt"))) == "opaque"
    assert lifetime(decided((BILLING,), says(ORDERS, "jwt", 5))) == 600


@pytest.mark.parametrize(
    ("limits", "expected"), [((None,), 600), ((60,), 60), ((6000,), 600), ((60, 30), 30), ((), 600)]
)
def test_a_token_lives_as_long_as_the_shortest_of_client_and_apis(
    limits: tuple[int | None, ...], expected: int
) -> None:
    apis = [says(identifier, "inherit", one) for identifier, one in zip((ORDERS, BILLING), limits, strict=False)]
    audience = tuple(f"{one.identifier}/below" for one in apis) or ("web",)
    assert lifetime(decided(audience, *apis)) == expected


@pytest.mark.parametrize(
    ("algorithms", "expected"),
    [
        ((), "ES256"),
        (("ES256",), "ES256"),
        (("RS256",), "RS256"),
        (("ES256", "RS256"), "RS256"),
        (("PS256",), "PS256"),
        (("EdDSA",), "EdDSA"),
        (("EdDSA", "ES256"), "ES256"),
    ],
)
def test_an_api_whose_programs_know_nothing_else_gets_rs256(algorithms: tuple[str, ...], expected: str) -> None:
    apis = [
        api(identifier, token_signing_alg=one) for identifier, one in zip((ORDERS, BILLING), algorithms, strict=False)
    ]
    audience = tuple(f"{one.identifier}/below" for one in apis) or ("web",)
    assert signing_alg(decided(audience, *apis)) == expected


NOW = datetime.now(UTC)
STANDING = AuthorizationRow._make([None] * len(AuthorizationRow._fields))._replace(id=uuid.uuid4(), created_at=NOW)
REFRESH_TOKEN = Refresh(NOW, None, 0, {}, STANDING)
CODE = Code("digest", STANDING.id, NOW)


@pytest.mark.parametrize(
    ("offline", "grant_types", "generation", "rotates", "use", "gets"),
    [
        (True, {"refresh_token"}, None, False, Use.CURRENT, True),
        (False, {"refresh_token"}, None, True, Use.CURRENT, False),
        (True, set(), None, True, Use.CURRENT, False),
        (True, {"refresh_token"}, 0, False, Use.CURRENT, False),
        (True, {"refresh_token"}, 0, True, Use.CURRENT, True),
        (True, {"refresh_token"}, 0, False, Use.REPLAY, True),
        (True, set(), 0, True, Use.CURRENT, False),
    ],
    ids=["code", "code, online", "grant type gone", "kept", "rotates", "replay", "rotates, grant type gone"],
)
def test_who_gets_a_refresh_token(
    monkeypatch: Any,
    offline: bool,
    grant_types: set[str],
    generation: int | None,
    rotates: bool,
    use: Use,
    gets: bool,
) -> None:
    caller = client(grant_types=frozenset(grant_types), rotates=rotates)
    monkeypatch.setattr(generations, "use_of", lambda *_presented: use)
    spend = CODE if generation is None else generations.spend_of(REFRESH_TOKEN, "digest", caller)
    request = TokenRequest(sent(), caller)
    presented = Presented(Subject.PERSON, spend, NOW, ceiling=Ceiling(offline=offline))
    assert gets_refresh_token(request, presented) is gets
    assert not gets_refresh_token(request, presented._replace(spend=NOTHING)), "client credentials never do"


# --- End to end ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_opaque_token_says_nothing_by_itself(world: None) -> None:
    answer = Browser("owner").tokens("web", scope="openid email")
    assert set(answer) == {"access_token", "expires_in", "scope", "token_type", "id_token"}
    assert "." not in answer["access_token"]
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("Bearer", 3600, "openid email")


@pytest.mark.django_db
def test_a_jwt_is_as_rfc_9068_says_and_introspection_agrees(world: None) -> None:
    Client.objects.filter(client_id="web").update(access_token_format="jwt", access_token_lifetime=120)
    token = Browser("owner").tokens("web", scope="openid orders.read", audience=ORDERS_API)["access_token"]
    header, claims = header_of(token), claims_of(token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    described = App("web").introspect(token).json()
    assert (claims["iss"], claims["client_id"], claims["aud"], claims["scope"]) == (
        ISSUER,
        "web",
        ORDERS_API,
        "openid orders.read",
    )
    assert claims["exp"] - claims["iat"] == 120
    assert claims["nbf"] == claims["iat"]
    for name in ("iss", "sub", "aud", "client_id", "scope", "iat", "nbf", "exp", "jti", "auth_time"):
        assert described[name] == claims[name], name


ORDERS_API = "https://api.acme.example/orders"


@pytest.mark.django_db
def test_the_api_asked_for_decides_the_format_of_each_token(world: None) -> None:
    Api.objects.filter(identifier=ORDERS_API).update(token_format="jwt", token_lifetime=60)
    app = App("web")
    jwt = app.token(grant_type="client_credentials", audience=ORDERS_API).json()
    assert (jwt["access_token"].count("."), jwt["expires_in"]) == (2, 60)
    both = app.token(grant_type="client_credentials", audience=f"{ORDERS_API} {BILLING}").json()
    assert both["access_token"].count(".") == 2
    Api.objects.filter(identifier=BILLING).update(token_format="opaque")
    both = app.token(grant_type="client_credentials", audience=f"{ORDERS_API} {BILLING}").json()
    assert (both["access_token"].count("."), both["expires_in"]) == (0, 60)
    assert app.introspect(both["access_token"]).json()["aud"] == [ORDERS_API, BILLING]


@pytest.mark.django_db
def test_a_persons_jwt_starts_with_its_authorization_and_a_clients_own_does_not(world: None) -> None:
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    answer = Browser("owner").tokens("web")
    own = App("web").token(grant_type="client_credentials").json()["access_token"]
    assert "." in claims_of(answer["access_token"])["jti"]
    assert "." not in claims_of(own)["jti"]
    assert claims_of(own)["sub"] == claims_of(own)["aud"] == "web"
    assert claims_of(answer["id_token"])["jti"] not in claims_of(answer["access_token"])["jti"]


@pytest.mark.django_db
def test_an_rs256_access_token_is_one_everywhere(world: None) -> None:
    Api.objects.filter(identifier=ORDERS_API).update(token_format="jwt", token_signing_alg="RS256")
    token = Browser("owner").tokens("web", scope="openid orders.read", audience=ORDERS_API)["access_token"]
    assert (header_of(token)["alg"], header_of(token)["typ"]) == ("RS256", "at+jwt")
    assert App("web").userinfo(token).status_code == 200
    assert App("web").introspect(token).json()["active"]
    assert App("web").post("/oauth2/revoke", {"token": token}).status_code == 200
    assert App("web").introspect(token).json() == {"active": False}
