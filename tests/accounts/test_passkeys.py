"""Passkeys: whatever a browser sends as one is only data, and they belong to the issuer's name alone."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse
from fido2.utils import websafe_decode

from accounts.models import SignIn, User
from accounts.passkeys import may_be_offered
from tests.accounts.authenticators import SecurityKey
from tests.accounts.second_steps import PASSWORD, enrol, give_password

pytestmark = pytest.mark.django_db

ISSUER = "http://localhost:8000"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def client_data(**more: Any) -> str:
    return encoded(json.dumps({"type": "webauthn.get", "challenge": "AAAA", "origin": ISSUER, **more}).encode())


def answer(**response: Any) -> str:
    data = {"clientDataJSON": client_data(), "authenticatorData": encoded(b"x" * 37), "signature": encoded(b"x")}
    body = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {**data, **response}}
    return json.dumps({**body, "clientExtensionResults": {}})


DAMAGED = [
    "",
    "x",
    "null",
    "[]",
    "1",
    "1e999",
    '"text"',
    "{}",
    '{"response": null}',
    '{"response": {"clientDataJSON": 1}}',
    '{"response": {"clientDataJSON": "!!!"}}',
    '{"response": {"clientDataJSON": "\\ud800"}}',
    "[" * 5000,
    "{" + '"a": "' + "x" * 20_000 + '"}',
    answer(),
    answer(authenticatorData=""),
    answer(authenticatorData=encoded(b"\xff" * 200)),
    answer(userHandle=encoded(b"1")),
    answer(userHandle=encoded(b"\0")),
    answer(userHandle=encoded(b"9" * 400)),
    answer(userHandle=encoded(b"\xff\xfe")),
    answer(userHandle={}),
    answer(clientDataJSON=encoded(b"{}")),
    answer(clientDataJSON=encoded(b"[]")),
    answer(attestationObject=encoded(b"\xa1")),
    answer(attestationObject=encoded(b"\xbf" * 100)),
    answer(clientDataJSON=client_data(challenge=5)),
]


@pytest.fixture
def person() -> User:
    return User.objects.create_user("person", "person@example.com", PASSWORD)


@pytest.mark.any_database
@pytest.mark.parametrize("sent", DAMAGED)
def test_a_damaged_answer_signs_nobody_in(client: Client, person: User, sent: str) -> None:
    client.get(reverse("mfa_login_webauthn"), HTTP_ACCEPT="application/json")
    response = client.post(reverse("mfa_login_webauthn"), {"credential": sent, "next": "/somewhere"})
    assert (response.status_code, response["Location"]) == (302, f"{reverse('account_login')}?next=%2Fsomewhere")
    assert not client.get("/").wsgi_request.user.is_authenticated


@pytest.mark.any_database
@pytest.mark.parametrize("sent", DAMAGED)
def test_a_damaged_answer_is_no_second_step(client: Client, person: User, sent: str) -> None:
    enrol(person)
    give_password(client, person)
    response = client.post(reverse("mfa_authenticate"), {"credential": sent})
    assert response.status_code == 200
    assert not client.get("/").wsgi_request.user.is_authenticated


@pytest.mark.any_database
@pytest.mark.parametrize("sent", DAMAGED)
def test_a_damaged_passkey_is_not_added(client: Client, person: User, sent: str) -> None:
    give_password(client, person)
    client.get(reverse("mfa_add_webauthn"))
    response = client.post(reverse("mfa_add_webauthn"), {"credential": sent, "name": "x"})
    assert response.status_code == 200
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize(
    "more", [{"origin": "http://sub.localhost:8000"}, {"origin": "https://evil.example"}, {"crossOrigin": True}]
)
def test_an_answer_given_to_another_page_is_refused_before_anything_is_read(
    client: Client, person: User, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []
    monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.parse_authentication_response", read.append)
    client.post(reverse("mfa_login_webauthn"), {"credential": answer(clientDataJSON=client_data(**more))})
    assert read == []
    client.post(reverse("mfa_login_webauthn"), {"credential": answer()})
    assert len(read) == 1


def test_browsers_name_the_origin_alone_when_the_issuer_has_a_path(
    client: Client, person: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []
    monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.parse_authentication_response", read.append)
    settings.IDP_ISSUER = f"{ISSUER}/auth"
    client.post(reverse("mfa_login_webauthn"), {"credential": answer()})
    assert len(read) == 1


def test_passkeys_belong_to_the_issuer_whatever_the_host_header_says(client: Client, person: User) -> None:
    give_password(client, person)
    asked = client.get(reverse("mfa_add_webauthn"), HTTP_HOST="127.0.0.1").context["js_data"]
    assert asked["creation_options"]["publicKey"]["rp"]["id"] == "localhost"
    options = client.get(reverse("mfa_login_webauthn"), HTTP_HOST="127.0.0.1", HTTP_ACCEPT="application/json")
    assert options.status_code in (200, 302)
    anonymous = Client().get(reverse("mfa_login_webauthn"), HTTP_HOST="127.0.0.1", HTTP_ACCEPT="application/json")
    assert anonymous.json()["request_options"]["publicKey"]["rpId"] == "localhost"
    assert anonymous.json()["request_options"]["publicKey"]["userVerification"] == "required"


def test_passkeys_are_not_limited_by_address() -> None:
    """Nobody guesses one, and an office has one address."""
    client = Client()
    answers = {client.post(reverse("mfa_login_webauthn"), {"credential": "x"}).status_code for _number in range(40)}
    assert answers == {302}


def test_nobody_renames_or_removes_a_passkey_of_somebody_else(client: Client, person: User) -> None:
    other = User.objects.create_user("other", password=PASSWORD)
    theirs = Authenticator.objects.create(user=other, type="webauthn", data={"name": "Theirs", "credential": {}})
    give_password(client, person)
    for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        assert client.post(reverse(name, args=[theirs.pk]), {"name": "Mine"}).status_code == 404
    theirs.refresh_from_db()
    assert theirs.data["name"] == "Theirs"


@pytest.mark.parametrize("name", ["", "x" * 61, "a\0b"])
def test_a_name_that_is_none_is_refused(client: Client, person: User, name: str) -> None:
    mine = Authenticator.objects.create(user=person, type="webauthn", data={"name": "Mine", "credential": {}})
    client.force_login(person)
    assert client.post(reverse("mfa_edit_webauthn", args=[mine.pk]), {"name": name}).status_code == 200
    assert client.post(reverse("mfa_edit_webauthn", args=[mine.pk]), {"name": "Phone"}).status_code == 302
    mine.refresh_from_db()
    assert mine.data["name"] == "Phone"


def signs_in(client: Client, credential: str) -> bool:
    client.post(reverse("mfa_login_webauthn"), {"credential": credential})
    return bool(client.get("/").wsgi_request.user.is_authenticated)


def test_a_passkey_that_verified_its_person_signs_in_alone(client: Client, person: User) -> None:
    key = SecurityKey(person)
    options = client.get(reverse("mfa_login_webauthn"), HTTP_ACCEPT="application/json").json()["request_options"]
    assert signs_in(client, key.answer(options, verified=True))
    assert SignIn.objects.get().acr == "aal2"


def alone_options(client: Client) -> Any:
    return client.get(reverse("mfa_login_webauthn"), HTTP_ACCEPT="application/json").json()["request_options"]


def test_a_passkey_that_is_a_second_step_signs_nobody_in_alone(client: Client, person: User) -> None:
    """Whatever it verified, and though a browser sends the right handle: its person did not allow it."""
    key = SecurityKey(person, alone=False)
    answered = client.post(
        reverse("mfa_login_webauthn"), {"credential": key.answer(alone_options(client), verified=True)}, follow=True
    )
    assert "This passkey is a second step. Give your password first" in answered.content.decode()
    assert not SignIn.objects.exists()

    give_password(client, person)
    options = client.get(reverse("mfa_authenticate")).context["js_data"]["request_options"]
    client.post(reverse("mfa_authenticate"), {"credential": key.answer(options, verified=False)})
    assert SignIn.objects.get().amr == ["pwd", "swk", "mfa"]


@pytest.mark.parametrize("stored", [{}, {"alone": "yes"}, {"clientExtensionResults": {"credProps": {"rk": True}}}])
def test_nothing_but_the_persons_word_lets_a_passkey_stand_alone(
    client: Client, person: User, stored: dict[str, Any]
) -> None:
    key = SecurityKey(person)
    row = Authenticator.objects.get()
    del row.data["credential"]["alone"]
    row.data["credential"] |= stored
    row.save()
    assert not signs_in(client, key.answer(alone_options(client), verified=True))


@pytest.mark.parametrize("alone", [True, False])
def test_who_adds_a_passkey_says_whether_it_stands_alone(client: Client, person: User, alone: bool) -> None:
    key = SecurityKey(person)
    Authenticator.objects.all().delete()
    client.force_login(person)
    options = client.get(reverse("mfa_add_webauthn")).context["js_data"]["creation_options"]
    sent = {"credential": key.enrolment(options), "name": "Key", **({"passwordless": "on"} if alone else {})}
    assert client.post(reverse("mfa_add_webauthn"), sent).status_code == 302
    assert Authenticator.objects.get(type="webauthn").data["credential"]["alone"] is alone
    visitor = Client()
    assert signs_in(visitor, key.answer(alone_options(visitor), verified=True)) is alone


def test_passkeys_name_their_person_by_chance_and_not_by_a_row(client: Client, person: User) -> None:
    other = User.objects.create_user("other", password=PASSWORD)
    handles = []
    for one in (person, person, other):
        client.force_login(one)
        options = client.get(reverse("mfa_add_webauthn")).context["js_data"]["creation_options"]
        handles.append(websafe_decode(options["publicKey"]["user"]["id"]))
    assert handles[0] == handles[1] != handles[2]
    assert {len(handle) for handle in handles} == {64}
    key = SecurityKey(person)
    client.logout()
    for wrong in (str(person.pk).encode(), handles[2], handles[0][:32], b""):
        assert not signs_in(client, key.answer(alone_options(client), verified=True, handle=wrong)), wrong
    assert signs_in(client, key.answer(alone_options(client), verified=True, handle=handles[0]))


def test_a_challenge_for_the_second_step_never_makes_a_passkey_the_only_one(client: Client, person: User) -> None:
    """Whoever found a key could get a challenge that needs no PIN in an account of their own, and wait."""
    found, own = SecurityKey(person), User.objects.create_user("finder", password=PASSWORD)
    SecurityKey(own)
    give_password(client, own)
    options = client.get(reverse("mfa_authenticate")).context["js_data"]["request_options"]
    assert options["publicKey"]["userVerification"] == "preferred"
    session = client.session
    session[LOGIN_SESSION_KEY] = {**session[LOGIN_SESSION_KEY], "initiated_at": 1}  # as after a quarter of an hour
    session.save()
    assert not signs_in(client, found.answer(options, verified=False))
    assert not SignIn.objects.exists()


def test_a_passkey_signs_nobody_in_who_is_deactivated(client: Client, person: User) -> None:
    key = SecurityKey(person)
    User.objects.update(is_active=False)
    options = client.get(reverse("mfa_login_webauthn"), HTTP_ACCEPT="application/json").json()["request_options"]
    assert not signs_in(client, key.answer(options, verified=True))
    assert not SignIn.objects.exists()


def test_a_first_password_needs_a_person_who_proved_themselves_just_now(client: Client, person: User) -> None:
    """Whoever finds a browser of somebody who has passkeys only would else have the account for good."""
    person.set_unusable_password()
    person.save()
    key, url, confirm = SecurityKey(person), reverse("account_set_password"), reverse("mfa_reauthenticate_webauthn")
    client.force_login(person)
    SignIn.objects.update(auth_time="2020-01-01T00:00:00Z")
    new = {"password1": "of whoever found it", "password2": "of whoever found it"}
    asked = client.get(url)["Location"]
    assert asked == f"{confirm}?{urlencode({'next': url})}"
    assert client.post(url, new)["Location"] == url
    assert new["password1"] not in str(dict(client.session))
    person.refresh_from_db()
    assert not person.has_usable_password()

    options = client.get(asked).context["js_data"]["request_options"]
    answered = client.post(asked, {"credential": key.answer(options, verified=True), "next": url})
    assert answered["Location"] == url
    client.post(url, new)
    person.refresh_from_db()
    assert person.check_password(new["password1"])


def test_a_passkey_is_offered_to_whoever_typed_a_password_and_has_none() -> None:
    person = User.objects.create_user("person", password="some words")
    http = Client()
    http.post("/accounts/login/", {"login": "person", "password": "some words"})
    row = SignIn.objects.get(user=person)
    assert "Add a passkey" in http.get("/").content.decode()
    SignIn.objects.filter(pk=row.pk).update(amr=["swk", "mfa"])
    row.refresh_from_db()
    assert not may_be_offered(row)
    assert not may_be_offered(None)
    SignIn.objects.filter(pk=row.pk).update(amr=["pwd"])
    Authenticator.objects.create(user=person, type=Authenticator.Type.WEBAUTHN, data={})
    assert "Add a passkey" not in http.get("/").content.decode()
