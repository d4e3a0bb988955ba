"""Nobody is refused for what a process remembers: what was made a moment ago, by whichever process, is good at once."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest

from clients import secrets
from clients.models import AudienceEntry, Client, ClientSecret
from common import cache
from projects.events import SecurityEvent
from provider.endpoints import device_authorization
from provider.protocol import device
from provider.protocol.errors import UnauthorizedClient
from tests.foreign_keys import KEYS, OTHERS, public, signed
from tests.provider.assertions import claims, proving
from tests.provider.proving import Holder
from tests.world import ISSUER, ORDERS, WEB_CB, App, Browser, Response, basic, claims_of, redirected

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.any_database,
    pytest.mark.usefixtures("world", "remembering"),
]
ELSEWHERE = "https://web.acme.example/elsewhere"


def change(of: str, **columns: Any) -> None:
    """As another process does: this one hears of it when it looks."""
    Client.objects.filter(client_id=of).update(**columns)


def own_token(secret: str) -> int:
    answer = App("service").post("/oauth2/token", {"grant_type": "client_credentials"}, auth=basic("service", secret))
    return int(answer.status_code)


def test_a_secret_is_good_at_once() -> None:
    assert own_token(App("service").secret) == 200
    new = secrets.generate(Client.objects.get(client_id="service"), label="new")
    assert own_token(new) == 200


def test_a_key_is_good_at_once() -> None:
    def asks() -> dict[str, Any]:
        proof = proving(signed(KEYS["ES256"], "ES256", claims("service"), kid="new"))
        answer: dict[str, Any] = App("service").post("/oauth2/introspect", {"token": "x", **proof}, auth=None).json()
        return answer

    assert asks()["error"] == "invalid_client"
    keys = {"keys": [public(KEYS["ES256"], kid="new")]}
    change("service", token_endpoint_auth_method="private_key_jwt", jwks=keys)
    assert asks() == {"active": False}


def test_the_key_of_a_request_object_is_good_at_once() -> None:
    asked = {"client_id": "web", "redirect_uri": WEB_CB, "response_type": "code", "scope": "openid", "state": "s"}
    said = {"iss": "web", "aud": ISSUER, **asked}
    query = {"client_id": "web", "request": signed(KEYS["ES256"], "ES256", said, kid="new")}

    def answer() -> Response:
        return Browser("owner").http.get(f"/oauth2/authorize?{urlencode(query)}")

    assert redirected(answer())["error"] == "request_not_supported"
    change("web", jwks={"keys": [public(KEYS["ES256"], kid="new")]}, require_pkce=False)
    assert answer().status_code == 200


def test_a_client_that_is_enabled_again_is_let_in_at_once() -> None:
    proof = proving(signed(KEYS["ES256"], "ES256", claims("service"), kid="new"))
    keys = {"keys": [public(KEYS["ES256"], kid="new")]}
    change("service", token_endpoint_auth_method="private_key_jwt", jwks=keys, enabled=False)
    cache.renew()
    other = proving(signed(KEYS["ES256"], "ES256", claims("service"), kid="new"))
    ask = partial(App("service").post, "/oauth2/introspect", auth=None)
    assert ask({"token": "x", **other}).status_code == 401
    change("service", enabled=True)
    assert ask({"token": "x", **proof}).json() == {"active": False}
    assert ask({"token": "x", **proof}).status_code == 401, "it was used"


def test_a_client_that_is_enabled_again_with_other_keys_is_not_let_in_by_the_old_ones() -> None:
    old, new = ({"keys": [public(one["ES256"], kid="new")]} for one in (KEYS, OTHERS))
    change("service", token_endpoint_auth_method="private_key_jwt", jwks=old, enabled=False)
    cache.renew()
    proof = proving(signed(KEYS["ES256"], "ES256", claims("service"), kid="new"))
    ask = partial(App("service").post, "/oauth2/introspect", auth=None)
    first = proving(signed(KEYS["ES256"], "ES256", claims("service"), kid="new"))
    assert ask({"token": "x", **first}).status_code == 401
    change("service", enabled=True, jwks=new)
    assert ask({"token": "x", **proof}).status_code == 401


def test_a_client_is_known_at_once() -> None:
    assert own_token(App("service").secret) == 200
    assert App("newcomer").post("/oauth2/revoke", {"token": "x", "client_id": "newcomer"}, auth=None).status_code == 401
    change("spa", client_id="newcomer")
    assert App("newcomer").post("/oauth2/revoke", {"token": "x", "client_id": "newcomer"}, auth=None).status_code == 200


def test_an_address_is_led_to_at_once_and_a_scope_asked_for() -> None:
    browser = Browser("owner")
    assert browser.authorize("web", redirect_uri=ELSEWHERE).status_code == 400
    change("web", redirect_uris=f"{WEB_CB} {ELSEWHERE}")
    assert browser.authorize("web", redirect_uri=ELSEWHERE).status_code == 200
    assert redirected(browser.authorize("web", scope="groups"))["error"] == "invalid_scope"
    change("web", scope="openid groups")
    assert browser.authorize("web", scope="groups").status_code == 200


def test_a_device_may_begin_and_ask_for_a_scope_and_an_audience_at_once() -> None:
    def begun(**asked: str) -> str:
        answer = App("spa").post("/oauth2/device_authorization", {"scope": "openid", **asked}).json()
        return str(answer.get("error") or sorted(answer)[0])

    assert begun() == "unauthorized_client"
    spa = Client.objects.get(client_id="spa")
    change("spa", grant_types=[*spa.grant_types, device.GRANT_TYPE], scope="openid")
    assert begun() == "device_code"
    assert begun(scope="groups") == "invalid_scope"
    change("spa", scope="openid groups")
    assert begun(scope="groups") == "device_code"
    assert begun(resource=ORDERS) == "invalid_target"
    AudienceEntry.objects.create(client=spa, value=ORDERS)
    assert begun(resource=ORDERS) == "device_code"


def test_a_service_gets_a_token_for_a_grant_a_scope_and_an_api_at_once() -> None:
    service, holder = App("service"), Holder()

    def got(**asked: str) -> str:
        answer = service.token(grant_type="client_credentials", **asked).json()
        return str(answer.get("error") or answer["scope"])

    assert got(resource=ORDERS) == "invalid_target"
    AudienceEntry.objects.create(client=Client.objects.get(client_id="service"), value=ORDERS)
    assert got(scope="orders.read", resource=ORDERS) == "orders.read"
    assert got(scope="orders.write", resource=ORDERS) == "invalid_scope"
    change("service", scope="orders.write")
    assert got(scope="orders.write", resource=ORDERS) == "orders.write"
    change("service", grant_types=[])
    cache.renew()
    assert got(scope="orders.write", resource=ORDERS) == "unauthorized_client"
    change("service", grant_types=["client_credentials"])
    proof = {"HTTP_DPOP": holder.proof()}
    sent = {"grant_type": "client_credentials", "scope": "orders.write", "resource": ORDERS}
    assert service.post("/oauth2/token", sent, **proof).json()["token_type"] == "DPoP"
    assert service.post("/oauth2/token", sent, **proof).json()["error"] == "invalid_dpop_proof", "it was used"


def test_what_is_refused_as_another_clients_is_an_event_and_not_looked_at_twice() -> None:
    tokens = Browser("owner").tokens("web", scope="openid offline_access")
    ask = partial(App("web").refresh, tokens["refresh_token"], audience="newcomer")
    assert ask().json()["error"] == "invalid_audience"
    change("sibling", client_id="newcomer")
    assert ask().json()["error"] == "invalid_audience"
    assert SecurityEvent.objects.filter(kind="token.cross_client_refused").count() == 2
    cache.renew()
    assert claims_of(ask().json()["id_token"])["aud"] == "newcomer"


@pytest.mark.parametrize("ended", ["disabled", "deleted"])
def test_a_client_that_ends_while_it_is_looked_at_begins_nothing(monkeypatch: pytest.MonkeyPatch, ended: str) -> None:
    """Between the two looks: what the first one refuses, the second would allow."""
    change("spa", grant_types=[device.GRANT_TYPE])
    cache.renew()
    looks: list[object] = []

    def validate(*said: object) -> None:
        looks.append(said)
        if len(looks) == 1:
            change("spa", enabled=False)
            if ended == "deleted":
                Client.objects.get(client_id="spa").delete()
            raise UnauthorizedClient

    monkeypatch.setattr(device_authorization, "validate_for_device", validate)
    answer = App("spa").post("/oauth2/device_authorization", {"scope": "openid"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert len(looks) == 1


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/device_authorization"])
def test_whoever_may_more_has_to_prove_what_is_asked_for_by_now(path: str) -> None:
    """Else a client that is no longer public would get, unproved, what it was given as a confidential one."""
    sent = {"grant_type": "client_credentials", "client_id": "spa"}
    grants = ["client_credentials", device.GRANT_TYPE]
    assert App("spa").post(path, sent, auth=None).json()["error"] == "unauthorized_client"
    change("spa", token_endpoint_auth_method="client_secret_basic", client_type="confidential", grant_types=grants)
    answer = App("spa").post(path, sent, auth=None)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_secret_that_was_revoked_gets_nothing_that_was_given_since() -> None:
    assert own_token(App("service").secret) == 200
    asked = {"grant_type": "client_credentials", "scope": "orders.write"}
    assert App("service").post("/oauth2/token", asked).json()["error"] == "invalid_scope"
    change("service", scope="orders.write")
    secrets.revoke(ClientSecret.objects.get(client__client_id="service"))
    assert App("service").post("/oauth2/token", asked).json()["error"] == "invalid_client"


def test_an_assertion_that_was_refused_is_not_tried_again() -> None:
    """It is good once: the client asks again."""
    keys = {"keys": [public(KEYS["ES256"], kid="new")]}
    change("service", token_endpoint_auth_method="private_key_jwt", jwks=keys, scope="orders.read")
    cache.renew()

    def asks() -> str:
        proof = proving(signed(KEYS["ES256"], "ES256", claims("service"), kid="new"))
        sent = {"grant_type": "client_credentials", "scope": "orders.write", **proof}
        answer = App("service").post("/oauth2/token", sent, auth=None).json()
        return str(answer.get("error") or answer["scope"])

    assert asks() == "invalid_scope"
    change("service", scope="orders.write")
    assert asks() == "invalid_scope"
    cache.renew()
    assert asks() == "orders.write"


def test_what_is_refused_still_is_when_something_else_changed() -> None:
    assert own_token("another") == 401
    change("web", name="Another name")
    assert own_token("another") == 401
    assert Browser("owner").authorize("web", redirect_uri="https://evil.example/").status_code == 400


def test_a_client_that_is_enabled_while_it_is_looked_at_still_has_to_prove_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the two looks: what proved nothing at the first one is no proof at the second."""
    keys = {"keys": [public(KEYS["ES256"], kid="new")]}
    change("service", token_endpoint_auth_method="private_key_jwt", jwks=keys, enabled=False)
    cache.renew()
    looks: list[bool] = []

    def changed_since(_known: object) -> bool:
        looks.append(bool(looks))
        change("service", enabled=True)
        cache.renew()
        return looks[-1]

    monkeypatch.setattr(cache, "changed_since", changed_since)
    forged = proving(signed(OTHERS["ES256"], "ES256", claims("service"), kid="new"))
    answer = App("service").post("/oauth2/introspect", {"token": "x", **forged}, auth=None)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert looks, "it was looked at"
