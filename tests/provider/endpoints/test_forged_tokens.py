"""JWTs we did not sign for this purpose are nothing: at userinfo, introspection, tokeninfo and revocation."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from clients.models import Client, RevokedToken, SigningKey
from clients.models.keys import KeyState
from provider.keys import keyring
from tests.provider.endpoints.forging import forgeries, resigned
from tests.world import App, Browser, header_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@pytest.fixture
def genuine() -> str:
    Client.objects.filter(client_id__in=["web", "service"]).update(access_token_format="jwt")
    return str(Browser("owner").tokens("web", scope="openid email")["access_token"])


def is_nothing(token: str) -> bool:
    """Revoked only at last: a token on the deny-list would be nothing whatever else it says."""
    app = App("web")
    nothing = (
        app.userinfo(token).status_code == 401
        and app.introspect(token).json() == {"active": False}
        and app.post("/oauth2/tokeninfo", {"access_token": token}, auth=None).status_code == 400
    )
    return nothing and app.post("/oauth2/revoke", {"token": token}).status_code == 200


def test_what_is_signed_anew_would_work_if_nothing_were_changed(genuine: str) -> None:
    assert App("web").userinfo(resigned(genuine)).status_code == 200
    assert not is_nothing(resigned(genuine))


def test_the_genuine_one_works_and_names_its_type(genuine: str) -> None:
    header = header_of(genuine)
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert App("web").userinfo(genuine).status_code == 200
    assert App("web").introspect(genuine).json()["active"] is True


def test_forgeries_are_nothing(genuine: str) -> None:
    for name, forged in forgeries(genuine).items():
        assert is_nothing(forged), name
    assert App("web").userinfo(genuine).status_code == 200
    assert not RevokedToken.objects.exists()


def test_our_signature_under_another_type_is_nothing(genuine: str) -> None:
    id_token = Browser("owner").tokens("web")["id_token"]
    assert is_nothing(id_token)
    for typ in ("JWT", "at+JWT", "AT+JWT", "application/at+jwt", "logout+jwt", "token-introspection+jwt", "dpop+jwt"):
        assert is_nothing(resigned(genuine, typ=typ)), typ


def test_an_id_token_with_the_claims_of_an_access_token_is_nothing(genuine: str) -> None:
    answer = Browser("owner").tokens("web")["id_token"]
    assert is_nothing(resigned(answer, client_id="web", scope="openid"))


def test_another_issuer_is_nothing(genuine: str) -> None:
    for issuer in ("https://other.example", "http://localhost:8000/", "http://LOCALHOST:8000", None, ["x"]):
        assert is_nothing(resigned(genuine, iss=issuer))
    assert is_nothing(resigned(genuine, without="iss"))


def test_an_expired_one_is_nothing(genuine: str) -> None:
    assert is_nothing(resigned(genuine, exp=int(time.time()) - 1))
    with time_machine.travel(timezone.now() + timedelta(seconds=3601)):
        assert is_nothing(genuine)


def test_another_client_or_person_than_its_authorization_is_nothing(genuine: str) -> None:
    own = App("service").token(grant_type="client_credentials").json()["access_token"]
    assert App("service").introspect(own).json()["active"] is True
    assert is_nothing(resigned(genuine, sub="web")), "a client's token has no authorization"
    assert is_nothing(resigned(own, sub="somebody")), "a person's has one"
    assert is_nothing(resigned(genuine, client_id="nobody"))


def test_a_next_or_retired_key_is_known_and_a_deleted_one_is_not(genuine: str) -> None:
    active = SigningKey.objects.get(algorithm="ES256", state=KeyState.ACTIVE)
    keyring.activate(SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT))
    assert App("web").userinfo(genuine).status_code == 200
    active.delete()
    assert is_nothing(genuine)


def test_absurd_sizes_are_answered_quickly() -> None:
    began = time.monotonic()
    for token in ("a." * 2_000_000, "." * 5_000_000, "A" * 2_500_000 + "." + "B" * 2_500_000 + ".", "..", "a.b.c"):
        assert App("web").userinfo(token).status_code == 401
    assert time.monotonic() - began < 20
