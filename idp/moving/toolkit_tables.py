"""The tables of a site of django-oauth-toolkit, and what whoever runs the import says about them."""

from __future__ import annotations

from dataclasses import dataclass

from common.command import Refused, wrong_use
from idp.moving.source import Source


@dataclass(frozen=True, slots=True)
class Options:
    project: str
    api: str
    user_table: str = ""
    user_sub: str = "pk"
    username: str = "username"
    email: str = "email"
    trust_addresses: bool = False
    with_staff: bool = False
    scopes: tuple[str, ...] = ()  # what any app may ask for, besides what tokens show


@dataclass(frozen=True, slots=True)
class Tables:
    applications: str
    access_tokens: str
    refresh_tokens: str
    users: str


def tables_of(source: Source, options: Options) -> Tables:
    """Which they are: a site may have swapped each of them."""
    found = {
        "applications": _table(source, "application", "client_id", "client_type", "authorization_grant_type"),
        "access_tokens": _table(source, "accesstoken", "token", "expires", "scope", "application_id"),
        "refresh_tokens": _table(source, "refreshtoken", "token", "revoked", "access_token_id"),
    }
    users = options.user_table or source.refers(found["refresh_tokens"], "user_id") or "auth_user"
    if not source.has(users, "password"):
        raise wrong_use(f"There is no table of people {users}. Name it with --user-table.")
    for option, column in (("--username", options.username), ("--email", options.email)):
        if option == "--username" and not source.has(users, column):
            known = ", ".join(source.tables[users])
            raise wrong_use(f"{users} has no column {column}. Name one with {option}: {known}.")
    return Tables(**found, users=users)


def _table(source: Source, name: str, *columns: str) -> str:
    usual = f"oauth2_provider_{name}"
    if source.has(usual, *columns):
        return usual
    like = sorted(table for table in source.tables if source.has(table, *columns))
    if len(like) != 1:
        raise Refused(f"This is no database of django-oauth-toolkit: there is no table {usual}, nor one like it.")
    return like[0]
