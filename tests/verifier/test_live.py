"""Access tokens of the real provider, checked over HTTP, while what stands behind them is taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from vestibule_verifier import InsufficientScope, Invalid, LocalVerifier, Provider, Unavailable

from clients.models import Client, SigningKey
from clients.models.keys import KeyState
from projects.models import Api
from provider.keys import keyring
from provider.protocol.exchange import ACCESS_TOKEN
from provider.protocol.facts import TOKEN_EXCHANGE
from tests.verifier.live import ENDS, Acme
from tests.world import BILLING, ORDERS, header_of

pytestmark = pytest.mark.django_db(transaction=True)


def opaque() -> None:
    Api.objects.filter(identifier=ORDERS).update(token_format="opaque")


def test_a_persons_jwt_is_good_in_both_ways(acme: Acme) -> None:
    access = acme.sign_in(resource=ORDERS)["access_token"]
    here = acme.local.verify(access, scope="orders.read")
    asked = acme.asking.verify(access, scope="orders.read")
    assert here == acme.local.verify(access)
    for token in (here, asked):
        assert (token.client_id, token.audience, token.is_client) == ("web", (ORDERS,), False)
    assert (here.subject, here.scopes, here.expires_at) == (asked.subject, asked.scopes, asked.expires_at)
    with pytest.raises(InsufficientScope):
        acme.local.verify(access, scope="orders.write")


def test_an_opaque_token_is_good_by_asking_only(acme: Acme) -> None:
    opaque()
    access = acme.sign_in(resource=ORDERS)["access_token"]
    assert acme.asking.verify(access, scope="orders.read").subject
    with pytest.raises(Invalid, match="did not sign it"):
        acme.local.verify(access)


def test_a_clients_own_token(acme: Acme) -> None:
    access = acme.token("web", grant_type="client_credentials", audience=ORDERS)["access_token"]
    for token in (acme.local.verify(access), acme.asking.verify(access)):
        assert (token.subject, token.client_id, token.is_client) == ("web", "web", True)
    assert acme.get("/oauth2/userinfo", access).json() == {"sub": "web", "client_id": "web", "name": "Acme web"}


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_an_exchanged_token_is_good_at_its_api(acme: Acme, kind: str) -> None:
    """X4: a narrower one, checked by the verifier both ways it can be."""
    web = Client.objects.get(client_id="web")
    web.grant_types.append(TOKEN_EXCHANGE)
    web.save()
    Api.objects.filter(identifier=ORDERS).update(token_format=kind)
    subject = acme.sign_in(resource=ORDERS)["access_token"]
    asked = {"subject_token": subject, "subject_token_type": ACCESS_TOKEN, "resource": f"{ORDERS}/7"}
    access = acme.token("web", grant_type=TOKEN_EXCHANGE, **asked, scope="orders.read")["access_token"]
    for verifier in (acme.asking, acme.local) if kind == "jwt" else (acme.asking,):
        token = verifier.verify(access, scope="orders.read")
        assert (token.client_id, token.audience, token.scopes) == ("web", (f"{ORDERS}/7",), frozenset({"orders.read"}))
        assert not token.reaches(f"{ORDERS}/8")


def test_a_client_without_an_api_may_have_jwts_too(acme: Acme) -> None:
    Client.objects.filter(client_id="service").update(access_token_format="jwt")
    access = acme.token("service", grant_type="client_credentials")["access_token"]
    assert LocalVerifier(Provider(acme.issuer), "service").verify(access).is_client
    with pytest.raises(Invalid, match="for another API"):
        acme.local.verify(access)


def test_a_token_for_one_path_reaches_that_path(acme: Acme) -> None:
    access = acme.sign_in(resource=f"{ORDERS}/7")["access_token"]
    for token in (acme.local.verify(access), acme.asking.verify(access)):
        assert token.reaches(f"{ORDERS}/7")
        assert not token.reaches(f"{ORDERS}/8")


def test_a_token_for_another_api_or_for_the_app_itself(acme: Acme) -> None:
    Api.objects.filter(identifier=BILLING).update(token_format="jwt")
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    for params in ({"resource": BILLING}, {}):
        access = acme.sign_in(**params)["access_token"]
        with pytest.raises(Invalid, match="for another API"):
            acme.local.verify(access)
        with pytest.raises(Invalid, match="unknown, expired or revoked"):
            acme.asking.verify(access)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("before", [lambda: None, opaque], ids=["jwt", "opaque"])
def test_what_ends_a_token_early_is_seen_by_asking_and_at_the_provider(
    acme: Acme, end: Callable[[], Any], before: Callable[[], None]
) -> None:
    before()
    tokens = acme.sign_in(resource=ORDERS)
    access = tokens["access_token"]
    assert acme.asking.verify(access)
    assert acme.get("/oauth2/userinfo", access).status_code == 200
    end()
    with pytest.raises(Invalid, match="unknown, expired or revoked"):
        acme.asking.verify(access)
    assert acme.get("/oauth2/userinfo", access).status_code == 401
    assert "error" in acme.refresh(tokens), "and there will be no more of them"
    if header_of_jwt(access):
        assert acme.local.verify(access), "nobody was asked: good until it expires, as the documentation says"


def header_of_jwt(token: str) -> dict[str, Any]:
    return header_of(token) if token.count(".") == 2 else {}


def test_a_token_that_was_revoked(acme: Acme) -> None:
    access = acme.token("web", grant_type="client_credentials", audience=ORDERS)["access_token"]
    assert acme.asking.verify(access)
    assert acme.asking.verify(access)
    requests.post(f"{acme.issuer}/oauth2/revoke", {"token": access}, auth=("web", "web-secret"), timeout=30)
    with pytest.raises(Invalid):
        acme.asking.verify(access)


def test_an_active_refresh_token_is_no_access_token(acme: Acme) -> None:
    Client.objects.filter(client_id="orders-api").update(introspection="all")
    tokens = acme.sign_in(resource=ORDERS)
    said = acme.post("/oauth2/introspect", token=tokens["refresh_token"]).json()
    assert (said["active"], said["aud"]) == (True, ORDERS), "the provider calls it active, and for this API"
    with pytest.raises(Invalid, match="not an access token"):
        acme.asking.verify(tokens["refresh_token"])


def test_an_api_whose_own_client_may_not_ask_learns_nothing_and_lets_nobody_in(acme: Acme) -> None:
    access = acme.sign_in(resource=ORDERS)["access_token"]
    for change in ({"introspection": "none"}, {"enabled": False}):
        Client.objects.filter(client_id="orders-api").update(**change)
        with pytest.raises(Unavailable, match=r"status 40[13]"):
            acme.asking.verify(access)


def test_a_key_that_was_rotated_in_is_known_already(acme: Acme) -> None:
    before = acme.sign_in(resource=ORDERS)["access_token"]
    assert acme.local.verify(before)
    keyring.activate(SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT))
    after = acme.token("web", grant_type="client_credentials", audience=ORDERS)["access_token"]
    assert header_of(after)["kid"] != header_of(before)["kid"]
    for token in (before, after):
        assert acme.local.verify(token)
