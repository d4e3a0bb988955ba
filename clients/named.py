"""Whom a command means. What it was told may be any bytes; a name that nobody has is wrong use."""

from __future__ import annotations

from accounts.backend import candidates
from accounts.models import User
from clients.models import Client
from clients.reach import apis_named
from common.command import as_name, wrong_use
from projects.models import Api, Project


def person_named(name: str) -> User:
    """By a user name or an e-mail address, in any spelling they may sign in with."""
    found = candidates(as_name(name), as_name(name))
    if len(found) > 1:
        raise wrong_use(f"{len(found)} accounts match {name!r}. Write the user name exactly.")
    if not found:
        raise wrong_use(f"There is no account {name!r}.")
    return found[0]


def person_called(username: str) -> User:
    """By this very user name."""
    found = User.objects.filter(username=as_name(username)).first()
    if found is None:
        raise wrong_use(f"There is no user {username!r}.")
    return found


def client_named(client_id: str) -> Client:
    found = Client.objects.select_related("project").filter(client_id=as_name(client_id)).first()
    if found is None:
        raise wrong_use(f"There is no client {client_id!r}.")
    return found


def project_named(key: str) -> Project:
    found = Project.objects.filter(key=as_name(key)).first()
    if found is None:
        raise wrong_use(f"There is no project {key!r}.")
    return found


def api_named(identifier: str) -> Api:
    found = apis_named([as_name(identifier)]).get(as_name(identifier))
    if found is None:
        raise wrong_use(f"There is no API {identifier!r}.")
    return found
