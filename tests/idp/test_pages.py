"""The pages people see: safe headers, nothing kept by caches, small, and nobody's name can write in them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from tests.idp.pages import HOSTILE, consent, policy

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.idp.page_urls"), pytest.mark.any_database]

ANONYMOUS = [
    "/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/inactive/",
    "/accounts/confirm-email/",
    "/accounts/confirm-email/damaged/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/done/",
    "/accounts/password/reset/key/1-damaged/",
]
SIGNED_IN = [
    "/",
    "/accounts/logout/",
    "/accounts/switch/",
    "/accounts/reauthenticate/",
    "/accounts/email/",
    "/accounts/apps/",
    "/accounts/password/change/",
    "/accounts/profile/",
    "/accounts/security/",
    "/accounts/sessions/",
    "/accounts/activity/",
    "/accounts/delete/",
    "/accounts/two-step/",
    "/accounts/two-step/app/",
    "/accounts/passkeys/add/",
    "/test/consent/",
]


@pytest.fixture
def person() -> User:
    return User.objects.create_user("person", "person@example.com", "correct horse battery staple", first_name="Pat")


@pytest.fixture
def signed_in(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


class Outline(HTMLParser):
    """The elements of a page and their attributes, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    @property
    def shape(self) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in self.elements]


def check_page(response: Any, form_action: list[str]) -> None:
    page = response.content.decode()
    rules = policy(response)
    assert rules["form-action"] == form_action
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == ["'none'"]
    assert rules["script-src"] == rules["style-src"] == rules["font-src"] == rules["connect-src"] == ["'self'"]
    assert rules["img-src"] == ["'self'", "data:"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]
    assert response["X-Frame-Options"] == "DENY"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"  # nobody who opened it holds on to its window
    assert response["Referrer-Policy"] in ("same-origin", "no-referrer")  # no address of ours reaches another site
    assert len(page.encode()) < 20_000
    outline = Outline(page)
    assert ("html", {"lang": "en", "dir": "ltr"}) in outline.elements
    assert re.search(r"<title>\S.+ · Vestibule</title>", page)
    assert [tag for tag, _ in outline.elements].count("h1") == 1
    for tag, attributes in outline.elements:
        assert tag not in ("style", "iframe", "object", "embed", "base")
        if tag == "script":  # a file of ours, or data that no browser runs
            assert str(attributes.get("src")).startswith("/static/") or attributes.get("type") == "application/json"
        assert not {name for name in attributes if name == "style" or name.startswith("on")}
        if tag in ("img", "link"):
            address = str(attributes.get("src") or attributes.get("href"))
            assert address.startswith(("/static/", "data:image/svg+xml;base64,"))


@pytest.mark.parametrize("address", ANONYMOUS)
def test_pages_for_everybody_keep_the_rules(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200
    check_page(response, ["'self'"])


@pytest.mark.parametrize("address", SIGNED_IN)
def test_pages_for_people_signed_in_keep_the_rules(signed_in: Client, address: str) -> None:
    response = signed_in.get(address)
    assert response.status_code == 200
    check_page(response, ["'self'"])


def test_setting_a_first_password_keeps_the_rules(client: Client) -> None:
    client.force_login(User.objects.create_user("passwordless"))
    check_page(client.get("/accounts/password/set/"), ["'self'"])


@pytest.mark.parametrize(
    "address", [address for address in SIGNED_IN if address not in ("/", "/accounts/switch/")][:-1]
)
def test_personal_pages_send_strangers_to_sign_in_or_home(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 302
    assert response["Location"] == "/" or response["Location"].startswith("/accounts/login/")


def test_only_the_account_pages_we_use_exist(client: Client) -> None:
    for unused in ("3rdparty/", "2fa/", "login/code/", "login/code/confirm/", "social/signup/", "usersessions/"):
        assert client.get(f"/accounts/{unused}").status_code == 404


def test_the_front_door_says_who_you_are_and_shows_staff_the_console(client: Client, person: User) -> None:
    assert "Sign in" in client.get("/").content.decode()
    client.force_login(person)
    page = client.get("/").content.decode()
    assert "Pat" in page
    assert "person@example.com" in page
    assert reverse("admin:index") not in page
    person.is_staff = True
    person.save()
    assert reverse("admin:index") in client.get("/").content.decode()


def test_the_error_page_shows_details_to_signed_in_staff_only(client: Client, person: User) -> None:
    for is_staff in (False, True):
        person.is_staff = is_staff
        person.save()
        client.force_login(person)
        page = client.get("/test/error/").content.decode()
        assert "7Q4K-2M9X" in page
        assert ("is not registered for this client" in page) is is_staff
        assert ("Register it exactly" in page) is is_staff
    assert "is not registered for" not in Client().get("/test/error/").content.decode()


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/nowhere/", 404, "There is no such page"),
        ("/test/fail/?how=bad", 400, "cannot be understood"),
        ("/test/fail/", 500, "Something went wrong"),
        ("/test/fail/?how=db", 503, "Something went wrong"),
        ("/test/fail/?how=cache", 503, "Something went wrong"),
    ],
)
def test_errors_are_pages_in_plain_words(client: Client, address: str, status: int, words: str) -> None:
    client.raise_request_exception = False
    response = client.get(address)
    assert response.status_code == status
    assert words in response.content.decode()
    check_page(response, ["'self'"])
    assert ("Retry-After" in response) is (status == 503)


def test_the_page_of_a_fault_needs_no_database(client: Client, person: User, django_assert_num_queries: Any) -> None:
    client.force_login(person)
    client.raise_request_exception = False
    with django_assert_num_queries(0):
        assert client.get("/test/fail/").status_code == 500


def test_a_form_from_elsewhere_changes_nothing_and_says_what_to_do(person: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    response = client.post("/accounts/logout/")
    assert response.status_code == 403
    assert "load the page again" in response.content.decode()
    check_page(response, ["'self'"])
    assert client.get("/").wsgi_request.user.is_authenticated


@pytest.mark.parametrize(
    "address",
    [
        "logout",
        "switch",
        "reauthenticate",
        "email",
        "password/change",
        "password/reset",
        "profile",
        "sessions",
        "delete",
        "two-step/confirm",
        "two-step/app",
        "two-step/app/remove",
        "recovery-codes/new",
        "passkeys/add",
        "passkeys/confirm",
        "passkeys/1/rename",
        "passkeys/1/remove",
    ],
)
def test_every_form_is_guarded_against_forgery(person: User, address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    assert client.post(f"/accounts/{address}/").status_code == 403


def test_style_and_mark_are_served_by_the_site_itself(client: Client) -> None:
    page = client.get("/").content.decode()
    for address in re.findall(r'href="(/static/[^"]+)"', page):
        response = client.get(address)
        assert response.status_code == 200
        assert sum(len(part) for part in response) < 20_000


def rendered(person: User, text: str | None = None, **more: Any) -> str:
    request = RequestFactory().get("/")
    request.user = person
    return render_to_string("consent.html", consent(person, text, **more), request)


@pytest.mark.parametrize("new_only", [False, True])
@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_apps_write_nothing_but_text(person: User, text: str, new_only: bool) -> None:
    tame = Outline(rendered(person, "Acme", new_only=new_only))
    wild = Outline(rendered(person, text, new_only=new_only))
    assert wild.shape == tame.shape


@pytest.mark.parametrize("uri", ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//evil.example"])
def test_links_of_an_app_are_web_pages_or_nothing(person: User, uri: str) -> None:
    page = rendered(person, homepage_uri=uri, policy_uri=uri, tos_uri=uri)
    assert uri not in page
    assert "Privacy policy" not in page


def test_links_of_an_app_open_apart_and_get_no_hold_on_the_page(person: User) -> None:
    links = [attributes for tag, attributes in Outline(rendered(person)).elements if tag == "a"]
    foreign = [link for link in links if str(link["href"]).startswith("http")]
    assert len(foreign) == 3
    assert all(link["rel"] == "noopener noreferrer" and link["target"] == "_blank" for link in foreign)


def test_names_that_turn_the_writing_direction_stay_apart_from_our_words(person: User) -> None:
    page = rendered(person, "\u202eecilA")
    for piece in page.split("\u202eecilA")[1:]:
        before_tag = piece.lstrip().split("<", 1)[1] if piece.lstrip().startswith("<") else piece.lstrip()
        assert before_tag.startswith(("/bdi>", '"', "?")), piece[:40]


def inputs(page: str) -> list[tuple[str | None, str | None]]:
    return [
        (attributes.get("name"), attributes.get("value"))
        for tag, attributes in Outline(page).elements
        if tag in ("input", "button") and attributes.get("name") != "csrfmiddlewaretoken"
    ]


def test_the_consent_form_sends_what_is_ticked_and_one_decision(person: User) -> None:
    assert inputs(rendered(person)) == [
        ("seen", "seal"),
        ("scope", "profile"),
        ("scope", "email"),
        ("audience", "https://api.acme.example/orders"),
        ("scope", "orders.read"),
        ("scope", "orders.write"),
        ("audience", "https://partner.example/stock"),
        ("decision", "deny"),
        ("decision", "allow"),
    ]


def test_what_was_allowed_before_is_shown_apart_and_not_asked_again(person: User) -> None:
    page = rendered(person, new_only=True)
    asked = inputs(page)
    assert ("scope", "profile") not in asked
    assert ("audience", "https://partner.example/stock") not in asked
    assert ("scope", "email") in asked
    before, after = page.split("Already allowed")
    assert "See your profile: names, picture, date of birth and what else you entered" not in before
    assert "See your profile: names, picture, date of birth and what else you entered" in after
    assert "https://partner.example/stock" in after


def test_required_scopes_are_shown_but_cannot_be_unticked(person: User) -> None:
    page = rendered(person)
    assert "Know that it is you" in page
    assert ("scope", "openid") not in inputs(page)


def test_every_tick_has_its_label_and_starts_ticked(person: User) -> None:
    boxes = [a for tag, a in Outline(rendered(person)).elements if tag == "input" and a.get("type") == "checkbox"]
    assert len(boxes) == 6
    assert all("checked" in box for box in boxes)
    assert len(re.findall(r'<label class="item[a-z ]*">\s*<input type="checkbox"', rendered(person))) == 6


def test_a_consent_page_with_much_to_ask_stays_small(person: User) -> None:
    context = consent(person)
    context["asked"] = context["asked"] * 8
    context["siblings"] = [f"Acme app {number}" for number in range(20)]
    request = RequestFactory().get("/")
    request.user = person
    assert len(render_to_string("consent.html", context, request).encode()) < 20_000
