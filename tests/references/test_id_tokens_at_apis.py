"""ID tokens at a first-party API: for the API's own client, from an app on its list, and nothing else instead.

An app gets the ID token with its own refresh token and `audience=<the API's client>`. The API checks the signature,
`aud` and `azp` with the verifier. All of it over HTTP against a running provider.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from vestibule_verifier import AccessToken, IDToken, IDTokenVerifier, Invalid, LocalVerifier, Provider

from accounts.models import User
from clients.models import Client, SigningKey
from clients.models.keys import KeyState
from common.jws import ALGORITHMS
from provider.keys import keyring
from tests.verifier.live import ENDS, Acme, delete_the_consent
from tests.world import ORDERS, header_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(live_server: Any, world: None, settings: Any) -> Acme:
    """The Orders API takes ID tokens for its client `orders-api` from the app `web`."""
    settings.IDP_ISSUER = live_server.url
    return Acme(live_server.url)


def for_the_api(acme: Acme, client_id: str = "web") -> str:
    """An ID token for `orders-api` that this app got with its own refresh token."""
    scope = "openid email offline_access"
    answer = acme.refresh(acme.sign_in(client_id, scope=scope), client_id, audience="orders-api")
    return str(answer["id_token"])


def test_an_app_speaks_for_its_person(acme: Acme) -> None:
    found = acme.people.verify(for_the_api(acme))
    assert found.subject == str(User.objects.get(username="owner").sub)
    assert (found.client_id, found.authorized_party) == ("orders-api", "web")
    assert found.claims["email"] == "owner@people.example"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_in_the_algorithm_the_api_registered(acme: Acme, algorithm: str) -> None:
    Client.objects.filter(client_id="orders-api").update(id_token_signed_response_alg=algorithm)
    token = for_the_api(acme)
    assert header_of(token)["alg"] == algorithm
    assert acme.people.verify(token)


def test_an_app_that_is_not_on_the_list_is_refused(acme: Acme) -> None:
    token = for_the_api(acme, "sibling")
    with pytest.raises(Invalid, match="may not use it here"):
        acme.people.verify(token)
    assert IDTokenVerifier(Provider(acme.issuer), "orders-api", ["web", "sibling"]).verify(token)


def test_the_apps_own_id_token_is_not_for_the_api(acme: Acme) -> None:
    with pytest.raises(Invalid, match="for another client"):
        acme.people.verify(acme.sign_in()["id_token"])


def test_an_id_token_for_a_sibling_is_not_for_the_api(acme: Acme) -> None:
    token = acme.refresh(acme.sign_in(), audience="sibling")["id_token"]
    with pytest.raises(Invalid, match="for another client"):
        acme.people.verify(token)


def test_another_provider_with_the_same_names_is_another_provider(acme: Acme, settings: Any) -> None:
    assert acme.people.verify(for_the_api(acme))
    settings.IDP_ISSUER = "https://other.example"
    token = acme.refresh(acme.sign_in(), audience="orders-api")["id_token"]
    with pytest.raises(Invalid, match="another issuer"):
        acme.people.verify(token)


def test_an_id_token_opens_nothing_that_wants_an_access_token(acme: Acme) -> None:
    Client.objects.filter(client_id="orders-api").update(introspection="all")
    audience_is_right = LocalVerifier(Provider(acme.issuer), "orders-api")
    for token in (for_the_api(acme), acme.sign_in()["id_token"]):
        for verifier in (audience_is_right, acme.local, acme.asking):
            with pytest.raises(Invalid):
                verifier.verify(token)
        assert acme.get("/oauth2/userinfo", token).status_code == 401
        assert acme.post("/oauth2/introspect", token=token).json() == {"active": False}
        assert acme.post("/oauth2/tokeninfo", access_token=token).status_code == 400


def test_an_access_token_is_no_proof_of_who_somebody_is(acme: Acme) -> None:
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    for params in ({"resource": ORDERS}, {}):
        tokens = acme.sign_in(**params)
        assert header_of(tokens["access_token"])["typ"] == "at+jwt"
        for token in (tokens["access_token"], tokens["refresh_token"]):
            with pytest.raises(Invalid):
                acme.people.verify(token)


def test_the_two_results_cannot_be_taken_for_each_other(acme: Acme) -> None:
    person: object = acme.people.verify(for_the_api(acme))
    access: object = acme.local.verify(acme.sign_in(resource=ORDERS)["access_token"])
    assert isinstance(person, IDToken)
    assert not isinstance(person, AccessToken)
    assert isinstance(access, AccessToken)
    assert not isinstance(access, IDToken)
    assert not hasattr(person, "scopes"), "nothing was allowed, so there is nothing to check"


@pytest.mark.parametrize("end", ENDS)
def test_after_the_end_there_are_no_new_ones_and_the_last_one_runs_out(acme: Acme, end: Callable[[], Any]) -> None:
    tokens = acme.sign_in()
    token = acme.refresh(tokens, audience="orders-api")["id_token"]
    end()
    assert "id_token" not in acme.refresh(tokens, audience="orders-api")
    assert acme.people.verify(token), "nobody was asked: good until it expires, as the documentation says"
    if end is not delete_the_consent:  # who the person is was not taken back with the permission
        assert acme.post("/oauth2/tokeninfo", id_token=token).status_code == 400


def test_the_signing_key_may_change_in_between(acme: Acme) -> None:
    before = for_the_api(acme)
    assert acme.people.verify(before)
    keyring.activate(SigningKey.objects.get(algorithm="RS256", state=KeyState.NEXT))
    after = for_the_api(acme)
    assert header_of(after)["kid"] != header_of(before)["kid"]
    for token in (before, after):
        assert acme.people.verify(token)
