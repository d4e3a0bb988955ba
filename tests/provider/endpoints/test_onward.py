"""Pages of signing in say which app they lead on to, and only where they do."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client as Http

from clients.models import Client
from projects import registration
from projects.models import ConsentScreen, Project
from provider import client_keys
from provider.authorization_request import NotRedirectable, leads_to, never
from provider.endpoints.device import page_of
from tests.foreign_keys import KEYS, signed
from tests.pictures import picture, sent
from tests.provider.devices import OPERATOR, Device, add_devices
from tests.world import WEB_CB, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]
SAID = "to go on to <bdi>Acme</bdi>"
PAGES = ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/password/reset/done/")


def address(client_id: str = "web", **more: str) -> str:
    query = {"response_type": "code", "client_id": client_id, "redirect_uri": WEB_CB, "scope": "openid", **more}
    return "/oauth2/authorize?" + urlencode(query)


def shown(page: str, onward: str) -> str:
    return str(Http().get(f"{page}?{urlencode({'next': onward})}").content.decode())


@pytest.fixture(autouse=True)
def _open(settings: Any) -> None:
    settings.IDP_SIGNUP_OPEN = True
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


@pytest.mark.parametrize("page", PAGES)
def test_the_app_is_named_on_the_way_to_it(page: str) -> None:
    assert SAID in shown(page, address())


@pytest.mark.parametrize(
    "onward",
    [
        "/",
        "",
        "/admin/",
        address("nobody"),
        address("retired"),
        address(redirect_uri="https://evil.example/"),
        address(client_id="web&client_id=spa").replace("%26", "&").replace("%3D", "="),
        address().replace("/oauth2/authorize", "https://evil.example/oauth2/authorize"),
        address().replace("/oauth2/authorize", "/oauth2/token"),
        "/oauth2/authorize?client_id=%ff",
        "/oauth2/authorize?kept=nothing",
        "/oauth2/authorize?client_id=web&request_uri=urn:ietf:params:oauth:request_uri:none",
        "/device/confirm?found=nothing",
        "/nowhere/",
    ],
)
def test_nothing_is_named_where_nothing_leads(onward: str) -> None:
    assert "to go on to" not in shown("/accounts/login/", onward)


def test_it_is_named_as_its_project_registered_it_and_never_as_the_address_says() -> None:
    Client.objects.filter(client_id="web").update(name="Web of Acme")
    ConsentScreen.objects.filter(project__key="acme").update(app_name="<b>Shop</b>")
    page = shown("/accounts/login/", address(app_name="Bank", client_name="Bank"))
    assert "to go on to <bdi>&lt;b&gt;Shop&lt;/b&gt;</bdi>" in page
    assert "Web of Acme" not in page
    ConsentScreen.objects.filter(project__key="acme").update(app_name="")
    assert f"<bdi>{Project.objects.get(key='acme').name}</bdi>" in shown("/accounts/login/", address())


def test_a_long_request_that_is_kept_is_known_again() -> None:
    long = address(state="x" * 1_990)
    http = Http()
    login = http.get(long)["Location"]
    assert "kept" in login
    assert SAID in http.get(login).content.decode()


def test_the_way_back_from_a_forgotten_password_leads_on() -> None:
    http = Http()
    onward = address()
    page = http.get(f"/accounts/login/?next={quote(onward, safe='')}").content.decode()
    assert f"/accounts/password/reset/?next={quote(onward, safe='')}" in page
    sent = http.post("/accounts/password/reset/", {"email": "nobody@people.example", "next": onward})
    assert sent["Location"].startswith("/accounts/password/reset/done/?next=")
    done = http.get(sent["Location"]).content.decode()
    assert SAID in done
    assert f"/accounts/login/?next={quote(onward, safe='')}" in done
    elsewhere = http.post("/accounts/password/reset/", {"email": "a@b.example", "next": "https://evil.example/"})
    assert elsewhere["Location"] == "/accounts/password/reset/done/"


def test_a_new_password_leads_on_in_the_browser_that_asked_for_it() -> None:
    http, onward = Http(), address()
    http.post("/accounts/password/reset/", {"email": "owner@people.example", "next": onward})
    [link] = re.findall(r"/accounts/password/reset/key/\S+", str(mail.outbox[-1].body))
    for browser, leads in ((http, True), (Http(), False)):
        form = browser.get(link, follow=True).redirect_chain[-1][0]
        words = {"password1": "a new set of words", "password2": "a new set of words"}
        changed = browser.post(form, words, follow=True).content.decode()
        assert (SAID in changed) is leads
        assert (quote(onward, safe="") in changed) is leads
        if leads:  # and once more, elsewhere
            http.post("/accounts/password/reset/", {"email": "owner@people.example"})
            [link] = re.findall(r"/accounts/password/reset/key/\S+", str(mail.outbox[-1].body))


def test_the_second_step_and_the_mail_of_a_sign_up_know_where_they_lead() -> None:
    http = Http()
    newcomer = {"email": "new@people.example", "password1": "some new words", "password2": "some new words"}
    page = http.post("/accounts/signup/", {**newcomer, "next": address()}, follow=True)
    assert page.redirect_chain[-1][0] == "/accounts/confirm-email/"
    assert SAID in page.content.decode()


def test_a_sign_up_shows_the_same_whether_or_not_the_address_has_an_account() -> None:
    """Nor when its mail is sent again, or somebody starts anew between the two."""
    seen = []
    for email in ("new@people.example", "owner@people.example"):
        http = Http()
        person = {"email": email, "password1": "some new words", "password2": "some new words"}
        pages = [http.post("/accounts/signup/", {**person, "next": address()}, follow=True)]
        pages.append(http.post("/accounts/confirm-email/", follow=True))
        pages.append(http.get(f"/accounts/login/?{urlencode({'next': '/'})}", follow=True))
        assert [SAID in page.content.decode() for page in pages] == [True, True, False]
        seen.append([(page.redirect_chain, without_token(page.content.decode())) for page in pages])
    assert seen[0] == seen[1]


def without_token(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)


def test_no_keys_are_fetched_to_name_the_app_of_a_request_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands beside it names the app."""
    Client.objects.filter(client_id="web").update(jwks_uri="https://keys.acme.example/jwks")
    fetched: list[object] = []

    def find(*asked: object) -> tuple[()]:
        fetched.append(asked)
        return ()

    monkeypatch.setattr(client_keys, "keys_of", find)
    token = signed(KEYS["ES256"], "ES256", {"redirect_uri": WEB_CB}, typ="oauth-authz-req+jwt")
    _path, _mark, query = address(request=token).partition("?")
    assert leads_to(query, never).client.client_id == "web"
    _path, _mark, query = address(request=token, redirect_uri="https://evil.example/").partition("?")
    with pytest.raises(NotRedirectable):
        leads_to(query, never)
    assert fetched == []


def test_no_keys_are_fetched_to_draw_a_page_of_signing_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever goes on to a connector takes along what the object asks for; the page itself needs none of it."""
    Client.objects.filter(client_id="web").update(jwks_uri="https://keys.acme.example/jwks")
    fetched: list[object] = []

    def find(*asked: object) -> tuple[()]:
        fetched.append(asked)
        return ()

    monkeypatch.setattr(client_keys, "keys_of", find)
    token = signed(KEYS["ES256"], "ES256", {"redirect_uri": WEB_CB}, typ="oauth-authz-req+jwt")
    onward = address(request=token)
    Project.objects.get(key="acme").connectors.create(key="corp", name="Corp", kind="saml")
    page = shown("/accounts/login/", onward)
    assert SAID in page
    assert "/accounts/from/corp/" in page, "the connector of its project"
    assert fetched == []
    Http().post("/accounts/from/corp/", {"next": onward})
    assert len(fetched) > 0


def test_a_device_is_named_by_the_code_that_was_right() -> None:
    add_devices()
    device = Device().begin()
    page = page_of(device.code.replace("-", ""))
    assert SAID in shown("/accounts/login/", page)


def test_a_logo_stands_beside_the_name() -> None:
    acme = Project.objects.get(key="acme")
    wanted = registration.metadata_of(acme)
    screen = replace(wanted.consent_screen, logo_uri=sent(picture()))
    registration.change(acme, replace(wanted, consent_screen=screen), OPERATOR)
    where = registration.metadata_of(acme).consent_screen.logo_uri.removeprefix(settings.IDP_ISSUER)
    assert f'<img class="logo" src="{where}"' in shown("/accounts/login/", address())
    assert f'<img class="logo" src="{where}"' in Browser("owner").authorize("web").content.decode()
