"""What is no mistake in a file, and means nothing, or not what one may think. With `--strict` it is a mistake.

That a secret stands in the file is told with `--strict` alone: on one's own machine it is as it should be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from clients.unused import unused
from idp.configuration.context import Context
from idp.configuration.named_in_vain import in_vain
from idp.configuration.problems import Place, Problem
from idp.configuration.said_secrets import said_of
from idp.configuration.shape import Entry, texts_of
from projects.models import Status

IN_CLEAR = {"password": "password_from", "client_secret": "client_secret_from", "secret": "secret_from"}


def warnings_of(context: Context, file: Entry, *, strict: bool) -> Iterator[Problem]:
    for place, sentence in [*_meaningless(context, file), *(_readable(file) if strict else ())]:
        yield Problem(context.problems.source, place, sentence)


def _meaningless(context: Context, file: Entry) -> Iterator[tuple[Place, str]]:
    for project in file.entries("projects"):
        yield from _project(context, project)
        yield from in_vain(context, project)
        for client in project.entries("clients"):
            yield from _client(context, client)
            yield from _expired(context, client)


def _readable(file: Entry) -> Iterator[tuple[Place, str]]:
    clients = [client for project in file.entries("projects") for client in project.entries("clients")]
    for entry in (*file.entries("users"), *clients):
        listed = entry.node.children.get("client_secrets")
        for mapping in (entry.node, *(listed.items if listed else ())):
            for key, instead in IN_CLEAR.items():
                if found := mapping.children.get(key):
                    yield found.place, f"This is readable to whoever reads the file. Say where it is: {instead}."


def _expired(context: Context, entry: Entry) -> Iterator[tuple[Place, str]]:
    said = said_of(context, entry)
    for index, one in enumerate(said.secrets if said else ()):
        if one.over:
            yield entry.place_of("client_secrets", index, "expires_at"), "This secret has expired: it opens nothing."


def _client(context: Context, entry: Entry) -> Iterator[tuple[Place, str]]:
    """By what the client is now: the file may say a part of it."""
    client = context.clients.get(entry.text("client_id"))
    if client is None:
        return
    now = replace(
        client.columns, introspects=texts_of(entry.values.get("introspects")), held=bool(entry.values.get("held"))
    )
    for one in unused(now):
        yield entry.place_of(one.field), one.message


def _project(context: Context, entry: Entry) -> Iterator[tuple[Place, str]]:
    project, listed = context.projects.get(entry.text("id")), entry.values.get("test_users")
    if project is None or listed is None:
        return
    if project.status == Status.TESTING and not listed:
        yield entry.place_of("test_users"), "Nobody can sign in: the project is in testing, and has no test users."
    if project.status != Status.TESTING and listed:
        yield entry.place_of("test_users"), "Test users mean nothing with 'status: production'."
