"""Guessing passwords is slow, and no answer tells who has an account."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import get_hasher
from django.core import mail
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts import guesses
from accounts.backend import candidates
from accounts.models import AccountEvent, SignIn, User
from common import counters, slow

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
LOGIN = "/accounts/login/"


@pytest.fixture
def person() -> User:
    return User.objects.create_user("person", "person@example.com", PASSWORD)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each password hash computed: what a stopwatch sees of a sign-in."""
    computed: list[str] = []
    hasher = type(get_hasher())
    encode, verify = hasher.encode, hasher.verify

    def counted_encode(self: Any, password: str, salt: str) -> str:
        computed.append("encode")
        return encode(self, password, salt)

    def counted_verify(self: Any, password: str, encoded: str) -> bool:
        before = len(computed)
        same = verify(self, password, encoded)
        del computed[before:]  # some hashers verify by encoding again: still one hash
        computed.append("verify")
        return same

    monkeypatch.setattr(hasher, "encode", counted_encode)
    monkeypatch.setattr(hasher, "verify", counted_verify)
    return computed


def guess(client: Client, login: str, password: str = "a guess", **extra: Any) -> str:
    response = client.post(LOGIN, {"login": login, "password": password}, **extra)
    return response.content.decode() if response.status_code in (200, 429) else f"{response.status_code}"


def without_token(page: str, login: str) -> str:
    kept = [line for line in page.splitlines() if "csrfmiddlewaretoken" not in line]
    return "\n".join(kept).replace(login, "…")


@pytest.mark.parametrize("login", ["person", "person@example.com", "PERSON@example.com", "Person"])
def test_people_sign_in_by_name_or_address_in_any_case(client: Client, person: User, login: str) -> None:
    response = client.post(LOGIN, {"login": login, "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "/")


def test_names_that_only_a_collation_takes_for_one_sign_in_as_they_are_spelled(client: Client) -> None:
    """What PostgreSQL finds alike in capitals may differ in small letters, where names are unique."""
    for name, password in (("ΑΣ", PASSWORD), ("ας", "another good password")):
        User.objects.create_user(name, password=password)
    for name, password, wrong in (("ΑΣ", PASSWORD, "another good password"), ("ας", "another good password", PASSWORD)):
        assert guess(client, name, wrong) != "302"
        assert guess(client, name, password) == "302"
        assert client.session["_auth_user_id"] == str(User.objects.get(username=name).pk)
        client.logout()


@pytest.mark.parametrize(("known", "unknown"), [("person", "nobody"), ("person@example.com", "nobody@example.com")])
def test_a_wrong_password_and_an_unknown_account_look_alike(
    client: Client, person: User, known: str, unknown: str
) -> None:
    assert without_token(guess(client, known), known) == without_token(guess(client, unknown), unknown)


@pytest.mark.parametrize(
    "login", ["person", "person@example.com", "nobody", "nobody@example.com", "asleep", "asleep@example.com", "keyless"]
)
def test_every_guess_costs_one_hash(client: Client, person: User, hashes: list[str], login: str) -> None:
    User.objects.create_user("asleep", "asleep@example.com", PASSWORD, is_active=False)
    User.objects.create_user("keyless")
    hashes.clear()
    guess(client, login)
    assert len(hashes) == 1


def test_a_deactivated_account_shows_itself_only_to_its_password(client: Client) -> None:
    User.objects.create_user("asleep", "asleep@example.com", PASSWORD, is_active=False)
    assert without_token(guess(client, "asleep"), "asleep") == without_token(guess(client, "nobody"), "nobody")
    response = client.post(LOGIN, {"login": "asleep", "password": PASSWORD})
    assert response["Location"] == reverse("account_inactive")
    assert "_auth_user_id" not in client.session


def test_two_people_with_a_name_that_is_the_others_address_both_get_in(client: Client, person: User) -> None:
    User.objects.create_user("person@example.com", password="another long phrase")
    assert guess(client, "person@example.com", PASSWORD) == "302"
    client.logout()
    assert guess(client, "person@example.com", "another long phrase") == "302"


def test_after_five_wrong_guesses_even_the_right_password_waits(client: Client, person: User) -> None:
    for _ in range(5):
        guess(client, "person")
    page = guess(client, "person", PASSWORD)
    assert "Too many wrong" in page
    assert "_auth_user_id" not in client.session


def test_another_browser_address_or_host_name_is_no_way_round_the_limit(person: User) -> None:
    for number in range(5):
        guess(Client(), "person", REMOTE_ADDR=f"192.0.2.{number}", HTTP_HOST=f"localhost:{1000 + number}")
    assert "Too many wrong" in guess(Client(), "person", PASSWORD, REMOTE_ADDR="198.51.100.1", HTTP_HOST="127.0.0.1:99")


@pytest.mark.any_database
def test_one_address_cannot_try_many_accounts(client: Client) -> None:
    for number in range(guesses.NETWORK.amount):
        assert "Too many" not in guess(client, f"person{number}")
    assert "Too many wrong" in guess(client, "another")
    assert "Too many wrong" not in guess(client, "another", REMOTE_ADDR="192.0.2.1")


@pytest.mark.any_database
def test_nobody_chooses_the_address_that_is_counted(client: Client) -> None:
    for number in range(guesses.NETWORK.amount):
        guess(client, f"person{number}", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
    assert "Too many wrong" in guess(client, "another", HTTP_X_FORWARDED_FOR="192.0.2.99")


@pytest.mark.any_database
def test_the_addresses_of_one_ipv6_network_count_as_one(client: Client) -> None:
    for number in range(guesses.NETWORK.amount):
        guess(client, f"person{number}", REMOTE_ADDR=f"2001:db8::{number:x}")
    assert "Too many wrong" in guess(client, "another", REMOTE_ADDR="2001:db8::ffff")


@pytest.mark.any_database
def test_a_network_that_many_people_share_may_err_more(client: Client, settings: Any) -> None:
    settings.IDP_SHARED_NETWORKS = ["198.51.100.0/24"]
    for number in range(guesses.NETWORK.amount + 20):
        assert "Too many" not in guess(client, f"person{number}", REMOTE_ADDR="198.51.100.7")
    assert counters.is_reached(guesses.NETWORK, "198.51.100.7")


@pytest.mark.any_database
def test_a_crowd_with_right_passwords_signs_in_at_one_address(person: User) -> None:
    """An office on Monday morning: 40 sign-ins a minute from one address, none of them wrong."""
    for _ in range(40):
        assert guess(Client(), "person", PASSWORD) == "302"
    assert not counters.clear(guesses.NETWORK, "127.0.0.1")


@pytest.mark.any_database
def test_one_account_fills_no_networks_counter(client: Client, person: User) -> None:
    for _ in range(guesses.NETWORK.amount + 5):
        guess(client, "person")
    assert "Too many wrong" not in guess(client, "another")


def test_names_and_addresses_of_one_account_count_together(client: Client, person: User) -> None:
    for number in range(5):
        guess(client, "PERSON" if number % 2 else "person@example.com")
    assert "Too many wrong" in guess(client, "person", PASSWORD)


@pytest.mark.parametrize(
    "logins", [("person", "Person"), ("person@example.com", "PERSON@example.com"), ("nobody", "NOBODY"), ("n@e.org",)]
)
def test_the_sixth_try_waits_whether_or_not_there_is_such_an_account(person: User, logins: tuple[str, ...]) -> None:
    """And in whatever case it is written. Two names of one account are told by it: the price of counting them together
    (decision 159)."""
    tries = [Client().post(LOGIN, {"login": logins[number % len(logins)], "password": "x"}) for number in range(7)]
    assert [one.status_code for one in tries] == [200] * 5 + [429] * 2


def test_who_must_wait_is_told_how_long(client: Client, person: User) -> None:
    for _ in range(5):
        guess(client, "person")
    response = client.post(LOGIN, {"login": "person", "password": PASSWORD})
    assert (response.status_code, response["Retry-After"]) == (429, "300")
    assert "Wait five minutes" in response.content.decode()


def test_a_right_password_in_between_does_not_reset_the_count(client: Client, person: User) -> None:
    for _ in range(4):
        guess(client, "person")
    assert guess(Client(), "person", PASSWORD) == "302"
    guess(client, "person")
    assert "Too many wrong" in guess(Client(), "person", PASSWORD)


def test_an_address_that_is_not_verified_is_a_login_name_only_where_it_is_in_use(person: User) -> None:
    other = User.objects.create_user("other", "other@example.com", "another long phrase")
    added = EmailAddress.objects.create(user=other, email=person.email, verified=False)
    assert candidates(person.email, person.email) == [person]
    added.delete()
    proved = EmailAddress.objects.create(user=other, email="second@example.com", verified=True)
    assert candidates(proved.email, "") == [other]
    User.objects.filter(pk=person.pk).update(email=proved.email)
    assert candidates(proved.email, "") == [other], "who has verified it comes before who has not"


def test_a_known_browser_of_one_account_is_no_way_to_guess_at_another(person: User) -> None:
    """Their login is the same text: the name of one, the address in use of the other."""
    User.objects.filter(pk=person.pk).update(username="same@example.com")
    User.objects.create_user("other", "same@example.com", "another long phrase")
    for _ in range(2):
        browser = Client()
        assert guess(browser, "other", "another long phrase") == "302"
        browser.post(reverse("account_logout"))
        for _ in range(5):
            guess(browser, "same@example.com")
    assert "Too many wrong" in guess(browser, "same@example.com", PASSWORD)
    assert counters.is_reached(guesses.PASSWORDS, str(person.sub), "")
    assert counters.clear(guesses.NETWORK, "127.0.0.1"), "their network counts, as one account does not know it"


def test_wrong_guesses_at_one_account_do_not_refuse_another_with_the_same_login(client: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(username="same@example.com")
    User.objects.create_user("other", "same@example.com", "another long phrase")
    for _ in range(5):
        guess(client, "other")
    assert "Too many wrong" not in guess(Client(), "same@example.com", "another long phrase"), "it was not tried"
    assert guess(Client(), "same@example.com", PASSWORD) == "302"


def test_who_knows_a_persons_sub_cannot_lock_them_out_with_it(client: Client, person: User) -> None:
    """Every app has it. No event would tell of such a lock-out, so nobody could lift it."""
    for _ in range(guesses.PASSWORDS.amount):
        guess(client, str(person.sub))
    assert guess(Client(), "person", PASSWORD) == "302"


def test_a_password_that_was_not_tried_is_not_wrong(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy() -> None:
        raise slow.Busy

    with monkeypatch.context() as patched:
        patched.setattr(slow, "turn", busy)
        for _ in range(5):
            assert guess(Client(raise_request_exception=False), "person", PASSWORD) == "503"
    assert not counters.clear(guesses.PASSWORDS, str(person.sub), "")
    assert guess(Client(), "person", PASSWORD) == "302"


def test_right_passwords_at_once_lock_nobody_out(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    request = RequestFactory().get(LOGIN)
    at_once = [guesses.guess(request, guesses.PASSWORDS, person) for _ in range(10)]
    with monkeypatch.context() as patched:  # all of them ask before the first one is counted
        patched.setattr(counters, "is_reached", lambda *_who: False)
        tried = [one for one in at_once if not one.is_one_too_many()]
    assert len(tried) == 5
    for one in tried:
        one.take_back()
    assert guess(Client(), "person", PASSWORD) == "302"


def test_guesses_at_reauthentication_are_limited_too(client: Client, person: User) -> None:
    client.force_login(person)
    url = reverse("account_reauthenticate")
    for _ in range(5):
        client.post(url, {"password": "a guess"})
    response = client.post(url, {"password": PASSWORD})
    assert (response.status_code, response["Retry-After"]) == (429, "300")
    assert "reauthenticated" not in str(client.session.get("account_authentication_methods"))


def test_too_many_mails_of_one_address_get_a_friendly_page(client: Client) -> None:
    for number in range(20):
        client.post(reverse("account_reset_password"), {"email": address(number)})
    response = client.post(reverse("account_reset_password"), {"email": address(20)})
    assert (response.status_code, response["Retry-After"]) == (429, "60")
    assert "Wait a few minutes" in response.content.decode()


def test_asking_for_a_reset_answers_alike_and_mails_in_both_cases(client: Client, person: User) -> None:
    url = reverse("account_reset_password")
    known = client.post(url, {"email": person.email})
    unknown = client.post(url, {"email": "nobody@example.com"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [message.to for message in mail.outbox] == [[person.email], ["nobody@example.com"]]
    assert mail.outbox[0].subject == mail.outbox[1].subject
    assert "/accounts/password/reset/key/" not in mail.outbox[1].body


def test_a_mail_server_that_fails_tells_nothing(
    client: Client, person: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)
    response = client.post(reverse("account_reset_password"), {"email": person.email})
    assert response["Location"] == reverse("account_reset_password_done")
    assert "could not be sent" in caplog.text
    assert person.email not in caplog.text


@pytest.mark.parametrize(
    "login", ["\x00", "a" * 100_000, "😀", "person\r\nX-Header: 1", "%00", "' OR 1=1 --", "\u202e"]
)
def test_no_login_text_breaks_the_page(client: Client, login: str) -> None:
    assert client.post(LOGIN, {"login": login, "password": "x"}).status_code == 200


@pytest.mark.any_database
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "http:evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "http://testserver.evil.example/",
        "http://localhost:9999/",
        " https://evil.example",
        "\thttps://evil.example",
        "%2f%2fevil.example",
        "evil.example",
    ],
)
def test_next_never_leaves_the_site(client: Client, person: User, target: str) -> None:
    for name in ("account_login", "account_reauthenticate", "account_logout", "account_login"):
        response = client.post(reverse(name), {"login": "person", "password": PASSWORD, "next": target})
        assert response.status_code == 302
        assert response["Location"] == "/"
    assert client.post(reverse("account_switch"), {"next": target})["Location"] == "/accounts/login/"


def address(number: int) -> str:
    return f"somebody{number}@example.com"


@pytest.mark.parametrize(
    ("name", "times", "form"),
    [
        ("account_change_password", 5, {"oldpassword": "a guess", "password1": "x", "password2": "x"}),
        ("account_email", 10, {"action_add": "", "email": "not an address"}),
        ("account_reauthenticate", 10, {}),
    ],
)
def test_somebody_at_a_stolen_session_tries_a_few_times(
    client: Client, person: User, name: str, times: int, form: dict[str, str]
) -> None:
    client.force_login(person)
    for _ in range(times):
        assert client.post(reverse(name), form).status_code != 429
    assert client.post(reverse(name), form).status_code == 429


def test_one_address_does_not_make_us_mail_to_many_people(client: Client) -> None:
    url = reverse("account_reset_password")
    for number in range(20):
        assert client.post(url, {"email": address(number)}).status_code == 302
    assert client.post(url, {"email": address(20)}).status_code == 429
    assert len(mail.outbox) == 20


def test_many_addresses_do_not_make_us_mail_to_one_person_again_and_again(person: User) -> None:
    for number in range(9):
        Client().post(reverse("account_reset_password"), {"email": person.email}, REMOTE_ADDR=f"192.0.2.{number}")
    assert len(mail.outbox) == 5


def test_keys_of_reset_mails_are_not_tried_one_after_the_other(client: Client) -> None:
    urls = [reverse("account_reset_password_from_key", args=["1", f"{number}-guess"]) for number in range(21)]
    assert {client.post(url).status_code for url in urls[:20]} == {200}
    assert client.post(urls[20]).status_code == 429


def test_one_address_does_not_sign_up_again_and_again(client: Client, settings: Any) -> None:
    settings.IDP_SIGNUP_OPEN = True
    url = reverse("account_signup")
    for _ in range(20):
        assert client.post(url, {"email": "", "password1": ""}).status_code == 200
    assert client.post(url, {"email": address(1), "password1": PASSWORD}).status_code == 429
    assert not User.objects.exists()


def test_a_link_to_verify_an_address_is_mailed_once_in_three_minutes(client: Client, person: User) -> None:
    client.post(LOGIN, {"login": "person", "password": PASSWORD})
    url = reverse("account_email")
    client.post(url, {"action_add": "", "email": address(1)})
    for _ in range(3):
        client.post(url, {"action_send": "", "email": address(1)})
    assert [message.to for message in mail.outbox].count([address(1)]) == 1


def test_what_a_proxy_says_of_an_address_fits_its_columns(client: Client, person: User, settings: Any) -> None:
    settings.IDP_TRUSTED_PROXIES = ["127.0.0.1"]
    said = {"HTTP_X_FORWARDED_FOR": "x" * 100}
    guess(client, "person", **said)
    assert guess(client, "person", PASSWORD, **said) == "302"
    kept = [*AccountEvent.objects.values_list("address", flat=True), SignIn.objects.get().address]
    assert kept == ["x" * 45] * 3
