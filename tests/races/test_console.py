"""People and operators who do the same thing at once: nothing of either is lost."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import transaction
from jwcrypto import jwk, jws

from clients import secrets
from clients.models import Authorization, Client, ClientSecret, SigningKey
from clients.models.keys import KeyState
from common.jws import ALGORITHMS
from projects.models import Consent
from provider.keys import keyring
from tests.races.racing import ROUNDS, THREADS, race
from tests.world import App, Browser, basic, header_of

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("world"),
]
SCOPES = ["profile", "email", "address", "phone", "offline_access", "orders.read", "orders.write"]


# --- Consent -------------------------------------------------------------------------------------------------------


def test_consents_given_in_parallel_are_all_kept() -> None:
    """Eight tabs, the first consent among them: one row, and everything anybody ticked."""
    tabs = [Browser("owner") for _ in range(THREADS)]
    for _ in range(ROUNDS):
        Consent.objects.all().delete()
        asked = [f"openid {SCOPES[number % len(SCOPES)]}" for number in range(THREADS)]
        pages = [tab.authorize("web", scope=scope) for tab, scope in zip(tabs, asked, strict=True)]
        answers = race(lambda number: tabs[number].answer(pages[number])["Location"])  # noqa: B023 - at once
        assert all("code=" in location for location in answers)
        assert set(Consent.objects.get().scopes) == {"openid", *SCOPES}
        assert Authorization.objects.count() == THREADS


@pytest.mark.parametrize("client_id", ["web", "native"])
def test_a_consent_taken_back_while_it_is_given_fails_nobody(client_id: str) -> None:
    tabs = [Browser("owner") for _ in range(4)]
    for _ in range(ROUNDS):
        tabs[0].code(client_id, scope="openid")
        pages = [tab.authorize(client_id, scope="openid offline_access") for tab in tabs]

        def work(number: int) -> int:
            if number < len(tabs):
                return tabs[number].answer(pages[number]).status_code  # noqa: B023
            with transaction.atomic():
                for row in Consent.objects.select_for_update():
                    row.delete()
            return 0

        assert set(race(work, len(tabs) + 1)) == {0, 303}
        assert not Authorization.objects.exclude(consent__in=Consent.objects.all()).exists()


# --- Secrets -------------------------------------------------------------------------------------------------------


def test_secrets_made_in_parallel_never_exceed_two() -> None:
    client = Client.objects.get(client_id="web")

    def generate(_number: int) -> str:
        try:
            return secrets.generate(client)
        except secrets.TooManySecrets:
            return ""

    for _ in range(ROUNDS):
        made = [secret for secret in race(generate) if secret]
        assert len(made) == 1
        assert sorted(filter(None, client.secrets.values_list("slot", flat=True))) == [1, 2]
        for secret in (made[0], "web-secret"):
            form = {"grant_type": "client_credentials"}
            assert App("web").post("/oauth2/token", form, auth=basic("web", secret)).status_code == 200
        revoked = client.secrets.get(slot=2)
        race(lambda _number: secrets.revoke(revoked))  # noqa: B023
        assert ClientSecret.objects.filter(client=client, slot__isnull=False).count() == 1


# --- Keys ----------------------------------------------------------------------------------------------------------


def states() -> Counter[tuple[str, str]]:
    return Counter(SigningKey.objects.values_list("algorithm", "state"))


def test_a_key_activated_in_parallel_leaves_one_active() -> None:
    for turn in range(1, ROUNDS + 1):
        key = SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT)
        race(lambda _number: keyring.activate(key))  # noqa: B023
        assert (states()["ES256", "active"], states()["ES256", "next"], states()["ES256", "retired"]) == (1, 0, turn)
        assert SigningKey.objects.get(algorithm="ES256", state=KeyState.ACTIVE).pk == key.pk
        keyring.make("ES256")


def test_keys_made_in_parallel_are_made_once() -> None:
    for _ in range(min(ROUNDS, 5)):  # RSA keys take long to make
        SigningKey.objects.all().delete()
        race(lambda _number: keyring.ensure_keys(), 3)
        assert states() == {(one, state): 1 for one in ALGORITHMS for state in ("active", "next")}


def test_a_key_that_was_retired_meanwhile_takes_nobodys_place() -> None:
    old = SigningKey.objects.get(algorithm="ES256", state=KeyState.ACTIVE)
    keyring.activate(SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT))
    keyring.activate(old)
    assert states()["ES256", "active"] == 1
    old.refresh_from_db()
    assert old.state == KeyState.RETIRED


def test_tokens_minted_while_the_key_changes_all_verify() -> None:
    Client.objects.filter(client_id="service").update(access_token_format="jwt")
    for _ in range(ROUNDS):
        key = SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT)
        cached = jwk.JWKSet.from_json(App("web").http.get("/.well-known/jwks.json").content.decode())

        def work(number: int) -> str:
            if number == 0:
                keyring.activate(key)  # noqa: B023
                return ""
            return str(App("service").token(grant_type="client_credentials").json()["access_token"])

        for token in filter(None, race(work)):
            signed = jws.JWS()
            signed.deserialize(token)
            signed.verify(cached.get_key(header_of(token)["kid"]))
        keyring.make("ES256")
