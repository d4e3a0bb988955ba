"""Signing in by a directory: OpenLDAP's own, where it and python-ldap are installed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client as Http

from accounts.models import Group, SignIn, User
from projects.events import SecurityEvent
from projects.upstream import registration
from projects.upstream.directory_entries import told_by
from projects.upstream.directory_views import NOT_INSTALLED, alike
from projects.upstream.metadata import ConnectorMetadata
from projects.upstream.models import Connector
from tests.projects.upstream import slapd
from tests.projects.upstream.elsewhere import BY, KEY
from tests.world import Browser, Response

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
needs_slapd = pytest.mark.skipif(
    find_spec("ldap") is None or not slapd.there(), reason="needs slapd and requirements/ldap.txt"
)
ADDRESS = f"/accounts/from/{KEY}/"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("slapd")
    with slapd.serving(folder) as found:
        yield found


def directory(address: str, secret: str = slapd.ROOT_PASSWORD, **more: Any) -> Connector:
    said = {"id": KEY, "name": "Corp", "kind": "ldap", "issuer": address, "search_base": slapd.BASE}
    return registration.register(ConnectorMetadata(**{**said, "client_id": slapd.ROOT, **more}), BY, secret)


def typed(login: str, password: str, http: Http | None = None, **more: str) -> Response:
    return (http or Http()).post(ADDRESS, {"login": login, "password": password, **more})


# --- What an entry says ---------------------------------------------------------------------------------------------


def test_people_are_known_by_what_never_changes_of_their_entry() -> None:
    entry = {"entryUUID": ["6b1e"], "uid": ["ada"], "mail": ["ada@corp.example"], "memberOf": ["cn=a", "cn=b"]}
    told = told_by("uid=ada,dc=corp", entry)
    assert (told.uid, told.email, told.claims["memberOf"]) == ("entryuuid:6b1e", "ada@corp.example", ["cn=a", "cn=b"])
    assert told_by("uid=ada,dc=corp", {"objectGUID": [b"\x01\xff"]}).uid == "objectguid:01ff"
    assert told_by("UID=Ada,dc=corp", {}).uid == "dn:uid=ada,dc=corp"


@pytest.mark.parametrize(
    "login",
    ["ADA L", "a\u00adda l", "ada\u200b  L", "\uff41da l", "ada\tl", "a\u0301da l", "ada \u200b l", "a\ufffcda l"],
)
def test_spellings_that_a_directory_takes_for_one_name_are_counted_as_one(login: str) -> None:
    assert alike(login) == alike("ada l")


# --- Without the packages -------------------------------------------------------------------------------------------


def test_where_the_packages_are_missing_it_says_so(
    world: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "projects.upstream.directory", None)
    directory("ldaps://ldap.corp.example")
    answer = typed("ada", "ada-pw")
    assert answer.status_code == 503
    assert b"This way to sign in is not set up completely" in answer.content
    assert NOT_INSTALLED in caplog.text


# --- With a directory -----------------------------------------------------------------------------------------------


@needs_slapd
def test_somebody_of_the_directory_gets_an_account_and_signs_in_again(world: None, address: str) -> None:
    directory(
        address,
        creates_people=True,
        owns_domains=("corp.example",),
        attributes={"nickname": "departmentNumber"},
        groups_claim="employeeType",
        groups={f"cn=admins,{slapd.BASE}": "Administrators"},
    )
    Group.objects.create(name="Administrators")
    http = Http()
    page = http.get(f"{ADDRESS}?next=/accounts/security/")
    assert b'name="password"' in page.content
    assert typed("ada", "ada-pw", http, next="/accounts/security/")["Location"] == "/accounts/security/"
    made = User.objects.latest("pk")
    assert (made.username, made.email, made.email_verified, made.first_name) == ("ada", "ada@corp.example", True, "Ada")
    assert made.attributes["nickname"] == "7"
    assert made.group_members.get().group.name == "Administrators"
    assert not made.has_usable_password()
    assert typed("ada", "ada-pw").status_code == 302
    assert SignIn.objects.filter(user=made, connector=KEY).count() == 2


@needs_slapd
@pytest.mark.parametrize(
    ("login", "password"),
    [("ada", "wrong"), ("nobody", "ada-pw"), ("ada", ""), ("", "ada-pw"), ("*", "ada-pw"), ("ada)(uid=*", "ada-pw")],
)
def test_a_wrong_password_and_a_wrong_name_look_alike_and_nothing_is_injected(
    world: None, address: str, login: str, password: str
) -> None:
    directory(address, creates_people=True, owns_domains=("corp.example",))
    answer = typed(login, password)
    assert answer.status_code == 200
    assert not SignIn.objects.exists()
    assert "wrong" not in str(list(SecurityEvent.objects.values_list("detail", flat=True)))


@needs_slapd
def test_wrong_passwords_are_limited(world: None, address: str) -> None:
    directory(address)
    http = Http()
    for _ in range(5):
        assert typed("ada", "wrong", http).status_code == 200
    assert typed("ada", "ada-pw", http).status_code == 429


@needs_slapd
def test_nobody_locks_people_out_of_their_own_browsers(world: None, address: str, settings: Any) -> None:
    directory(address, creates_people=True, owns_domains=("corp.example",))
    own = Http()
    assert typed("ada", "ada-pw", own).status_code == 302
    del own.cookies[settings.SESSION_COOKIE_NAME]  # signed out there, and the browser is still known
    for _ in range(5):
        typed("ada", "wrong")
    assert typed("ada", "ada-pw").status_code == 429
    assert typed("ADA", "ada-pw", own).status_code == 302
    for _ in range(5):
        assert typed("ada", "wrong", own).status_code == 200
    assert typed("ada", "ada-pw", own).status_code == 429, "counted apart, and counted"


@needs_slapd
def test_other_spellings_are_no_more_tries(world: None, address: str) -> None:
    directory(address)
    for login in ("ada", "ADA", "a\u00adda", "\uff41da", "ad\u200ba"):
        assert typed(login, "wrong").status_code == 200
    assert typed("\u200dada", "ada-pw").status_code == 429


@pytest.mark.skipif(find_spec("ldap") is None, reason="needs requirements/ldap.txt")
@pytest.mark.parametrize("error", ["UNWILLING_TO_PERFORM", "CONSTRAINT_VIOLATION"])
def test_how_a_directory_refuses_a_password_of_a_locked_account_is_counted_as_a_wrong_one(
    world: None, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    def refuse(*said: object) -> None:
        raise getattr(import_module("ldap"), error)

    monkeypatch.setattr("django_auth_ldap.backend._LDAPUser._authenticate_user_dn", refuse)
    directory("ldaps://ldap.corp.example")
    for _ in range(5):
        assert typed("ada", "wrong").status_code == 200
    assert typed("ada", "wrong").status_code == 429


@needs_slapd
def test_u2_an_address_in_the_directory_opens_only_an_account_whose_domain_it_owns(world: None, address: str) -> None:
    directory(address, owns_domains=("corp.example",))
    assert typed("eve", "eve-pw").status_code == 403
    assert not SocialAccount.objects.exists()


@needs_slapd
def test_a_signed_in_person_links_their_entry(world: None, address: str) -> None:
    directory(address)
    http = Browser("owner").http
    page = http.post("/accounts/linked/", {"link": KEY})
    assert page["Location"] == f"{ADDRESS}?link=1"
    assert typed("eve", "eve-pw", http, link="1")["Location"] == "/accounts/linked/"
    assert SocialAccount.objects.get().user.username == "owner"
    assert typed("eve", "eve-pw").status_code == 302


@needs_slapd
def test_a_password_of_the_directory_proves_once_more_who_one_is_and_only_that(world: None, address: str) -> None:
    directory(address)
    http, owner = Browser("owner").http, User.objects.get(username="owner")
    typed("eve", "eve-pw", http, link="1")
    User.objects.filter(pk=owner.pk).update(password="!")
    http.force_login(User.objects.get(username="owner"))
    SignIn.objects.update(auth_time="2020-01-01T00:00:00Z")
    page = http.post("/accounts/linked/confirm/", {"by": KEY, "next": "/accounts/linked/"})
    assert b'name="confirm" value="1"' in http.get(page["Location"]).content
    assert typed("ada", "ada-pw", http, confirm="1").status_code == 403
    assert http.get("/accounts/linked/").status_code == 302
    answer = typed("eve", "eve-pw", http, confirm="1", next="/accounts/linked/")
    assert http.get(answer["Location"]).status_code == 200


@needs_slapd
@pytest.mark.parametrize(
    ("more", "status"),
    [({"address": "ldap://127.0.0.1:1"}, 503), ({"secret": "wrong"}, 503), ({"search_base": "dc=nowhere"}, 503)],
)
def test_a_directory_that_is_away_or_refuses_us_is_no_wrong_password(
    world: None, address: str, more: dict[str, str], status: int
) -> None:
    directory(**{"address": address, **more})
    assert typed("ada", "ada-pw").status_code == status
