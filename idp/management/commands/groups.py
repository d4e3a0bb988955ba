"""`manage.py groups [NAME]`: which groups there are, who belongs to one and why; and changes of that."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.management.base import CommandParser
from django.db.models import Count

from accounts import groups
from accounts.models import Group, GroupMember, User
from clients.named import person_named
from common.command import DatabaseCommand, Refused, as_text, kept_unless, wrong_use
from common.command_output import columns, number
from projects.commands import operator

BY_HAND = "by hand"


class Command(DatabaseCommand):
    help = "List groups, or who belongs to one; make, fill or delete it. Running it again is safe."
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="one group, in any capitals")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--make", action="store_true", help="make it, if there is none of this name")
        what.add_argument("--delete", action="store_true", help="delete it; says how many people belong to it")
        for option, said in (("--add", "put this person into it"), ("--remove", "take out whom somebody put into it")):
            parser.add_argument(option, action="append", default=[], metavar="USER", help=f"{said}; may be repeated")
        super().add_arguments(parser)

    def handle(self, *, name: str | None, dry_run: bool, **options: object) -> None:
        changes = [one for one in ("make", "delete", "add", "remove") if options[one]]
        if name is None:
            if changes:
                raise wrong_use(f"--{changes[0]} needs the NAME of a group.")
            self._list()
            return
        with kept_unless(dry_run):
            self._one(as_text(name, "NAME"), options, changes, dry_run=dry_run)

    def _list(self) -> None:
        rows = Group.objects.annotate(people=Count("members__user", distinct=True)).order_by("name")
        found = [{"id": str(one.pk), "name": one.name, "people": one.people} for one in rows]
        lines = columns((one.name, _people(one.people), one.description) for one in rows)
        self.answer({"groups": found}, lines or ["There are no groups."])

    def _one(self, name: str, options: dict[str, object], changes: list[str], *, dry_run: bool) -> None:
        by, said = operator("groups"), "Would be" if dry_run else "Was"
        group = groups.named(name)
        lines = []
        if group is None and options["make"]:
            if problem := groups.name_problem(name):
                raise wrong_use(f"NAME: {problem}")
            group = groups.make(name, by)
            lines.append(f"{said} made: {group.name}.")
        if group is None:
            raise wrong_use(f"There is no group {name!r}.")
        if options["delete"]:
            number_of = groups.delete(group, by)
            document: dict[str, object] = {"dry_run": dry_run, "deleted": group.name, "people": number_of}
            self.answer(document, [f"{said} deleted: {group.name}, with {_people(number_of)}."])
            return
        added = groups.add_members(group, _named(options["add"]), "", by).added
        removed = groups.remove_members(group, _named(options["remove"]), "", by).removed
        if options["remove"] and not removed:
            raise Refused("Nothing was changed. Nobody put these people into it by hand.")
        lines += [f"{said} put into it: {_people(len(added))}."] if options["add"] else []
        lines += [f"{said} taken out of it: {_people(len(removed))}."] if options["remove"] else []
        members = _members(group)
        document = {"dry_run": dry_run, "id": str(group.pk), "name": group.name, "members": members}
        shown = columns((str(one["username"]), _why(one["sources"])) for one in members)
        self.answer(document, lines if changes else shown or ["Nobody belongs to it."])


def _named(names: object) -> Iterable[User]:
    return [person_named(str(one)) for one in names] if isinstance(names, list) else []


def _members(group: Group) -> list[dict[str, object]]:
    found: dict[str, list[str]] = {}
    rows = GroupMember.objects.filter(group=group).order_by("user__username", "source")
    for username, source in rows.values_list("user__username", "source"):
        found.setdefault(username, []).append(source)
    return [{"username": username, "sources": sources} for username, sources in found.items()]


def _why(sources: object) -> str:
    return ", ".join(str(one) or BY_HAND for one in sources) if isinstance(sources, list) else ""


def _people(amount: int) -> str:
    return number(amount, "person", "people")
