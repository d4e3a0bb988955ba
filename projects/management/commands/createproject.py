"""`manage.py createproject KEY`: a new project, with its members and what people see when they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from django.core.management.base import CommandParser

from common.command import DatabaseCommand, as_text
from projects import registration
from projects.choices import Role
from projects.commands import operator, registering
from projects.metadata import Membership, ProjectMetadata, Screen
from projects.models import ConsentMode, Status

MEMBERS = {Role.OWNER: "owner", Role.EDITOR: "editor", Role.VIEWER: "viewer"}
SCREEN = [one.name for one in fields(Screen)]
OPTIONS = {"id": "KEY", "name": "--name", "members": "--owner, --editor, --viewer", "test_users": "--test-user"}


class Command(DatabaseCommand):
    help = "Make a project: the apps and APIs of one publisher, whom people allow something once for all of them."
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", metavar="KEY", help="its stable name: lower-case letters, digits, - and _")
        parser.add_argument("--name", default="", help="shown to people (default: the key)")
        for role, option in MEMBERS.items():
            parser.add_argument(
                f"--{option}", action="append", default=[], metavar="USERNAME", help=f"{role.label}; may be repeated"
            )
        for name in SCREEN:
            parser.add_argument(f"--{name.replace('_', '-')}", default="", help="shown to people who are asked")
        parser.add_argument("--first-party", action="store_true", help="its people are never asked for consent")
        parser.add_argument("--testing", action="store_true", help="only its test users may sign in to its apps")
        parser.add_argument(
            "--test-user", action="append", default=[], metavar="USERNAME", help="with --testing; may be repeated"
        )
        super().add_arguments(parser)

    def handle(self, *, key: str, dry_run: bool, **options: object) -> None:
        wanted = _wanted(as_text(key, "KEY"), options)
        with registering(OPTIONS, dry_run=dry_run):
            registration.register(wanted, operator("createproject"))
        warnings = list(_warnings(wanted))
        document = {
            "dry_run": dry_run,
            "project": wanted.id,
            "name": wanted.name,
            "consent_mode": wanted.consent_mode,
            "status": wanted.status,
            "members": [{"username": one.username, "role": one.role} for one in wanted.members],
            "warnings": warnings,
        }
        self.answer(document, [f"{'Would make' if dry_run else 'Made'} project {wanted.id}.", *warnings])


def _wanted(key: str, options: dict[str, object]) -> ProjectMetadata:
    def said(name: str) -> str:
        return as_text(str(options[name]), f"--{name.replace('_', '-')}")

    def named(option: str) -> list[str]:
        given = options[option]
        return [as_text(str(one), f"--{option.replace('_', '-')}") for one in given] if isinstance(given, list) else []

    name = said("name") or key
    screen = {one: said(one) for one in SCREEN}
    return ProjectMetadata(
        id=key,
        name=name,
        consent_mode=ConsentMode.IMPLICIT if options["first_party"] else ConsentMode.EXPLICIT,
        status=Status.TESTING if options["testing"] else Status.PRODUCTION,
        test_users=tuple(named("test_user")),
        members=tuple(Membership(who, role) for role, option in MEMBERS.items() for who in named(option)),
        consent_screen=Screen(**{**screen, "app_name": screen["app_name"] or name}),
    )


def _warnings(wanted: ProjectMetadata) -> Iterator[str]:
    if not any(one.role == Role.OWNER for one in wanted.members):
        yield "It has no owner: only superusers manage it in the console."
    if wanted.status == Status.TESTING and not wanted.test_users:
        yield "It is in testing and has no test users: nobody can sign in to its apps yet."
    if wanted.consent_mode == ConsentMode.EXPLICIT and not wanted.consent_screen.support_email:
        yield "It has no support address: people who are asked see nobody to turn to."
