from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.contrib.auth.hashers import make_password
from django.db.models import CASCADE
from django.test import Client as Http
from django.urls import reverse
from django.utils import translation

from accounts.models import SignIn, User
from tests.console import api, browser, client, page, project

pytestmark = pytest.mark.usefixtures("console")


def pages() -> list[str]:
    """Every page of the console that a superuser can open."""
    person = User.objects.get(username="person")
    things = {
        "projects_project": project().pk,
        "projects_api": api().pk,
        "clients_client": client().pk,
        "accounts_user": person.pk,
    }
    found = [page("index"), page("app_list", "clients"), page("app_list", "projects"), page("app_list", "accounts")]
    for name, key in things.items():
        found += [page(f"{name}_{action}", key) for action in ("change", "delete", "history")]
        found += [page(f"{name}_{action}") for action in ("changelist", "add")]
    found += [
        page(f"clients_{name}_changelist")
        for name in ("signingkey", "authorization", "securityevent", "refusedrequest", "logoutnotice")
    ]
    return [*found, page("clients_client_secrets", client().pk), page("auth_user_password_change", person.pk)]


@pytest.mark.any_database
def test_every_page_opens_for_a_superuser_under_the_strict_policy_and_is_not_stored() -> None:
    http = browser("root")
    for address in pages():
        response = http.get(address)
        assert response.status_code == 200, address
        assert "no-store" in response["Cache-Control"], address
        policy = response["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        text = response.content.decode()
        assert "<script>" not in text
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick=" not in text


NAMES = {"amr", "audience", "sub"}  # of claims and parameters
NEVER_ANY = {"id token", "device grant", "authenticator"}  # rows that no page of the console deletes


def words(admin: Any) -> Iterator[str]:
    """What stands above columns, beside fields, over rows, and what a deletion says that it takes along."""
    model = admin.model
    fields = flatten_fieldsets(admin.fieldsets) if admin.fieldsets else admin.fields or []
    filters = [one for one in admin.list_filter if isinstance(one, str)]
    for name in (*admin.list_display, *filters, *fields):
        own = getattr(admin.form, "declared_fields", {}).get(name)  # a field that is no column
        yield str(own.label if own is not None and own.label else label_for_field(name, model, admin))
    for inline in admin.inlines:
        rows = inline(model, site)
        yield from (str(rows.verbose_name), str(rows.verbose_name_plural))
        for name in inline.fields or ():
            yield str(label_for_field(name, rows.model, rows))
    for relation in model._meta.related_objects:
        if relation.on_delete is CASCADE and not relation.many_to_many:
            opts = relation.related_model._meta
            yield from (str(opts.verbose_name), str(opts.verbose_name_plural))


def test_the_console_speaks_one_language() -> None:
    mixed = {}
    for model, admin in site._registry.items():
        with translation.override("en"):
            english = list(words(admin))
        with translation.override("ar"):
            arabic = list(words(admin))
        same = {one for one, other in zip(english, arabic, strict=True) if one == other}
        mixed[model.__name__] = {one for one in same if one not in NAMES and one.removesuffix("s") not in NEVER_ANY}
    assert not {name: found for name, found in mixed.items() if found}


def test_the_page_of_a_project_speaks_one_language() -> None:
    with translation.override("de"):
        said = browser("root").get(page("projects_project_change", project().pk), headers={"Accept-Language": "de"})
    text = unescape(said.content.decode())
    assert "2 anzeigen" in text
    assert "Consent screen" not in text


def test_visitors_are_sent_to_sign_in_and_back() -> None:
    for address in pages():
        response = Http().get(address, follow=True)
        login = reverse("account_login")
        assert response.redirect_chain[-1][0].startswith(f"{login}?next=")


@pytest.mark.parametrize("username", ["person"])
def test_people_who_are_no_staff_are_turned_away(username: str) -> None:
    http = browser(username)
    assert http.get(page("index"), follow=True).status_code == 403
    assert http.get(page("login")).status_code == 403
    assert http.post(page("login"), {"username": "root", "password": "x"}).status_code == 403


def test_people_who_are_turned_away_may_come_back_with_another_account() -> None:
    http = browser("person")
    User.objects.filter(username="owner").update(password=make_password("a good password"))
    text = http.get("/admin/clients/client/?q=a%20b&enabled=1", follow=True).content.decode()
    links = [unescape(one) for one in re.findall(r'href="(/accounts/switch/[^"]*)"', text)]
    assert len(links) == 1
    asked = http.get(links[0])
    assert "person" in asked.content.decode()
    answer = http.post("/accounts/switch/", {"next": asked.context["next"]}, follow=True)
    back = http.post(answer.redirect_chain[-1][0], {"login": "owner", "password": "a good password"}, follow=True)
    assert "/admin/clients/client/" in back.redirect_chain[-1][0]
    assert back.status_code == 200


def test_somebody_deactivated_or_no_longer_staff_is_out_at_once() -> None:
    for change in ({"is_active": False}, {"is_staff": False}):
        http = browser("owner")
        assert http.get(page("index")).status_code == 200
        User.objects.filter(username="owner").update(**change)
        assert http.get(page("index")).status_code == 302
        User.objects.filter(username="owner").update(is_active=True, is_staff=True)


def test_the_console_never_takes_a_password_itself() -> None:
    """Its own form would know no limits on guesses and no second factor."""
    User.objects.get(username="root").set_password("a good password")
    for http, sent_to in ((Http(), reverse("account_login")), (browser("owner"), page("index"))):
        response = http.post(page("login"), {"username": "root", "password": "a good password"})
        assert response.status_code == 302
        assert response["Location"].startswith(sent_to)
    assert browser("owner").get(page("login") + "?next=/admin/clients/")["Location"] == "/admin/clients/"


def test_the_way_back_never_leaves_the_site() -> None:
    for target in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert browser("owner").get(page("login"), {"next": target})["Location"] == page("index")


def test_signing_out_ends_the_sign_in() -> None:
    http = browser("owner")
    assert http.get(page("logout")).status_code == 405
    assert http.get(page("index")).status_code == 200
    assert http.post(page("logout")).status_code == 302
    assert http.get(page("index")).status_code == 302
    assert not SignIn.objects.filter(user__username="owner", ended_at__isnull=True).exists()


def test_the_password_is_changed_on_the_account_pages() -> None:
    assert browser("owner").get(page("password_change"))["Location"] == reverse("account_change_password")


@pytest.mark.parametrize(
    "query",
    [
        "p=x",
        "p=-1",
        "p=99999999",
        "o=x",
        "o=99.-99",
        "all=",
        "q=%00",
        "q=" + "x" * 10_000,
        "id=%00",
        "e=1",
        "enabled__exact=x",
    ],
)
def test_garbage_in_the_address_is_no_fault(query: str) -> None:
    for name in ("projects_project", "projects_api", "clients_client", "clients_securityevent", "accounts_user"):
        response = browser("root").get(page(f"{name}_changelist") + "?" + query)
        assert response.status_code in (200, 302, 400), name


def test_a_nul_in_another_encoding_is_refused_like_any() -> None:
    address = page("clients_client_changelist") + "?project=%2BAAA-"
    assert browser("root").get(address).status_code == 200
    assert browser("root").get(address, CONTENT_TYPE="text/plain; charset=utf-7").status_code == 400


@pytest.mark.parametrize("key", ["x", "%00", "%ED%A0%80", "9" * 40, "-1", "1'--", "_5F", "..%2F.."])
def test_a_key_that_is_none_is_no_fault(key: str) -> None:
    http = browser("root")
    for list_name in ("clients_client", "clients_authorization", "clients_signingkey", "projects_api", "accounts_user"):
        for action in ("change", "delete", "history", "secrets"):
            address = f"{page(f'{list_name}_changelist')}{key}/{action}/"
            assert http.get(address).status_code in (302, 400, 403, 404), address
            assert http.post(address).status_code in (302, 400, 403, 404), address


@pytest.mark.parametrize("size", [2_000_000])
def test_a_huge_form_is_refused(size: int) -> None:
    address = page("clients_client_change", client().pk)
    assert browser("root").post(address, {"scope": "x" * size}).status_code == 400
    assert browser("root").post(address, {f"f{n}": "" for n in range(2000)}).status_code == 400


@pytest.mark.parametrize(
    "path", ["/admin", "/admin/clients", "/admin/clients/client", "/admin/clients/client/add", "/accounts/profile"]
)
@pytest.mark.parametrize("query", ["", "?next=//evil.example&q=a%20b"])
def test_an_address_without_its_last_slash_leads_to_the_page(path: str, query: str) -> None:
    http = browser("root")
    for answer in (http.get(path + query), http.head(path + query)):
        assert (answer.status_code, answer["Location"]) == (302, f"{path}/{query}")


def test_visitors_without_the_last_slash_come_to_the_page_too() -> None:
    assert Http().get("/accounts/login?next=/x")["Location"] == "/accounts/login/?next=/x"
    assert Http().get("/admin", follow=True).redirect_chain[-1][0].startswith(reverse("account_login"))


@pytest.mark.parametrize("path", ["/admin", "/admin/clients", "/accounts/login"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reading_is_led_to_the_slash(path: str, method: str) -> None:
    assert browser("root").generic(method, path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/accounts",
        "/accounts/nothing",
        "/admin/nothing",
        "/admin//evil.example",
        "//evil.example",
        "//admin",
        "/%5C/admin",
        "/administration",
        "/accountsx/login",
        "/healthz",
        "/oauth2/nothing",
    ],
)
def test_no_slash_is_added_where_no_page_is(path: str) -> None:
    assert browser("root").get("/", PATH_INFO=path).status_code == 404


def test_moments_are_shown_as_people_write_them_on_every_page() -> None:
    """On the page of one row Django shows what a method answers as it is: 2026-11-30 06:17:18.062579+00:00."""
    wrong = [
        f"{type(one).__name__}.{name}"
        for one in site._registry.values()
        for name, method in vars(type(one)).items()
        if hasattr(method, "short_description") and "datetime" in str(method.__annotations__.get("return", ""))
    ]
    assert wrong == []
