"""A browser that somebody has signed in with is known: others' wrong guesses do not lock them out of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts import guesses
from accounts.models import User
from common import counters
from tests.accounts.second_steps import PASSWORD, code, enrol, give_code, give_password, wrong_code
from tests.world import Response

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


@pytest.fixture
def person() -> User:
    return User.objects.create_user("person", "person@example.com", PASSWORD)


@pytest.fixture
def theirs(person: User) -> Client:
    """Their browser, signed out."""
    client = Client()
    assert sign_in(client).status_code == 302
    client.post("/accounts/logout/")
    return client


def sign_in(client: Client, password: str = PASSWORD, login: str = "person", address: str = "127.0.0.1") -> Response:
    return client.post(LOGIN, {"login": login, "password": password}, REMOTE_ADDR=address)


def lock_out(login: str = "person") -> None:
    """Others guess, from wherever they are, and unknown browsers must wait."""
    for number in range(guesses.PASSWORDS.amount):
        sign_in(Client(), "a guess", login, f"192.0.2.{number}")
    assert sign_in(Client(), PASSWORD, login).status_code == 429


def test_others_do_not_lock_people_out_of_their_own_browser(theirs: Client) -> None:
    lock_out()
    assert sign_in(theirs).status_code == 302


@pytest.mark.any_database
def test_a_crowded_network_does_not_either(theirs: Client) -> None:
    for number in range(guesses.NETWORK.amount):
        sign_in(Client(), "a guess", f"nobody{number}")
    assert sign_in(Client()).status_code == 429
    assert sign_in(theirs).status_code == 302


def test_guesses_in_a_known_browser_are_limited_as_well(theirs: Client) -> None:
    for _ in range(guesses.PASSWORDS.amount):
        assert sign_in(theirs, "a guess").status_code == 200
    assert sign_in(theirs).status_code == 429
    assert sign_in(Client()).status_code == 302, "and lock nobody out elsewhere"


def test_a_browser_is_known_to_the_accounts_that_signed_in_there_only(theirs: Client) -> None:
    User.objects.create_user("victim", "victim@example.com", PASSWORD)
    lock_out("victim")
    assert sign_in(theirs, login="victim").status_code == 429


def test_a_wrong_password_makes_no_browser_known(person: User) -> None:
    client = Client()
    sign_in(client, "a guess")
    assert guesses.cookie_name() not in client.cookies


def test_nobody_makes_the_cookie_up(theirs: Client) -> None:
    lock_out()
    theirs.cookies[guesses.cookie_name()] = theirs.cookies[guesses.cookie_name()].value[:-1] + "-"
    assert sign_in(theirs).status_code == 429


def test_a_browser_is_forgotten_after_a_year(theirs: Client) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=366)):
        lock_out()
        assert sign_in(theirs).status_code == 429


def test_scripts_and_other_sites_do_not_see_the_cookie(theirs: Client) -> None:
    cookie = theirs.cookies[guesses.cookie_name()]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


def test_a_browser_is_known_to_few_accounts(theirs: Client) -> None:
    for number in range(guesses.MAX_ACCOUNTS):
        User.objects.create_user(f"other{number}", password=PASSWORD)
        sign_in(theirs, login=f"other{number}")
        theirs.post("/accounts/logout/")
    lock_out()
    assert sign_in(theirs).status_code == 429
    assert len(theirs.cookies[guesses.cookie_name()].value) < 1000


def test_wrong_codes_of_others_do_not_lock_people_out_either(theirs: Client, person: User) -> None:
    enrol(person)
    for number in range(guesses.CODES.amount):
        client = Client(REMOTE_ADDR=f"192.0.2.{number}")
        give_password(client, person)
        give_code(client, wrong_code())
    stranger = Client()
    give_password(stranger, person)
    assert give_code(stranger, code()).status_code == 429
    give_password(theirs, person)
    assert give_code(theirs, code()).status_code == 302
    assert "_auth_user_id" in theirs.session


def test_people_sign_in_while_the_cache_is_away(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process then counts for itself: guesses stay limited, and a code works once in each."""

    class Gone:
        def __getitem__(self, alias: str) -> object:
            raise ConnectionError("no cache")

    monkeypatch.setattr(counters, "caches", Gone())
    enrol(person)
    client, given = Client(), code()
    give_password(client, person)
    assert give_code(client, given).status_code == 302
    again = Client()
    give_password(again, person)
    assert give_code(again, given).status_code == 200, "used"
    lock_out()


def test_a_browser_stays_known_to_five_people_with_long_subs(client: Client) -> None:
    for number in range(guesses.MAX_ACCOUNTS):
        User.objects.create_user(f"person-{number}", password=PASSWORD, sub=f"{number}" + "人" * 254)
        sign_in(client, login=f"person-{number}")
        client.post("/accounts/logout/")
    assert len(client.cookies[guesses.cookie_name()].value) < 1000
    lock_out("person-0")
    assert sign_in(client, login="person-0").status_code == 302
