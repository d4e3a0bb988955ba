"""A whole site of django-oauth-toolkit moves here while its apps work: none of them notices, nobody signs in anew.

Apps know one address. Behind it are first the old site and then ours; in between requests wait for some seconds, as
docs/operations.md says. Browsers' sessions stay behind: people sign in once more, with the password that they had.

On PostgreSQL in the gate, and on SQLite with `make foreign`: each takes a minute.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from jwcrypto import jwk, jws
from psycopg import sql

from tests.idp.toolkit_site.made import Site, old_site
from tests.idp.toolkit_site.street import street
from tests.installation import KEPT, Installation, free_port, serving
from tests.migrated import copy
from tests.races.conftest import database_url
from tests.world import claims_of

PATIENCE = 180  # seconds: of apps, on a machine that does much else
SERVICE = ("service-0", "service-0-secret")  # an API of the site, which asks about tokens


PASSWORDS = "SELECT username, password FROM accounts_user"


@dataclass(frozen=True)
class Places:
    """The databases of both, by their addresses."""

    old: str
    new: str

    def hashes(self) -> dict[str, str]:
        """Of the people of ours, as they are kept."""
        if self.new.startswith("sqlite"):
            with closing(sqlite3.connect(self.new.removeprefix("sqlite:///"))) as database:
                return dict(database.execute(PASSWORDS))
        with psycopg.connect(self.new) as server:
            return dict(server.execute(PASSWORDS).fetchall())


Kept = AbstractContextManager[Places]


@contextmanager
def in_sqlite(folder: Path) -> Iterator[Places]:
    yield Places(f"sqlite:///{folder / 'old.sqlite3'}", f"sqlite:///{folder / 'new.sqlite3'}")


@contextmanager
def in_postgresql(folder: Path) -> Iterator[Places]:
    """Both in one server, beside the database of this run."""
    names = [f"site_{kind}_{secrets.token_hex(8)}" for kind in ("old", "new")]
    with psycopg.connect(database_url(), autocommit=True) as server:
        try:
            for name in names:
                server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            yield Places(*(urlsplit(database_url())._replace(path=f"/{name}").geturl() for name in names))
        finally:
            for name in names:
                server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def our_installation(folder: Path, origin: str, database: str) -> Installation:
    environment = {
        **{name: value for name, value in os.environ.items() if name in KEPT},
        "IDP_ISSUER": f"{origin}/o",
        "IDP_TOOLKIT_PATHS": "/o",
        "DATABASE_URL": database,
        "EMAIL_URL": f"filemail:///{folder / 'mails'}",
        "LOG_LEVEL": "ERROR",
    }
    made = Installation(f"{origin}/o", origin, folder / "mails", environment)
    if database.startswith("sqlite:///"):
        copy(database.removeprefix("sqlite:///"))
    made.command("quickstart", "--no-demo")
    return made


@contextmanager
def served(site: Site, port: int) -> Iterator[None]:
    process = site.run("serve", str(port))
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                requests.get(f"http://127.0.0.1:{port}/o/.well-known/jwks.json", timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


@dataclass
class Apps:
    """They refresh, ask about what they got and who it is of, and go on with it."""

    issuer: str
    sign_ins: list[dict[str, str]]
    counts: Counter[str] = field(default_factory=Counter)
    noticed: list[str] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)
    id_tokens: list[str] = field(default_factory=list)
    where: str = "old"
    threads: list[threading.Thread] = field(default_factory=list)

    def finish(self) -> None:
        """Before anything that they ask is gone."""
        self.enough.set()
        for one in self.threads:
            one.join(timeout=90)

    def work(self, part: int, of: int) -> None:
        while not self.enough.is_set():
            for held in self.sign_ins[part::of]:
                if self.enough.is_set():
                    return
                try:
                    self._refresh(held)
                    self._look(held)
                except Exception as error:
                    self.noticed.append(f"{held['client_id']}: {error!r}")

    def _refresh(self, held: dict[str, str]) -> None:
        where = self.where
        form = {"grant_type": "refresh_token", "refresh_token": held["refresh_token"]}
        secret = held["client_secret"]
        auth = (held["client_id"], secret) if secret else None
        if not secret:
            form["client_id"] = held["client_id"]
        answer = requests.post(f"{self.issuer}/token/", form, auth=auth, timeout=PATIENCE)
        got = answer.json()
        assert answer.status_code == 200, (answer.status_code, got)
        assert set(got["scope"].split()) == set(held["scope"].split()), got["scope"]
        held["access_token"], held["refresh_token"] = got["access_token"], got["refresh_token"]
        if "id_token" in got:
            assert claims_of(got["id_token"])["sub"] == held["sub"]
            assert claims_of(got["id_token"])["iss"] == self.issuer
            self.id_tokens.append(got["id_token"])
        self.counts[f"refreshed, {where}"] += 1

    def _look(self, held: dict[str, str]) -> None:
        where = self.where
        form = {"token": held["access_token"]}
        told = requests.post(f"{self.issuer}/introspect/", form, auth=SERVICE, timeout=PATIENCE).json()
        assert told["active"], told
        assert set(told["scope"].split()) == set(held["scope"].split())
        headers = {"Authorization": f"Bearer {held['access_token']}"}
        assert requests.get(f"{self.issuer}/userinfo/", headers=headers, timeout=PATIENCE).json()["sub"] == held["sub"]
        self.counts[f"asked about, {where}"] += 1


@contextmanager
def at_work(apps: Apps, threads: int = 4) -> Iterator[None]:
    apps.threads = [threading.Thread(target=apps.work, args=(number, threads)) for number in range(threads)]
    for one in apps.threads:
        one.start()
    try:
        yield
    finally:
        apps.finish()


def wait_for(apps: Apps, name: str, number: int) -> None:
    until = time.monotonic() + PATIENCE
    while apps.counts[name] < number and time.monotonic() < until and not apps.noticed:
        time.sleep(0.05)


def taken(new: Installation, site: Site, *more: str) -> dict[str, Any]:
    key = ("--rsa-key-file", site.environment["TOOLKIT_SITE_KEY"])
    told: dict[str, Any] = json.loads(
        new.command("importdot", "--database", site.database, "--format", "json", *key, *more)
    )
    return told


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(in_postgresql, marks=[pytest.mark.postgresql, pytest.mark.django_db], id="postgresql"),
        pytest.param(in_sqlite, marks=pytest.mark.programs, id="sqlite"),
    ],
)
def test_no_app_notices_and_nobody_signs_in_anew(kept: Callable[[Path], Kept], tmp_path: Path) -> None:
    with kept(tmp_path) as places:
        take_over(places, tmp_path)


def take_over(places: Places, folder: Path) -> None:
    port, old_port, new_port = free_port(), free_port(), free_port()
    origin = f"http://localhost:{port}"
    site = old_site(folder, f"{origin}/o", places.old)
    new = our_installation(folder, origin, places.new)
    begun = time.monotonic()
    apps = Apps(f"{origin}/o", site.sign_ins)
    with served(site, old_port), street(f"http://localhost:{old_port}", port) as way, at_work(apps):
        wait_for(apps, "asked about, old", 10)
        first = taken(new, site)  # while they work
        assert (first["people"]["made"], len(first["clients"]), first["refresh_tokens"]["made"]) == (100, 20, 30)
        with serving(new, new_port):
            way.close()  # nobody writes at the old site any more; what changed there since comes now
            second = taken(new, site)
            way.target = f"http://127.0.0.1:{new_port}"
            apps.where = "new"
            way.open()
            wait_for(apps, "asked about, new", 30)
            apps.finish()
            look_afterwards(apps, origin, places)
    assert apps.noticed == []
    moved = second["refresh_tokens"]["replaced"] + second["refresh_tokens"]["known"]
    assert moved == 30
    took = f"longest wait {way.longest_wait:.1f} s, all of it {time.monotonic() - begun:.0f} s"
    sys.stdout.write(f"\n{dict(apps.counts)}, {second['refresh_tokens']}, {took}\n")


def look_afterwards(apps: Apps, origin: str, places: Places) -> None:
    keys = {one["kid"]: one for one in requests.get(f"{origin}/o/.well-known/jwks.json", timeout=30).json()["keys"]}
    for token in (apps.id_tokens[0], apps.id_tokens[-1]):
        signed = jws.JWS()
        signed.deserialize(token, jwk.JWK(**keys[jws_kid(token)]))
        assert signed.is_valid, "of both sites, with one key"
    sign_in(origin, "employee50", "password 50")
    sign_in(origin, "Employee52@Company.example", "password 52")
    kinds = {username: password.partition("$")[0] for username, password in places.hashes().items()}
    assert (kinds["employee50"], kinds["employee60"], kinds["employee98"][0]) == ("argon2", "pbkdf2_sha256", "!")


def jws_kid(token: str) -> str:
    found = jws.JWS()
    found.deserialize(token)
    return str(found.jose_header["kid"])


def sign_in(origin: str, username: str, password: str) -> None:
    browser = requests.Session()
    page = browser.get(f"{origin}/o/accounts/login/", timeout=30).text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    form = {"login": username, "password": password, "csrfmiddlewaretoken": token[1]}
    headers = {"Referer": f"{origin}/o/accounts/login/"}
    answer = browser.post(f"{origin}/o/accounts/login/", form, headers=headers, timeout=30, allow_redirects=False)
    assert answer.status_code == 302, answer.text[:300]
