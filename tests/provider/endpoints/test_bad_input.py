"""Every address, every method, all kinds of rubbish: a clear answer, and never a failure of ours."""

from __future__ import annotations

import itertools
import re

import pytest
from django.urls import resolve

from accounts.models import User
from clients.models import AccessToken, Authorization
from tests.provider.endpoints.raw import METHODS, PACKED, RUBBISH, VALUES, Rubbish, addresses, send
from tests.sweep import taking_turns
from tests.world import Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]

ONE = pytest.mark.any_database
# What a database may refuse as a text: NUL, what is no UTF-8, half a character; as they are, or escaped.
ODD = re.compile(rb"\0|\\000|%00|%ED|%FF|[\x80-\xff]")


def reaches_a_database(rubbish: Rubbish) -> bool:
    """What is in both the query and the body is refused for that, where not one of the two is read alone."""
    sent = rubbish.query + rubbish.body + "".join(rubbish.extra.values()).encode("latin-1")
    return ODD.search(sent) is not None and not rubbish.name.endswith(" in both")


ALL_RUBBISH = [
    *(one if reaches_a_database(one) else pytest.param(one, marks=ONE) for one in RUBBISH),
    *(pytest.param(one, marks=ONE) for one in PACKED),
]
NUMBERS = {one.name: number for number, one in enumerate([*RUBBISH, *PACKED])}
PROTOCOL = ["/oauth2/token", "/openid/introspect", "/oauth2/revoke/", "/openid/userinfo/", "/oauth2/tokeninfo"]
AUTHORIZATION = ["/oauth2/authorize", "/openid/authorize/", "/oauth2/consent"]
# Two values that stand side by side, and the addresses that the second one adds.
BESIDE = [(VALUES[0], VALUES[0]), *itertools.pairwise(VALUES)]
EVERY = {
    (one, other): sorted({*addresses((one, other))} - ({*addresses((one,))} if one != other else set()))
    for one, other in BESIDE
}
EACH = sorted(set(addresses(["1"])))
PAGES = [path for path in EACH if not path.startswith("/admin/")]
CONSOLE = [path for path in EACH if path.startswith("/admin/")]
FIELDS = ["scope", "audience", "sid", "code", "credential", "name", "next", "first_name", "phone_number", "address"]
FIELDS += ["login", "password", "email", "action_add", "action_primary", "oldpassword", "password1", "password2"]
FIELDS += ["user_code", "seen", "decision"]
QUERIES = [b"", b"q=%00", b"q=\xff&p=x&o=x&all=", b"e=1&_popup=x&_to_field=%00", b"id__exact=%00", b"term=%00"]


def cookie_of(username: str) -> str:
    return "; ".join(f"{name}={morsel.value}" for name, morsel in Browser(username).http.cookies.items())


def signed_in_as(username: str) -> str:
    """The cookie of somebody of this name: nobody, a member of a project, or a superuser."""
    User.objects.filter(username="owner").update(is_staff=True)
    if username == "root":
        User.objects.create_superuser("root", "root@people.example", "root-pw")
    return cookie_of(username) if username else ""


def test_the_addresses_are_really_all_of_them() -> None:
    for expected in ("/oauth2/token", "/openid/authorize", "/oauth2/consent", "/accounts/login/", "/", "/healthz/live"):
        assert expected in PAGES
    assert {"/oauth2/logout", "/openid/logout", "/oauth2/logout/confirm"} <= set(PAGES)
    assert "/admin/clients/client/1/change/" in CONSOLE
    everywhere = {path for paths in EVERY.values() for path in paths}
    assert everywhere == set(addresses(VALUES))
    assert "/admin/clients/client/\0/change/" in everywhere
    assert len(PAGES) > 30
    assert len(CONSOLE) > 30
    assert len(everywhere) > 300


NOBODY = pytest.param("", marks=ONE)  # of the console they see the way to the sign-in page


@pytest.mark.any_database  # but for names that one may refuse
@pytest.mark.parametrize("beside", EVERY, ids=[f"{number}" for number, _pair in enumerate(EVERY)])
@pytest.mark.parametrize("username", ["", "root"], ids=["nobody", "root"])
def test_no_name_in_an_address_fails(username: str, beside: tuple[str, str]) -> None:
    cookie = signed_in_as(username)
    assert not {path[:80] for path in EVERY[beside] if send("GET", path, RUBBISH[0], cookie).status >= 500}


@pytest.mark.parametrize("username", [NOBODY, pytest.param("owner", marks=ONE), "root"])
def test_no_query_of_the_console_fails(username: str) -> None:
    """Lists read theirs; any other page is asked with one of them in turn."""
    cookie = signed_in_as(username)
    lists = [path for path in CONSOLE if str(resolve(path).url_name).endswith("_changelist")]
    asked = list(itertools.product(lists, QUERIES))
    asked += [(path, query) for turn, path in enumerate(CONSOLE) for query in taking_turns(QUERIES, turn)]
    assert len(lists) > 5
    assert not {one for one in asked if send("GET", one[0], Rubbish("query", query=one[1]), cookie).status >= 500}


@pytest.mark.parametrize("rubbish", ALL_RUBBISH, ids=str)
def test_no_address_fails(rubbish: Rubbish) -> None:
    ways = (("GET", ""), ("POST", ""), ("GET", cookie_of("owner")))
    failed = {
        (method, path, bool(sent)): answer.status
        for turn, path in enumerate(PAGES, NUMBERS[rubbish.name])
        for method, sent in taking_turns(ways, turn)
        if (answer := send(method, path, rubbish, sent)).status >= 500
    }
    assert not failed
    assert not AccessToken.objects.exists()
    assert not Authorization.objects.exists()


@pytest.mark.parametrize("value", ["a\0b", "9" * 400, b"\xed\xa0\x80"], ids=["NUL", "number", "surrogate"])
def test_no_form_of_an_account_fails(value: str | bytes) -> None:
    """Past the guard against forged forms, which stops all of the above."""
    browser = Browser("owner")
    browser.code("web", scope="openid email")
    leaving = {"/accounts/logout/", "/accounts/switch/", "/accounts/delete/", "/oauth2/logout/confirm"}
    for path in [one for one in PAGES if one.startswith("/accounts/") and one not in leaving]:
        browser.http.raise_request_exception = False
        page = browser.http.post(path.replace("/apps/1/", "/apps/acme/"), dict.fromkeys(FIELDS, value))
        assert page.status_code < 500, path


@pytest.mark.any_database
@pytest.mark.parametrize("method", METHODS)
def test_no_method_fails(method: str) -> None:
    cookie, (one, other) = cookie_of("owner"), RUBBISH[:2]
    ways = (((one, ""), (other, cookie)), ((other, ""), (one, cookie)))
    for turn, path in enumerate(PAGES, METHODS.index(method)):
        for rubbish, sent in itertools.chain(*taking_turns(ways, turn)):
            assert send(method, path, rubbish, sent).status < 500, path


@pytest.mark.parametrize("rubbish", ALL_RUBBISH, ids=str)
def test_protocol_endpoints_answer_rubbish_with_an_error_in_json(rubbish: Rubbish) -> None:
    for method, path in itertools.product(("POST", "GET", "PUT"), PROTOCOL):
        answer = send(method, path, rubbish)
        assert 400 <= answer.status < 500, (method, path, answer)
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        said = answer.json()
        assert said["error"]
        assert len(said["error_description"]) < 300
        assert all(" " <= letter <= "~" and letter not in '"\\' for letter in said["error_description"])


@pytest.mark.parametrize("rubbish", ALL_RUBBISH, ids=str)
def test_authorization_answers_rubbish_with_a_page(rubbish: Rubbish) -> None:
    sessions = ("", cookie_of("owner"))
    for method, path, cookie in itertools.product(("GET", "POST"), AUTHORIZATION, sessions):
        answer = send(method, path, rubbish, cookie)
        assert answer.status in (400, 403, 405)
        assert "Location" not in answer.headers
