"""What can end access is asked for every row of the table, whatever the row itself does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.utils import timezone

from accounts.models import SignIn
from clients.models import AccessToken, Authorization, Client, SigningKey
from provider import grants
from provider.grants import GRANTS
from provider.protocol import exchange
from provider.protocol.facts import TOKEN_EXCHANGE
from provider.store import authorizations
from tests.provider.devices import GRANT, Device, connect
from tests.provider.store.test_live import CLIENT_ENDS, ELSEWHERE, PERSON_ENDS
from tests.sweep import meeting
from tests.world import App, Browser, Response

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
WEB = App("web")
Ask = Callable[[], Response]


def code() -> Ask:
    text = Browser("owner").code("web", scope="openid orders.read")
    return lambda: WEB.exchange(text)


def refresh_token() -> Ask:
    text = Browser("owner").tokens("web", scope="openid offline_access")["refresh_token"]
    return lambda: WEB.refresh(text)


def device_code() -> Ask:
    client = Client.objects.get(client_id="web")
    client.grant_types.append(GRANT)
    client.save()
    device = Device("web").begin(scope="openid orders.read")
    connect(device)
    return device.poll


def nothing() -> Ask:
    return lambda: WEB.token(grant_type="client_credentials")


def subject_token() -> Ask:
    client = Client.objects.get(client_id="web")
    client.grant_types.append(TOKEN_EXCHANGE)
    client.save()
    text = Browser("owner").tokens("web", scope="openid offline_access")["refresh_token"]
    asked = {"subject_token": text, "subject_token_type": exchange.REFRESH_TOKEN}
    return lambda: WEB.token(grant_type=TOKEN_EXCHANGE, **asked)


# How each grant is asked for, with what was presented issued before anything ends.
ROWS: dict[str, Callable[[], Ask]] = {
    "authorization_code": code,
    "refresh_token": refresh_token,
    "client_credentials": nothing,
    GRANT: device_code,
    TOKEN_EXCHANGE: subject_token,
}
OF_A_CLIENT = {"client_credentials"}
GONE = {"client disabled", "client deleted"}  # it is not even authenticated


def sign_in_ended() -> None:
    """Of a person who did not allow that access goes on without them."""
    Authorization.objects.update(offline=False)
    SignIn.objects.update(ended_at=timezone.now())


OF_A_PERSON = {**PERSON_ENDS, "sign-in ended": sign_in_ended}


def test_every_row_of_the_table_is_asked() -> None:
    assert set(ROWS) == set(GRANTS)


@pytest.mark.parametrize(("row", "ending"), meeting(GRANTS, [*CLIENT_ENDS, *OF_A_PERSON]))
def test_no_row_gives_tokens_after_this_ended(row: str, ending: str) -> None:
    ask = ROWS[row]()
    if ending in OF_A_PERSON and row in OF_A_CLIENT:
        return  # nobody to speak of
    kept = AccessToken.objects.count()
    {**CLIENT_ENDS, **OF_A_PERSON}[ending]()
    answer = ask()
    dead = "invalid_request" if row == TOKEN_EXCHANGE else "invalid_grant"  # RFC 8693 section 2.2.2
    expected = (401, "invalid_client") if ending in GONE else (400, dead)
    assert (answer.status_code, answer.json()["error"]) == expected
    assert AccessToken.objects.count() <= kept


@pytest.mark.parametrize(("row", "elsewhere"), meeting(GRANTS, ELSEWHERE))
def test_every_row_goes_on_when_something_else_ends(row: str, elsewhere: str) -> None:
    ask = ROWS[row]()
    ELSEWHERE[elsewhere]()
    assert ask().status_code == 200


@pytest.mark.parametrize("row", GRANTS)
def test_without_a_signing_key_no_row_uses_anything_up(row: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    ask = ROWS[row]()
    keys = list(SigningKey.objects.all())
    SigningKey.objects.all().delete()
    answer = ask()
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    SigningKey.objects.bulk_create(keys)
    assert ask().status_code == 200


@pytest.mark.parametrize("ending", OF_A_PERSON)
def test_a_row_without_steps_is_checked_too(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = refresh_token()
    careless = replace(GRANTS["refresh_token"], steps=())
    monkeypatch.setattr(grants, "GRANTS", {"refresh_token": careless})
    OF_A_PERSON[ending]()
    assert ask().json()["error"] == "invalid_grant"


def test_a_dead_code_tells_nothing_of_what_it_was_good_for() -> None:
    """It is refused before the steps would say what was granted, and nothing it asks for is on record."""
    text = Browser("owner").code("web")
    authorizations.end(str(Authorization.objects.get().pk), "a test")
    answers = [WEB.exchange(text, **more).json() for more in ({}, {"scope": "openid email"}, {"audience": "stranger"})]
    assert answers[0]["error"] == "invalid_grant"
    assert answers == [answers[0]] * 3
