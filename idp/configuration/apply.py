"""Apply a file: all of it, or nothing and every problem found."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import IntegrityError, transaction

from clients.models import SecurityEvent
from idp.configuration import prune as pruning
from idp.configuration.client_secrets import chosen_secrets
from idp.configuration.clients import apply_clients, link_client
from idp.configuration.connectors import apply_connector
from idp.configuration.context import Context
from idp.configuration.directory import apply_attribute, apply_group
from idp.configuration.hashes import Chosen, Hashes
from idp.configuration.people import apply_user, chosen_passwords
from idp.configuration.problems import ConfigurationError, Place, Problem, Problems
from idp.configuration.projects import apply_api, apply_project, apply_sign_in
from idp.configuration.prune import Prune
from idp.configuration.reading import read
from idp.configuration.report import Report
from idp.configuration.roles import apply_role
from idp.configuration.schema import FILE
from idp.configuration.shape import Entry, read_section
from idp.configuration.warnings import warnings_of
from idp.configuration.webhooks import apply_webhook
from projects.actors import Actor
from projects.models import Project, one_at_a_time


def apply(
    source: str | Mapping[str, Any],
    *,
    path: str = "<configuration>",
    environ: Mapping[str, str] = os.environ,
    dry_run: bool = False,
    strict: bool = False,
    prune: Prune = Prune.NOTHING,
    prune_values: bool = False,
    origin: Mapping[str, str] | None = None,
) -> Report:
    """Make the database say what the file says. Objects the file does not name are left alone, or pruned.

    `source` is YAML text or what it would be read to; `path` names it in errors. `origin` is what the event says of
    where it came from, beside that; `by` of it is who applies the file. With `dry_run` everything is done and taken
    back, so that the report is what applying would do. `strict`: a warning is a problem.
    """
    problems = Problems(path)
    file = read_section(FILE, read(source, problems), problems)
    if file is None:
        raise ConfigurationError(problems.found)
    by = Actor.operator("configuration file", (origin or {}).get("by", ""))
    context = Context(problems, environ, Hashes(look_only=dry_run), by)
    context.hashes.prepare(_chosen(context, file))
    try:
        with transaction.atomic():
            _write(context, file)
            pruning.prune(context, file, prune, with_values=prune_values)
            warnings = [] if problems.found else list(warnings_of(context, file, strict=strict))
            problems.found += warnings if strict else []
            problems.raise_any()
            report = context.ledger.report(with_secrets=not dry_run, warnings=warnings)
            if dry_run:
                transaction.set_rollback(True)
            elif report.changed:
                _record({"source": path, **(origin or {})}, report)
    except IntegrityError:
        message = "Somebody changed the same objects at the same time, so nothing was applied. Try again."
        raise ConfigurationError([Problem(path, Place(), message)]) from None
    return report


def _chosen(context: Context, file: Entry) -> Iterator[Chosen]:
    """The passwords and secrets of the file."""
    yield from chosen_passwords(context, file.entries("users"))
    for project in file.entries("projects"):
        yield from chosen_secrets(context, project.entries("clients"))


def _record(origin: Mapping[str, str], report: Report) -> None:
    """Who may do what was changed by a file: which objects and keys, all of them, never their values."""
    changes = [str(change) for change in report.drift]
    SecurityEvent.objects.create(kind="configuration.applied", detail={**origin, "changes": changes})


def _write(context: Context, file: Entry) -> None:
    """In the order things depend on each other, so that a file may name what stands further down."""
    if any(project.entries("apis") for project in file.entries("projects")):
        one_at_a_time()
    _write_people(context, file)
    _write_projects(context, file)
    for owner, api in _children(context, file, "apis"):
        apply_api(context, owner, api)
    for entry in file.entries("projects"):
        if project := context.projects.get(entry.text("id")):
            apply_clients(context, project, entry.entries("clients"))
    for owner, client in _children(context, file, "clients"):
        link_client(context, owner, client)
    _write_neighbours(context, file)


def _write_neighbours(context: Context, file: Entry) -> None:
    """Who is told of people, and where they sign in."""
    for owner, webhook in _children(context, file, "webhooks"):
        apply_webhook(context, owner, webhook)
    for entry in file.entries("connectors"):
        apply_connector(context, entry)


def _write_people(context: Context, file: Entry) -> None:
    for attribute in file.entries("attributes"):
        apply_attribute(context, attribute)
    for group in file.entries("groups"):
        apply_group(context, group)
    for user in file.entries("users"):
        apply_user(context, user)


def _write_projects(context: Context, file: Entry) -> None:
    """Whom they let in follows their roles."""
    for entry in file.entries("projects"):
        apply_project(context, entry)
    for owner, role in _children(context, file, "roles"):
        apply_role(context, owner, role)
    for entry in file.entries("projects"):
        apply_sign_in(context, entry)


def _children(context: Context, file: Entry, key: str) -> Iterator[tuple[Project, Entry]]:
    for project in file.entries("projects"):
        owner = context.projects.get(project.text("id"))
        if owner is not None:
            for child in project.entries(key):
                yield owner, child
