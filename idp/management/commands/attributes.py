"""`manage.py attributes [NAME]`: what is known of people here, and who edits it; and changes of that."""

from __future__ import annotations

from django.core.management.base import CommandParser

from accounts import attribute_schema, attributes
from accounts.attribute_types import OWN_TYPES
from accounts.attributes import Definition
from accounts.models import EditableBy
from common.command import DatabaseCommand, as_text, wrong_use
from common.command_output import columns, number
from idp import directory
from projects.commands import operator, registering
from projects.problems import require

SAID = ("type", "label", "editable_by", "position")
OPTIONS = {"name": "NAME", **{one: f"--{one.replace('_', '-')}" for one in SAID}}


class Command(DatabaseCommand):
    help = "List what is known of people; add an attribute, change or delete it. Running it again is safe."
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="one attribute")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--make", action="store_true", help="add it, if there is none of this name")
        what.add_argument("--delete", action="store_true", help="delete it, with everybody's value")
        parser.add_argument("--type", choices=OWN_TYPES, help="another one takes everybody's value along")
        parser.add_argument("--label", help="what people read")
        parser.add_argument("--editable-by", choices=EditableBy.values, help="and by whoever comes behind")
        parser.add_argument("--position", type=int, help="low ones first")
        super().add_arguments(parser)

    def handle(self, *, name: str | None, dry_run: bool, **options: object) -> None:
        said = {one: options[one] for one in SAID if options[one] is not None}
        if name is None:
            if said or options["make"] or options["delete"]:
                raise wrong_use("Say the NAME of an attribute.")
            shown = [_shown(one) for one in attributes.schema().values()]
            self.answer({"attributes": shown}, _lines(shown))
            return
        name, by = as_text(name, "NAME"), operator("attributes")
        before = attributes.schema().get(name)
        if before is None and not options["make"]:
            raise wrong_use(f"There is no attribute {name!r}.")
        lost = 0
        with registering(OPTIONS, dry_run=dry_run):
            if options["delete"]:
                lost, changed = attribute_schema.delete(name, by), ["deleted"]
            else:
                wanted = directory.wanted(name, said, before)
                require(directory.fit(wanted, before))
                other = before is not None and before.type != wanted.type
                lost = attribute_schema.people_with(name) if other else 0
                changed = attribute_schema.define(wanted, by)
        self._answer(name, before, changed, lost, dry_run=dry_run)

    def _answer(self, name: str, before: Definition | None, changed: list[str], lost: int, *, dry_run: bool) -> None:
        now = attributes.schema().get(name)
        document = {"dry_run": dry_run, "name": name, "changed": changed, "people": lost}
        document |= {"attribute": _shown(now)} if now else {}
        verb, along = "Would be" if dry_run else "Was", f", with {number(lost, 'value', 'values')}" if lost else ""
        done = "deleted" if changed == ["deleted"] else "made" if before is None else f"changed ({', '.join(changed)})"
        self.answer(document, [f"{verb} {done}: {name}{along}."] if changed else ["Nothing changed."])


def _shown(one: Definition) -> dict[str, object]:
    return {
        "name": one.name,
        "type": one.type,
        "label": str(one.label),
        "editable_by": EditableBy(one.editable_by).value,
        "position": one.position,
        "standard": one.standard,
    }


def _lines(shown: list[dict[str, object]]) -> list[str]:
    return columns(
        (str(one["name"]), str(one["type"]), f"edited by {one['editable_by']}", "" if one["standard"] else "added here")
        for one in shown
    )
