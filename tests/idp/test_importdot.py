"""`importdot`: what is taken of a site of django-oauth-toolkit, what is refused by name, and what a second run does."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shlex
import shutil
import sqlite3
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import CommandError, call_command
from psycopg import sql

from accounts.models import User
from clients.models import AccessToken, Authorization, Client, RefreshToken, SecurityEvent, SigningKey
from projects.models import Api, Consent, Project
from tests.idp.toolkit_site.made import Site, old_site
from tests.installation import ROOT
from tests.races.conftest import database_url
from tests.world import SECRETS, App, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keys")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return old_site(tmp_path_factory.mktemp("site"), "http://localhost:8000/o")


@pytest.fixture
def site(made: Site, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A copy, so that a test may change it."""
    settings.PASSWORD_HASHERS = [f"common.hashers.{name}Hasher" for name in ("Argon2", "PBKDF2")]
    shutil.copy(made.folder / "old.sqlite3", tmp_path / "old.sqlite3")
    shutil.copy(made.folder / "key.pem", tmp_path / "key.pem")
    for one in made.sign_ins:
        monkeypatch.setitem(SECRETS, one["client_id"], one["client_secret"])
    return Site(tmp_path, made.issuer, {}, [dict(one) for one in made.sign_ins])


@pytest.fixture
def take(site: Site, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def run(*more: str) -> dict[str, Any]:
        call_command("importdot", "--database", site.database, "--format", "json", *more)
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    return run


Take = Callable[..., dict[str, Any]]
REVOKE = "UPDATE oauth2_provider_refreshtoken SET revoked = '2026-11-30 23:00:00' WHERE token = ?"
ROTATE = """INSERT INTO oauth2_provider_refreshtoken (user_id, token, token_checksum, application_id, access_token_id,
    token_family, resource, created, updated) SELECT user_id, 'the next one', ?, application_id,
    (SELECT id FROM oauth2_provider_accesstoken WHERE token = ?), token_family, resource, created, updated
    FROM oauth2_provider_refreshtoken WHERE token = ?"""
OF_VERSION_2 = (
    "ALTER TABLE oauth2_provider_accesstoken RENAME TO old_accesstoken",
    "ALTER TABLE oauth2_provider_refreshtoken RENAME TO old_refreshtoken",
    """CREATE TABLE oauth2_provider_accesstoken AS SELECT id, user_id, token, application_id, created, updated, expires,
    scope, NULL AS source_refresh_token_id FROM old_accesstoken""",
    """CREATE TABLE oauth2_provider_refreshtoken AS SELECT id, user_id, token, application_id, created, updated,
    access_token_id, revoked FROM old_refreshtoken""",
    "DROP TABLE old_refreshtoken",
    "DROP TABLE old_accesstoken",
)


def change(site: Site, statement: str, *values: str | int) -> None:
    with closing(sqlite3.connect(site.folder / "old.sqlite3")) as database, database:
        database.execute(statement, values)


def notes(told: dict[str, Any], client_id: str) -> str:
    return " ".join(next(one["differs"] for one in told["clients"] if one["client_id"] == client_id))


def test_people_stay_who_they_are_to_apps_and_to_themselves(take: Take) -> None:
    told = take()
    assert (told["people"]["made"], told["people"]["refused"]) == (100, [])
    one = User.objects.get(username="employee50")
    assert (one.sub, one.email, one.first_name) == ("51", "employee50@company.example", "Emma")
    assert one.check_password("password 50")
    assert User.objects.get(username="employee50").password.startswith("argon2")
    assert not User.objects.get(username="employee99").is_active
    assert (one.email_verified, User.objects.get(username="employee51").email_verified) == (True, False)
    boss = User.objects.get(username="employee0")
    assert (boss.is_staff, boss.is_superuser) == (False, False), "unless whoever runs it says so"
    assert sorted(boss.emailaddress_set.values_list("email", flat=True))[1] == "second@company.example"


@pytest.mark.any_database
def test_i1_a_hash_of_an_unknown_kind_is_listed_and_its_person_is_here(take: Take) -> None:
    people = take()["people"]
    assert [(one["name"], "not known" in one["why"]) for one in people["without_password"]] == [("employee98", True)]
    assert not User.objects.get(username="employee98").has_usable_password()
    assert not User.objects.get(username="employee97").has_usable_password()


def test_apps_are_clients_of_one_project_with_the_secrets_that_they_have(take: Take) -> None:
    told = take("--project", "company")
    assert [one["state"] for one in told["clients"]].count("made") == 18
    web, mobile, service = (Client.objects.get(client_id=name) for name in ("web-0", "mobile", "service-0"))
    assert (web.grant_types, web.refresh_tokens) == (["authorization_code", "refresh_token"], "always")
    assert (web.redirect_uri_list, web.access_token_lifetime) == (["https://web-0.company.example/cb"], 36_000)
    assert (web.scope, web.require_pkce, web.introspection) == ("email openid read write", False, "project")
    assert (mobile.public, mobile.require_pkce) == (True, True)
    assert (service.grant_types, service.scope) == (["client_credentials"], "read write")
    assert (Project.objects.get().key, Project.objects.get().consent_mode) == ("company", "explicit")
    assert [*Api.objects.get().scopes.values_list("name", flat=True)] == ["read", "write"]
    SECRETS["service-0"] = "service-0-secret"
    answer = App("service-0").token(grant_type="client_credentials", scope="read").json()
    assert answer["scope"] == "read"
    assert service.secrets.get().digest.startswith("argon2")


@pytest.mark.any_database
def test_i3_what_is_not_taken_over_is_named(take: Take) -> None:
    told = take()
    assert "password grant" in notes(told, "legacy")
    assert "implicit grant" in notes(told, "spa")
    assert "HS256" in notes(told, "old")
    assert "https://*.company.example/cb" in notes(told, "wild")
    assert "skipped the consent page" in notes(told, "wild")
    assert "PKCE with S256 is needed" in notes(told, "mobile")
    assert not Client.objects.filter(client_id__in=["legacy", "spa"]).exists()
    assert Client.objects.get(client_id="wild").redirect_uri_list == ["https://wild.company.example/cb"]
    assert Client.objects.get(client_id="old").id_token_signed_response_alg == "RS256"


def test_i2_a_refresh_token_keeps_what_it_had_and_never_gets_more(take: Take, site: Site) -> None:
    told = take()
    assert told["refresh_tokens"]["made"] == 30
    held = next(one for one in site.sign_ins if one["scope"] == "openid email read" and one["client_secret"])
    app = App(held["client_id"])
    assert "write" in Client.objects.get(client_id=held["client_id"]).scope.split()
    refused = app.refresh(held["refresh_token"], scope="openid write")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    answer = app.refresh(held["refresh_token"]).json()
    assert (answer["scope"], claims_of(answer["id_token"])["sub"]) == (held["scope"], held["sub"])
    assert app.introspect(answer["access_token"]).json()["aud"] == "urn:site:api"
    assert answer["refresh_token"] != held["refresh_token"]


def test_what_people_allowed_is_known_and_ends_when_they_take_it_back(take: Take, site: Site) -> None:
    take()
    held = site.sign_ins[0]
    consent = Consent.objects.get(user__sub=held["sub"])
    assert set(consent.scopes) == {*held["scope"].split(), "offline_access"}
    consent.delete()
    assert App(held["client_id"]).refresh(held["refresh_token"]).json()["error"] == "invalid_grant"


def test_access_tokens_go_on_until_they_expire(take: Take, site: Site) -> None:
    assert take()["access_tokens"]["made"] == 30
    held = site.sign_ins[0]
    told = App(held["client_id"]).introspect(held["access_token"]).json()
    assert (told["active"], set(told["scope"].split()), told["sub"]) == (True, set(held["scope"].split()), held["sub"])
    assert AccessToken.objects.count() == Authorization.objects.count() == 30, "one family"


def test_a_second_run_changes_nothing(take: Take) -> None:
    take()
    before = (User.objects.count(), Client.objects.count(), RefreshToken.objects.count(), AccessToken.objects.count())
    again = take()
    assert (again["people"]["made"], again["people"]["known"]) == (0, 100)
    assert {one["state"] for one in again["clients"]} == {"known", "refused"}
    assert again["refresh_tokens"] == {"made": 0, "known": 30, "replaced": 0, "ended": 0, "refused": {}}
    assert again["access_tokens"]["made"] == 0
    now = (User.objects.count(), Client.objects.count(), RefreshToken.objects.count(), AccessToken.objects.count())
    assert now == before


def test_a_dry_run_says_all_of_it_and_changes_nothing(take: Take, site: Site) -> None:
    file = site.folder / "old.sqlite3"
    digest, keys = hashlib.sha256(file.read_bytes()).hexdigest(), SigningKey.objects.count()
    SecurityEvent.objects.all().delete()
    tried = take("--dry-run", "--rsa-key-file", str(site.folder / "key.pem"))
    empty = (User, Client, Project, Api, Authorization, AccessToken, RefreshToken, Consent, SecurityEvent)
    assert [model.objects.count() for model in empty] == [0] * len(empty)
    assert SigningKey.objects.count() == keys
    done = take("--rsa-key-file", str(site.folder / "key.pem"))
    assert {**tried, "dry_run": False} == done
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest, "the other database is only read"


def test_what_was_rotated_there_since_is_replaced_and_what_was_revoked_ends(take: Take, site: Site) -> None:
    take()
    rotated, revoked = site.sign_ins[0], site.sign_ins[1]
    for held in (rotated, revoked):
        change(site, REVOKE, held["refresh_token"])
    change(site, "UPDATE oauth2_provider_refreshtoken SET access_token_id = NULL WHERE revoked IS NOT NULL")
    new = hashlib.sha256(b"the next one").hexdigest()
    change(site, ROTATE, new, rotated["access_token"], rotated["refresh_token"])
    again = take()["refresh_tokens"]
    assert (again["replaced"], again["ended"], again["made"]) == (1, 1, 0)
    assert App(revoked["client_id"]).refresh(revoked["refresh_token"]).json()["error"] == "invalid_grant"
    assert App(rotated["client_id"]).refresh(rotated["refresh_token"]).json()["error"] == "invalid_grant"
    assert App(rotated["client_id"]).refresh("the next one").status_code == 200


def test_what_ended_here_since_stays_ended(take: Take, site: Site) -> None:
    take()
    held = site.sign_ins[0]
    Authorization.objects.filter(
        refresh_tokens__digest=hashlib.sha256(held["refresh_token"].encode()).hexdigest()
    ).delete()
    again = take()["refresh_tokens"]
    assert (again["known"], again["refused"]) == (29, {"It ended here since.": 1})
    assert App(held["client_id"]).refresh(held["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_person_whose_name_is_taken_is_refused_with_all_they_have(take: Take, site: Site) -> None:
    User.objects.create_user("Employee0", "other@people.example")
    told = take()
    assert [(one["name"], one["why"]) for one in told["people"]["refused"]] == [
        ("employee0", "Another account has this user name.")
    ]
    assert told["refresh_tokens"]["refused"] == {"Its person is not here.": 1}
    User.objects.filter(username="Employee0").update(username="somebody")
    assert (take()["refresh_tokens"]["made"], take()["people"]["known"]) == (1, 100), "what was mended comes later"


@pytest.mark.any_database
def test_nobody_gets_tokens_of_who_has_the_same_number_at_another_site(take: Take, site: Site) -> None:
    User.objects.create_user("employee0", "employee0@elsewhere.example", sub="1")
    told = take()
    assert [(one["name"], one["why"]) for one in told["people"]["refused"]] == [
        ("employee0", "Another account has this sub.")
    ]
    assert told["refresh_tokens"]["refused"] == {"Its person is not here.": 1}
    assert not Authorization.objects.filter(user__sub="1").exists()


@pytest.mark.any_database
def test_a_deactivated_person_has_no_tokens_here(take: Take, site: Site) -> None:
    change(site, "UPDATE toolkit_site_employee SET is_active = 0 WHERE id = ?", int(site.sign_ins[0]["sub"]))
    assert take()["refresh_tokens"]["refused"] == {"Its person is deactivated.": 1}


@pytest.mark.any_database
def test_what_a_token_was_given_has_to_be_known(take: Take, site: Site) -> None:
    change(site, "UPDATE oauth2_provider_refreshtoken SET access_token_id = NULL")
    told = take()["refresh_tokens"]
    assert told["refused"] == {"Nothing tells what it was given: its access token is gone there.": 30}


@pytest.mark.any_database
def test_whoever_runs_it_says_what_the_database_does_not(take: Take) -> None:
    take("--with-staff", "--trust-addresses", "--user-sub", "username", "--scopes", "reports")
    boss = User.objects.get(username="employee0")
    assert (boss.sub, boss.is_superuser, User.objects.get(username="employee51").email_verified) == (
        *("employee0", True),
        True,
    )
    assert "reports" in Client.objects.get(client_id="service-1").scope.split()


@pytest.mark.any_database
def test_a_site_whose_apps_ask_nobody_is_first_party(take: Take, site: Site) -> None:
    change(site, "UPDATE oauth2_provider_application SET skip_authorization = 1")
    assert take()["project"]["consent_mode"] == "implicit"
    assert not Consent.objects.exists()


@pytest.mark.any_database
def test_a_site_of_an_older_toolkit(take: Take, site: Site) -> None:
    """Version 2 had no checksums, no families and no resources."""
    for statement in OF_VERSION_2:
        change(site, statement)
    told = take("--user-table", "toolkit_site_employee")
    assert (told["refresh_tokens"]["made"], told["access_tokens"]["made"]) == (30, 30)
    assert App(site.sign_ins[0]["client_id"]).refresh(site.sign_ins[0]["refresh_token"]).status_code == 200


def test_its_key_signs_here_and_is_never_taken_twice(take: Take, site: Site) -> None:
    file = str(site.folder / "key.pem")
    kid = take("--rsa-key-file", file)["key"]
    states = dict(SigningKey.objects.filter(algorithm="RS256").values_list("kid", "state"))
    assert states.pop(kid) == "active"
    assert sorted(states.values()) == ["next", "retired"]
    assert take("--rsa-key-file", file)["key"] == kid
    assert SigningKey.objects.filter(algorithm="RS256").count() == 3


@pytest.mark.any_database
def test_a_scope_that_cannot_be_here_is_named_and_left_out_and_the_rest_goes_on(take: Take, site: Site) -> None:
    """`admin.` is the provider's own API: a token of a site that had such a scope must not open it."""
    held = site.sign_ins[0]
    more = 'read admin.write two"words introspection'
    change(site, "UPDATE oauth2_provider_accesstoken SET scope = scope || ' ' || ?", more)
    told = take("--scopes", "admin.read reports")
    assert set(told["scopes_left_out"]) == {"admin.write", "admin.read", 'two"words'}
    assert told["project"]["scopes"] == ["read", "reports", "write"]
    assert told["refresh_tokens"]["made"] == 30
    registered = {one for scope in Client.objects.values_list("scope", flat=True) for one in scope.split()}
    assert not registered & {"admin.read", "admin.write", "introspection"}
    granted = [one for scopes in Authorization.objects.values_list("scopes", flat=True) for one in scopes]
    assert not [one for one in granted if one.startswith("admin.")]
    answer = App(held["client_id"]).introspect(held["access_token"]).json()
    assert (answer["active"], "admin.write" in answer["scope"]) == (True, False)


@pytest.mark.any_database
def test_an_api_offers_as_many_scopes_as_it_may_and_the_others_are_named(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projects.quotas.API_SCOPES", 1)
    told = take()
    assert (told["project"]["scopes"], list(told["scopes_left_out"])) == (["read"], ["write"])
    assert [one["state"] for one in told["clients"]].count("made") == 18


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("more", "status", "why"),
    [
        (["--database", "mysql://u:secret@h/d"], 2, "postgres://"),
        (["--database", "sqlite:////nowhere/at.all"], 2, "There is no database file"),
        (["--database", "postgres://u:secret@127.0.0.1:1/d"], 1, "cannot be opened"),
        (["--user-table", "nobody"], 2, "no table of people"),
        (["--username", "nickname"], 2, "has no column nickname"),
        (["--user-sub", "uuid"], 2, "has no column uuid"),
        (["--rsa-key-file", "/nowhere/at.all"], 2, "cannot be read"),
        (["--rsa-key-file", __file__], 2, "no private key"),
        (["--project", "Not A Key"], 1, "cannot be made"),
        (["--api", "https://*.example"], 1, "cannot be made"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(site: Site, more: list[str], status: int, why: str) -> None:
    with pytest.raises(CommandError, match=why) as error:
        call_command("importdot", "--database", site.database, *more)
    assert error.value.returncode == status
    assert "secret" not in str(error.value)
    assert not User.objects.exists()


@pytest.mark.any_database
@pytest.mark.any_database
def test_the_password_of_its_database_need_not_be_an_argument(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OLD_SITE", site.database)
    (site.folder / "url").write_text(f"{site.database}\n")
    for where in ("env:OLD_SITE", f"file:{site.folder}/url"):
        call_command("importdot", "--database", where, "--dry-run")
        assert "people: 100 new" in capsys.readouterr().out
    for where in ("env:NO_SITE", "file:/nowhere", "file:"):
        with pytest.raises(CommandError) as refusal:
            call_command("importdot", "--database", where)
        assert refusal.value.returncode == 2


def test_another_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.sqlite3")) as database:
        database.execute("CREATE TABLE t (a)")
    with pytest.raises(CommandError, match="no database of django-oauth-toolkit"):
        call_command("importdot", "--database", f"sqlite:///{tmp_path / 'x.sqlite3'}")


@pytest.fixture
def in_postgres(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The site in a database of the same server."""
    settings.PASSWORD_HASHERS = [f"common.hashers.{name}Hasher" for name in ("Argon2", "PBKDF2")]
    name = f"site_{secrets.token_hex(8)}"
    with psycopg.connect(database_url(), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = urlsplit(database_url())._replace(path=f"/{name}").geturl()
        try:
            made = old_site(tmp_path, "http://localhost:8000/o", url)
            for one in made.sign_ins:
                monkeypatch.setitem(SECRETS, one["client_id"], one["client_secret"])
            yield made
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.postgresql
def test_a_site_in_postgresql_moves_as_well(in_postgres: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for made, known in ((100, 0), (0, 100)):
        call_command("importdot", "--database", in_postgres.database, "--format", "json")
        told = json.loads(capsys.readouterr().out)
        assert (told["people"]["made"], told["people"]["known"]) == (made, known)
        assert told["refresh_tokens"]["made"] + told["refresh_tokens"]["known"] == 30
    held = in_postgres.sign_ins[0]
    answer = App(held["client_id"]).refresh(held["refresh_token"]).json()
    assert claims_of(answer["id_token"])["sub"] == held["sub"]


# --- As docs/operations.md shows it ----------------------------------------------------------------------------------


def shown(command: str) -> list[tuple[list[str], list[str]]]:
    """The arguments and the answer of each run of this command in the guide, in order."""
    text = (ROOT / "docs/operations.md").read_text()
    found = []
    for block in re.findall(r"^ *```[a-z]*\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
        first, *answer = textwrap.dedent(block).splitlines()
        if f"manage.py {command} " in first:
            found.append((shlex.split(first.partition(f"{command} ")[2]), answer))
    return found


def fits(answer: list[str], told: list[str]) -> bool:
    """Whether these lines are what was told; `…` stands for any number of them."""
    if not answer:
        return not told
    if answer[0] == "…":
        return any(fits(answer[1:], told[start:]) for start in range(len(told) + 1))
    return bool(told) and told[0] == answer[0] and fits(answer[1:], told[1:])


@pytest.mark.any_database
def test_the_guide_shows_what_happens(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    runs = shown("importdot")
    assert len(runs) == 3
    for arguments, answer in runs:
        here = [one.replace("/srv/old/db.sqlite3", str(site.folder / "old.sqlite3")) for one in arguments]
        call_command("importdot", *[one.replace("/srv/old", str(site.folder)) for one in here])
        told = capsys.readouterr().out.splitlines()
        assert fits(answer, told), told


@pytest.mark.any_database
def test_the_guide_shows_how_people_of_any_table_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [(arguments, answer)] = shown("importusers")
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text("id,login,department\n1,olive,Sales\n2,otto,\n3,olive,\n")
    with pytest.raises(CommandError):
        call_command("importusers", *arguments)
    assert capsys.readouterr().out.splitlines() == answer
