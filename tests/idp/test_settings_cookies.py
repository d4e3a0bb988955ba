"""Cookies, and what browsers are told about a whole site: as a deployment with https has them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.idp.test_settings import run
from tests.world import Browser

SECRET = "x" * 40
ASKED = """
import json
from idp import settings
print(json.dumps({name: getattr(settings, name) for name in json.loads(input())}))
"""


def settings_of(issuer: str, *names: str) -> dict[str, Any]:
    environment = {"IDP_ISSUER": issuer, "SECRET_KEY": SECRET, "IDP_KEY_SECRETS": SECRET}
    done = run("-c", ASKED.replace("input()", repr(json.dumps(names))), **environment)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("name", ["SESSION", "CSRF"])
def test_off_loopback_cookies_are_this_hosts_alone_and_no_scripts(name: str) -> None:
    parts = ("NAME", "SECURE", "HTTPONLY", "SAMESITE")
    said = settings_of("https://id.example.com", *(f"{name}_COOKIE_{part}" for part in parts))
    assert said[f"{name}_COOKIE_NAME"].startswith("__Host-")  # no neighbour below the same domain can set it
    assert (said[f"{name}_COOKIE_SECURE"], said[f"{name}_COOKIE_HTTPONLY"]) == (True, True)
    assert said[f"{name}_COOKIE_SAMESITE"] == "Lax"
    assert (getattr(settings, f"{name}_COOKIE_PATH"), getattr(settings, f"{name}_COOKIE_DOMAIN")) == ("/", None)


@pytest.mark.parametrize(
    ("issuer", "port"),
    [("http://localhost:8000", 8000), ("http://127.0.0.1:9001", 9001), ("http://localhost", 80)],
)
def test_off_https_cookies_carry_product_and_port_in_their_names(issuer: str, port: int) -> None:
    """Browsers send a cookie to every port: an app on the same host would lose its own `session` to ours."""
    said = settings_of(issuer, "SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "IDP_LOCALES_COOKIE_NAME")
    assert said == {
        "SESSION_COOKIE_NAME": f"vestibule-session-{port}",
        "CSRF_COOKIE_NAME": f"vestibule-csrf-{port}",
        "IDP_LOCALES_COOKIE_NAME": f"vestibule-locales-{port}",
    }


def test_below_a_path_no_cookie_is_sent_to_the_neighbours_on_the_host() -> None:
    """The prefix __Host- needs the path "/", where their servers would get our sessions."""
    names = ("NAME", "PATH", "SECURE")
    said = settings_of(
        "https://example.com/auth", *(f"{one}_COOKIE_{name}" for one in ("SESSION", "CSRF") for name in names)
    )
    assert said == {
        "SESSION_COOKIE_NAME": "__Secure-vestibule-session",
        "CSRF_COOKIE_NAME": "__Secure-vestibule-csrf",
        **dict.fromkeys(("SESSION_COOKIE_PATH", "CSRF_COOKIE_PATH"), "/auth"),
        **dict.fromkeys(("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"), True),
    }


def test_forms_come_from_the_origin_whatever_its_path() -> None:
    """Browsers name no path where a form comes from."""
    said = settings_of("https://example.com/auth", "CSRF_TRUSTED_ORIGINS", "ALLOWED_HOSTS", "STATIC_URL")
    assert said == {
        "CSRF_TRUSTED_ORIGINS": ["https://example.com"],
        "ALLOWED_HOSTS": ["example.com"],
        "STATIC_URL": "/auth/static/",
    }


def test_off_loopback_browsers_are_told_to_keep_to_https() -> None:
    assert settings_of("https://id.example.com", "SECURE_HSTS_SECONDS")["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert settings_of("http://localhost:8000", "SECURE_HSTS_SECONDS")["SECURE_HSTS_SECONDS"] == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("world")
def test_cookies_as_they_go_out_are_no_scripts_and_lax(client: Client) -> None:
    client.get("/accounts/login/")
    client.post("/accounts/login/", {"login": "owner", "password": "owner-pw"})
    names = {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
    assert set(client.cookies) == {*names, f"{settings.SESSION_COOKIE_NAME}-device"}
    for cookie in client.cookies.values():
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")


@pytest.mark.django_db
@pytest.mark.usefixtures("world")
def test_a_message_is_for_the_session_it_was_written_in() -> None:
    """A cookie with one could be set by a neighbour below the same domain, with words that somebody else chose."""
    person, other = Browser("outsider"), Browser("owner")
    answer = person.http.post("/accounts/profile/", {"first_name": "Otto"})
    other.http.cookies.update(
        {name: one for name, one in answer.cookies.items() if name != settings.SESSION_COOKIE_NAME}
    )
    assert "Your profile is saved." not in other.http.get("/accounts/apps/").content.decode()
    assert "Your profile is saved." in person.http.get("/accounts/apps/").content.decode()
