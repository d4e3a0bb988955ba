"""`ui_locales`, `display`, `login_hint`, `claims_locales`: what helps the person, and changes nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client as Http
from django.urls import reverse

from provider.endpoints import locales
from provider.endpoints.authorize import MAX_LOGIN_HINT
from tests.world import Browser, Response, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]


@pytest.fixture(autouse=True)
def _languages(settings: Any) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("ar", "Arabic")]


def language(response: Response) -> tuple[str, bool]:
    """What the page says of itself, in its header and in its markup."""
    found = response["Content-Language"]
    return found, f'<html lang="{found}"'.encode() in response.content


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-CH", "de"),
        ("fr de en", "de"),
        ("tlh  ar-EG de", "ar"),
        ("fr", "en"),
        ("", "en"),
        ("../../x", "en"),
        ("de;q=0.5", "en"),
        ("x" * 2000, "en"),
        ("fr " * 20 + "de", "en"),
    ],
)
def test_the_first_language_we_speak_is_taken(asked: str, spoken: str) -> None:
    assert language(Browser("owner").authorize("web", ui_locales=asked)) == (spoken, True)


def test_the_language_lasts_from_the_request_to_the_consent_page_without_scripts() -> None:
    browser = Browser(http=Http(HTTP_ACCEPT_LANGUAGE="en"))
    sent_on = browser.authorize("web", ui_locales="fr de")
    assert language(browser.http.get(sent_on["Location"])) == ("de", True)
    here = parse_qs(urlsplit(sent_on["Location"]).query)["next"][0]
    wrong = browser.http.post("/accounts/login/", {"login": "owner", "password": "wrong", "next": here})
    assert language(wrong) == ("de", True)
    assert language(browser.http.get("/accounts/password/reset/")) == ("de", True)
    browser.http.post("/accounts/login/", {"login": "owner", "password": "owner-pw", "next": here})
    page = browser.http.get(here)
    assert language(page) == ("de", True)
    assert redirected(browser.answer(page))["code"]
    assert language(browser.http.get("/accounts/email/")) == ("en", True), "it was for that request"


def test_another_request_that_says_nothing_is_not_answered_in_the_language_of_the_last() -> None:
    browser = Browser()
    browser.authorize("web", ui_locales="de")
    assert language(browser.http.get(browser.authorize("web")["Location"])) == ("en", True)


def test_only_account_pages_are_told() -> None:
    browser = Browser()
    sent_on = browser.authorize("web", ui_locales="de")
    cookie = sent_on.cookies[settings.IDP_LOCALES_COOKIE_NAME]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/accounts/", True, "Lax")
    assert reverse("account_login").startswith(locales.PATH)


def test_error_pages_speak_it_too() -> None:
    page = Browser("owner").authorize("nobody", ui_locales="de")
    assert (page.status_code, language(page)) == (400, ("de", True))


def test_the_browsers_own_preference_counts_where_the_app_has_none() -> None:
    http = Http(HTTP_ACCEPT_LANGUAGE="ar,en")
    assert language(Browser("owner", http).authorize("web")) == ("ar", True)
    assert language(Browser("owner", http).authorize("web", ui_locales="de")) == ("de", True)


def test_a_forged_cookie_is_no_language() -> None:
    http = Http()
    http.cookies[settings.IDP_LOCALES_COOKIE_NAME] = "../../../etc/passwd \xff"
    assert language(http.get("/accounts/login/")) == ("en", True)


def test_a_repeated_ui_locales_is_refused_as_ever() -> None:
    answer = redirected(Browser("owner").authorize("web", ui_locales=["de", "en"]))
    assert answer["error_description"] == "ui_locales was sent more than once."


# --- The others ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("display", ["page", "popup", "touch", "wap", "hologram"])
def test_every_display_is_the_same_page(display: str) -> None:
    assert b'name="decision"' in Browser("owner").authorize("web", display=display).content


def test_claims_locales_change_nothing() -> None:
    browser = Browser("owner")
    plain = browser.tokens("web", scope="openid profile")
    assert browser.tokens("web", scope="openid profile", claims_locales="de fr")["scope"] == plain["scope"]


def test_a_login_hint_goes_along_to_the_sign_in_page() -> None:
    sent_on = urlsplit(Browser().authorize("web", login_hint="a+b@people.example")["Location"])
    assert (sent_on.path, parse_qs(sent_on.query)["login_hint"]) == ("/accounts/login/", ["a+b@people.example"])
    assert "login_hint" in parse_qs(sent_on.query)["next"][0], "and stays part of the request"
    without = urlsplit(Browser().authorize("web")["Location"])
    assert set(parse_qs(without.query)) == {"next"}


def test_of_a_long_login_hint_a_part_goes_along() -> None:
    sent_on = urlsplit(Browser().authorize("web", login_hint="a" * 1000)["Location"])
    assert parse_qs(sent_on.query)["login_hint"] == ["a" * MAX_LOGIN_HINT]


def test_a_hint_for_another_account_signs_nobody_out() -> None:
    assert Browser("owner").authorize("web", login_hint="member").status_code == 200
