"""`manage.py invite ADDRESS`: ask somebody by mail to come, to an account or into a project; or say who did not yet."""

from __future__ import annotations

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from common.command import DatabaseCommand, Refused, as_name, as_text, wrong_use
from common.command_output import told
from projects import invited_to, inviting
from projects.choices import Role
from projects.commands import operator, registering
from projects.invitation import Invitation
from projects.inviting import Wanted
from projects.models import Project

OPTIONS = {
    "email": "ADDRESS",
    "role": "--role",
    "project": "--project",
    "roles": "--app-role",
    "groups": "--group",
    "console": "--console",
}
BRINGS = {"app-role": "a role that the apps of the project know", "group": "a group that they come into"}


class Command(DatabaseCommand):
    help = "Invite somebody by mail. Its link sets a password or a passkey, once; sent again, the older one is dead."
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", nargs="?", metavar="ADDRESS", help="where the mail goes")
        parser.add_argument("--project", default="", metavar="KEY", help="into this project")
        parser.add_argument("--role", default="", choices=Role.values, help="what they manage of it; without: nothing")
        for option, words in BRINGS.items():
            hint = f"{words}; may be repeated"
            parser.add_argument(f"--{option}", dest=option, action="append", default=[], metavar="NAME", help=hint)
        parser.add_argument("--console", action="store_true", help="whoever accepts may enter the console")
        parser.add_argument("--list", action="store_true", help="who has not answered yet, of the project or of all")
        parser.add_argument("--take-back", action="store_true", help="the invitation of this address: its link is dead")
        super().add_arguments(parser)

    def handle(self, *, address: str | None, project: str, role: str, dry_run: bool, **options: object) -> None:
        where = self._project(project)
        rows = Invitation.objects.select_related("project", "inviter")
        if options["list"]:
            return self._list(rows.filter(project=where) if where else rows)
        if not address:
            raise wrong_use("Say whom to invite: an e-mail address.")
        roles, groups = (_texts(options[one], f"--{one}") for one in BRINGS)
        wanted = Wanted(
            email=as_text(address, "ADDRESS"), role=role, roles=roles, groups=groups, console=bool(options["console"])
        )
        if options["take_back"]:
            return self._take_back(rows.filter(project=where, email=wanted.address), dry_run=dry_run)
        with registering(OPTIONS, dry_run=dry_run):
            made = inviting.invite(wanted, where, operator("invite"))
        said = f"{'Would invite' if dry_run else 'Invited'} {made.email} to {inviting.place_of(made)}"
        return self.answer(
            {**_told(made), "dry_run": dry_run}, [f"{said}. The link works until {told(made.expires_at)}."]
        )

    def _project(self, key: str) -> Project | None:
        found = Project.objects.filter(key=as_name(key)).first() if key else None
        if key and found is None:
            raise wrong_use("There is no project of this id.")
        return found

    def _list(self, rows: QuerySet[Invitation]) -> None:
        found = [_told(one) for one in rows]
        lines = [
            f"{one['email']}  {one['project'] or '-'}  {one['role'] or '-'}  until {told(row.expires_at)}"
            for one, row in zip(found, rows, strict=True)
        ]
        self.answer({"invitations": found}, lines or ["Nobody is invited who has not answered."])

    def _take_back(self, rows: QuerySet[Invitation], *, dry_run: bool) -> None:
        found = rows.first()
        if found is None:
            raise Refused("This address is not invited, or it has answered.")
        document = {**_told(found), "dry_run": dry_run}
        with registering(OPTIONS, dry_run=dry_run):
            inviting.take_back(found, operator("invite"))
        said = "Would take back" if dry_run else "Took back"
        self.answer(document, [f"{said} the invitation of {document['email']}."])


def _texts(values: object, option: str) -> tuple[str, ...]:
    return tuple(as_text(str(one), option) for one in values) if isinstance(values, list) else ()


def _told(one: Invitation) -> dict[str, object]:
    return {
        "id": str(one.pk),
        "email": one.email,
        "project": one.project.key if one.project else None,
        "role": one.role,
        **invited_to.names_of(one),
        "console": one.console,
        "inviter": one.inviter.sub if one.inviter else None,
        "sent_at": one.sent_at,
        "expires_at": one.expires_at,
    }
