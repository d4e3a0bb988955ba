"""What changes for a client or a key bites on every process within the stated time: one second."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from clients import secrets
from clients.models import AudienceEntry, Client, SigningKey
from clients.models.keys import KeyState
from provider.keys import keyring
from tests.world import ORDERS, SECRETS, header_of

pytestmark = pytest.mark.postgresql
BOUND = 1.0  # seconds
REQUESTS = 30  # at three processes: each has its share


def everywhere(ask: Callable[[], str]) -> set[str]:
    """What the processes answer, asked often enough to hear all of them."""
    with ThreadPoolExecutor(6) as pool:
        return set(pool.map(lambda _number: ask(), range(REQUESTS)))


def post(address: str, path: str, client_id: str, **form: str) -> requests.Response:
    return requests.post(f"{address}/oauth2/{path}", form, auth=(client_id, SECRETS[client_id]), timeout=30)


def outcome(response: requests.Response) -> str:
    return "ok" if response.status_code == 200 else str(response.json()["error"])


def test_a_disabled_client_a_removed_audience_and_a_revoked_secret_bite_everywhere(servers: str) -> None:
    def service() -> str:
        return outcome(post(servers, "token", "service", grant_type="client_credentials"))

    def for_orders() -> str:
        return outcome(post(servers, "token", "web", grant_type="client_credentials", audience=ORDERS))

    assert everywhere(service) == everywhere(for_orders) == {"ok"}
    Client.objects.filter(client_id="service").update(enabled=False)
    AudienceEntry.objects.filter(client__client_id="web", value=ORDERS).delete()
    time.sleep(BOUND)
    assert everywhere(service) == {"invalid_client"}
    assert everywhere(for_orders) == {"invalid_target"}
    Client.objects.filter(client_id="service").update(enabled=True)
    time.sleep(BOUND)
    assert everywhere(service) == {"ok"}
    secrets.revoke(Client.objects.get(client_id="service").secrets.get())
    time.sleep(BOUND)
    assert everywhere(service) == {"invalid_client"}


def test_another_key_signs_and_a_deleted_one_is_believed_nowhere(servers: str) -> None:
    Client.objects.filter(client_id="service").update(access_token_format="jwt")
    time.sleep(BOUND)

    def token() -> str:
        return str(post(servers, "token", "service", grant_type="client_credentials").json()["access_token"])

    def active(text: str) -> Callable[[], str]:
        return lambda: str(post(servers, "introspect", "service", token=text).json()["active"])

    before = token()
    old = header_of(before)["kid"]
    assert everywhere(lambda: str(header_of(token())["kid"])) == {old}
    keyring.activate(SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT))
    time.sleep(BOUND)
    (new,) = everywhere(lambda: str(header_of(token())["kid"]))
    assert new != old
    assert everywhere(active(before)) == {"True"}, "retired, and still believed"
    SigningKey.objects.filter(pk=old).delete()
    time.sleep(BOUND)
    assert everywhere(active(before)) == {"False"}
    assert everywhere(active(token())) == {"True"}
