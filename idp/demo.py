"""The demonstration: a project with two clients, another with one, and lines to paste that show what they may do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.db import transaction

from accounts.models import User
from clients import secrets
from clients.models import Authorization, Client
from idp.configuration import Report, apply
from idp.environment import get_or_create_secret
from projects.models import Project
from provider.facts import client_facts
from provider.keys import mint
from provider.store import authorizations

FILE = Path(__file__).with_name("demo.yaml")
PASSWORD = "DEMO_PASSWORD"  # noqa: S105 - the name it is kept under
WEB, SIBLING, STRANGER = "acme-web", "acme-notes", "globex-web"
API = "https://api.acme.example/orders"
SCOPES = ("openid", "profile", "email", "offline_access")

Section = dict[str, Any]  # of the file, which we wrote


@dataclass(frozen=True)
class Demo:
    """What the demo shows. A password or secret that somebody changed is unknown: None."""

    username: str
    password: str | None
    clients: tuple[tuple[str, str, str | None], ...]  # project, client id, secret
    commands: tuple[tuple[str, str], ...]  # what it shows, the line to paste


def prepare(secrets_file: Path) -> tuple[Report, Demo]:
    """Add what is missing of the demo, keep what people changed, and issue a new demo refresh token."""
    environ = {name: get_or_create_secret(secrets_file, name) for name in _secret_names()}
    password = get_or_create_secret(secrets_file, PASSWORD, 12)
    report = apply(_missing(password), path=FILE.name, environ=environ)
    user = User.objects.get(username="demo")
    clients = tuple(
        (project["id"], one["client_id"], _secret_if_unchanged(one["client_id"], environ[_secret_name(one)]))
        for project, one in _clients()
    )
    known = password if user.check_password(password) else None
    return report, Demo(user.username, known, clients, _commands(user, {one: secret for _, one, secret in clients}))


def _content() -> Section:
    content: Section = yaml.safe_load(FILE.read_text())
    return content


def _clients() -> Iterator[tuple[Section, Section]]:
    for project in _content()["projects"]:
        for client in project["clients"]:
            yield project, client


def _secret_name(client: Section) -> str:
    return str(client["client_secret_from"]).removeprefix("env:")


def _secret_names() -> list[str]:
    return [_secret_name(client) for _project, client in _clients()]


def _missing(password: str) -> Section:
    """The part of the demo that does not exist yet. What somebody changed stays as it is."""
    content = _content()
    present = set(User.objects.values_list("username", flat=True))
    users = [{**one, "password": password} for one in content["users"] if one["username"] not in present]
    return {**content, "users": users, "projects": [_missing_of(project) for project in content["projects"]]}


def _missing_of(project: Section) -> Section:
    present = Project.objects.filter(key=project["id"]).first()
    if present is None:
        return project
    clients = [one for one in project["clients"] if not present.clients.filter(client_id=one["client_id"]).exists()]
    apis = [one for one in project.get("apis", ()) if not present.apis.filter(identifier=one["identifier"]).exists()]
    return {"id": project["id"], "apis": apis, "clients": clients}


def _secret_if_unchanged(client_id: str, secret: str) -> str | None:
    live = Client.objects.get(client_id=client_id).secrets.filter(slot__isnull=False)
    return secret if any(secrets.matches(secret, row.digest) for row in live) else None


def refresh_token(user: User) -> str:
    """A refresh token of the demo user for the demo client, as if they had allowed it. The previous one ends."""
    client = Client.objects.select_related("project").get(client_id=WEB)
    token = mint.opaque()
    with transaction.atomic():
        # Only the demo's have no sign-in: what was allowed in a browser stays.
        for old in Authorization.objects.filter(client=client, user=user, sign_in=None, ended_at=None):
            authorizations.end(str(old.pk), "replaced by a newer demonstration")
        authorizations.grant_refresh_token(client_facts(client), user, SCOPES, token)
    return token


def _commands(user: User, secret_of: dict[str, str | None]) -> tuple[tuple[str, str], ...]:
    """Lines that work as they are pasted; none when the client's secret was changed."""
    secret = secret_of[WEB]
    if secret is None:
        return ()
    client = ("-u", f"{WEB}:{secret}")
    own = _curl("token", *client, "-d", "grant_type=client_credentials", "-d", f"audience={API}")
    read = """sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/'"""
    refresh = (*client, "-d", "grant_type=refresh_token", "-d", f"refresh_token={refresh_token(user)}")
    return (
        ("A token for the client itself, for the Orders API (client credentials)", own),
        (
            "Introspection of such a token",
            f'{_curl("introspect", *client)} -d token="$({own} | {read})"',
        ),
        (
            f"With {WEB}'s own refresh token, an ID token for its sibling {SIBLING}",
            _curl("token", *refresh, "-d", f"audience={SIBLING}"),
        ),
        (
            f"The same for {STRANGER}, a client of another project: refused as invalid_audience",
            _curl("token", *refresh, "-d", f"audience={STRANGER}"),
        ),
    )


def _curl(endpoint: str, *arguments: str) -> str:
    return shlex.join(["curl", "-sS", "-w", r"\n", f"{settings.IDP_ISSUER}/oauth2/{endpoint}", *arguments])
