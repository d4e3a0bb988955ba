"""`manage.py createinitialtoken`: let apps register themselves in a project (RFC 7591 section 3)."""

from __future__ import annotations

from django.core.management.base import CommandParser

from clients import initial_tokens
from clients.initial_tokens import Wanted
from common.command import DatabaseCommand, Refused, as_name, kept_unless, whoever_runs_this, wrong_use
from projects.actors import Actor
from projects.models import Project
from projects.problems import RegistrationError


class Command(DatabaseCommand):
    writes = True
    help = "Make an initial access token: whoever has it registers apps in the project. It is printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        usual = Wanted()
        parser.add_argument("project", help="the id of the project")
        parser.add_argument("--label", default="", help="whom it is for")
        parser.add_argument("--scope", default=usual.scope, help=f"what its apps may ask for; default: {usual.scope}")
        parser.add_argument("--audience", action="append", default=[], help="an API that they may ask for; repeat it")
        parser.add_argument("--uses", type=int, default=usual.most, help=f"apps it registers; default {usual.most}")
        parser.add_argument("--days", type=int, default=usual.days, help=f"for which it works; default {usual.days}")
        parser.add_argument("--no-pkce", action="store_true", help="for apps with a secret that have no PKCE")
        super().add_arguments(parser)

    def handle(self, *args: object, **options: object) -> None:
        project = Project.objects.filter(key=as_name(str(options["project"]))).first()
        if project is None:
            raise wrong_use("There is no project of this id.")
        wanted = _wanted(options)
        try:
            with kept_unless(bool(options["dry_run"])):
                made, token = initial_tokens.make(wanted, project, Actor.operator("command", whoever_runs_this()))
        except RegistrationError as error:
            problems = [(one.field, one.message) for one in error.problems]
            raise Refused("No token was made.\n" + str(error), problems=problems) from None
        about = {"project": project.key, "scope": made.scope, "audience": made.audiences, "uses": made.most}
        about |= {"expires_at": made.expires_at.isoformat(timespec="seconds"), "dry_run": options["dry_run"]}
        if options["dry_run"]:
            self.answer(about, ["A token would be made."])
            return
        lines = [f"initial access token: {token}", f"It registers {made.most} app(s) until {about['expires_at']}."]
        self.answer({"token": token, **about}, lines)


def _wanted(options: dict[str, object]) -> Wanted:
    audience = options["audience"]
    return Wanted(
        label=as_name(str(options["label"])),
        scope=as_name(str(options["scope"])),
        audience=tuple(map(as_name, audience)) if isinstance(audience, list) else (),
        require_pkce=not options["no_pkce"],
        most=int(str(options["uses"])),
        days=int(str(options["days"])),
    )
