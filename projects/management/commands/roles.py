"""`manage.py roles PROJECT [ROLE]`: which roles its apps know, who has them, and giving and taking them."""

from __future__ import annotations

from django.core.management.base import CommandParser

from accounts.models import User
from accounts.normalization import user_name
from common.command import DatabaseCommand, as_text, wrong_use
from common.command_output import columns, number, printable
from projects import roles
from projects.commands import operator, registering
from projects.metadata import RoleMetadata
from projects.models import Project, ProjectRole
from projects.role_document import represent_role

MOVES = {
    "to": "give it to",
    "to_group": "give it to a group",
    "from": "take it from",
    "from_group": "take it from a group",
}
OPTIONS = {"name": "ROLE", "project": "PROJECT", "users": "--to, --from", "groups": "--to-group, --from-group"}


class Command(DatabaseCommand):
    help = "Show, make, give and take back the roles that the apps of a project are told of people."
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="its key")
        parser.add_argument("role", metavar="ROLE", nargs="?", default="", help="only this one")
        parser.add_argument(
            "--user", default="", metavar="USERNAME", help="which of them this person has, by groups, too"
        )
        parser.add_argument("--make", action="store_true", help="make the role, if there is none")
        parser.add_argument("--description", default="", help="with --make: for whoever gives it")
        parser.add_argument("--delete", action="store_true", help="delete the role: nobody has it any more")
        for option, words in MOVES.items():
            name = "GROUP" if option.endswith("group") else "USERNAME"
            parser.add_argument(
                f"--{option.replace('_', '-')}",
                dest=option,
                action="append",
                default=[],
                metavar=name,
                help=f"{words}; may be repeated",
            )
        super().add_arguments(parser)

    def handle(self, *, project: str, role: str, user: str, dry_run: bool, **options: object) -> None:
        home = Project.objects.filter(key=as_text(project, "PROJECT")).first()
        if home is None:
            raise wrong_use(f"There is no project {project!r}.")
        named = {option: [as_text(str(one), f"--{option}") for one in _listed(options[option])] for option in MOVES}
        changes = bool(options["make"] or options["delete"] or any(named.values()))
        if changes and (not role or user):
            raise wrong_use("Name the ROLE that is to be changed, and no --user.")
        if user:
            self._of_person(home, as_text(user, "--user"))
        elif changes:
            self._change(home, as_text(role, "ROLE"), named, options, dry_run=dry_run)
        else:
            self._show(home, as_text(role, "ROLE") if role else "")

    def _of_person(self, project: Project, username: str) -> None:
        found = User.objects.filter(username=user_name(username)).first()
        if found is None:
            raise wrong_use(f"There is no user {username!r}.")
        names = roles.roles_of(project.pk, found.pk)
        said = [printable(one) for one in names] or [f"{found.username} has no role in {project.key}."]
        self.answer({"project": project.key, "username": found.username, "roles": list(names)}, said)

    def _show(self, project: Project, role: str) -> None:
        rows = [self._named(project, role)] if role else list(project.roles.all())
        found = roles.metadata_of_all(rows)
        lines = [(one.name, _holders(one), one.description) for one in found]
        said = columns(lines) or [f"{project.key} has no roles."]
        self.answer({"project": project.key, "roles": [represent_role(one) for one in found]}, said)

    def _named(self, project: Project, role: str) -> ProjectRole:
        found = roles.named(project, role)
        if found is None:
            raise wrong_use(f"{project.key} has no role {role!r}. --make makes it.")
        return found

    def _change(
        self, project: Project, role: str, named: dict[str, list[str]], options: dict[str, object], *, dry_run: bool
    ) -> None:
        by, done = operator("roles"), []
        with registering(OPTIONS, dry_run=dry_run):
            found = roles.named(project, role)
            if found is None and options["make"]:
                description = as_text(str(options["description"]), "--description")
                found = roles.register(RoleMetadata(name=roles.plain(role), description=description), project, by)
                done.append("made")
            found = found or self._named(project, role)
            given = roles.grant(found, by, users=named["to"], groups=named["to_group"])
            taken = roles.revoke(found, by, users=named["from"], groups=named["from_group"])
            shown = roles.metadata_of(found)
            if options["delete"]:
                roles.delete(found, by)
                done.append("deleted")
        done += [f"given {number(given, 'time', 'times')}"] if given else []
        done += [f"taken back {number(taken, 'time', 'times')}"] if taken else []
        document = {"dry_run": dry_run, "project": project.key, "done": done, **represent_role(shown)}
        would = "Nothing was changed; it would be: " if dry_run else ""
        said = f"{would}{', '.join(done) or 'nothing to do'}."
        self.answer(document, [f"{project.key}, role {printable(shown.name)}: {said}", f"Now: {_holders(shown)}"])


def _holders(role: RoleMetadata) -> str:
    names = [*role.users, *(f"group {one}" for one in role.groups)]
    return printable(", ".join(names)) or "nobody"


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
