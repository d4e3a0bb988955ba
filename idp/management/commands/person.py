"""`manage.py person NAME`: what is known of somebody, which groups they belong to; and changes of their attributes."""

from __future__ import annotations

from django.core.management.base import CommandParser
from django.db import transaction

from accounts import attributes, groups
from accounts.attribute_fields import shown
from accounts.attribute_types import from_text
from accounts.attributes import Editor
from accounts.models import User
from clients.named import person_named
from common.command import WRONG_USE, DatabaseCommand, Refused, as_text, kept_unless, wrong_use
from common.command_output import columns, told
from common.json_type import Json
from projects.commands import operator


class Command(DatabaseCommand):
    help = "Show what is known of a person, or change it. --set name= takes a value away."
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the user name or e-mail address")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="ATTRIBUTE=VALUE",
            help="a list has ; between its items; may be repeated",
        )
        super().add_arguments(parser)

    def handle(self, *, name: str, dry_run: bool, **options: object) -> None:
        person, said = person_named(name), options["set"]
        if not isinstance(said, list) or not said:
            self._show(person)
            return
        changes = _read(person, [as_text(str(one), "--set") for one in said])
        with kept_unless(dry_run), transaction.atomic():
            changed = attributes.change(person, changes, operator("person"))
        document = {"dry_run": dry_run, "sub": person.sub, "changed": changed}
        verb = "Would change" if dry_run else "Changed"
        self.answer(document, [f"{verb} {', '.join(changed)}." if changed else "It is like that already."])

    def _show(self, person: User) -> None:
        values, belongs = attributes.values_of(person), groups.group_names(person.pk)
        known = {name: values[name] for name in attributes.schema() if name in values}
        document = {
            "sub": person.sub,
            "username": person.username,
            "email": person.email,
            "email_verified": person.email_verified,
            "is_active": person.is_active,
            "attributes": known,
            "groups": belongs,
            "created_at": person.date_joined,
            "last_sign_in_at": person.last_login,
        }
        rows = [
            ("sub", person.sub),
            ("username", person.username),
            ("email", f"{person.email} ({'verified' if person.email_verified else 'not verified'})"),
            ("active", "yes" if person.is_active else "no"),
            ("last sign-in", told(person.last_login)),
            *((name, " ".join(shown(value).split())) for name, value in known.items()),
            ("groups", ", ".join(belongs) or "none"),
        ]
        self.answer(document, columns(rows))


def _read(person: User, said: list[str]) -> dict[str, Json]:
    """As an import: whoever runs commands may edit everything."""
    known = attributes.schema()
    values: dict[str, object] = {}
    for one in said:
        name, sign, value = one.partition("=")
        if not sign:
            raise wrong_use("--set takes ATTRIBUTE=VALUE.")
        values[name] = from_text(known[name].type, value) if name in known else value
    before = attributes.values_of(person)
    changes, troubles = attributes.read(values, Editor.IMPORT, before=before, known=known)
    if troubles:
        sentence = "\n  ".join(f"--set {name}: {message}" for name, message in troubles)
        raise Refused(f"Nothing was changed. {sentence}", returncode=WRONG_USE, problems=troubles)
    return changes
