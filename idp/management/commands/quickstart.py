"""`manage.py quickstart`: everything a first start needs, and nothing that a second start would spoil."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import IntegrityError, transaction

from accounts.models import User
from common.command import DatabaseCommand, whoever_runs_this
from common.sealing import Unreadable
from idp import demo
from idp.configuration import ConfigurationError
from idp.environment import Environment, get_or_create_secret
from projects.actors import Actor
from provider.keys import registration

ADMIN = "admin"
ADMIN_PASSWORD = "ADMIN_PASSWORD"  # noqa: S105 - a variable's name


@dataclass(frozen=True)
class Admin:
    """The administrator. `password` is None once somebody has changed the generated one."""

    username: str | None
    password: str | None


class Command(DatabaseCommand):
    help = "Prepare the database, signing keys, an administrator and, on loopback, demo data. Safe to run again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="without the demo user and clients")
        super().add_arguments(parser)

    def handle(self, *args: object, **options: object) -> None:
        wants_demo = not options["no_demo"]
        if wants_demo:
            refuse_demo_in_a_deployment()
        self.stderr.write("Preparing the database", self.style.NOTICE)
        call_command("migrate", interactive=False, verbosity=0)
        try:
            made = registration.ensure(Actor.operator("quickstart", whoever_runs_this()))
        except Unreadable as error:
            raise CommandError(str(error)) from None
        if made:
            self.stderr.write(f"Made {len(made)} signing keys", self.style.NOTICE)
        admin = ensure_admin()
        shown = self._prepare_demo() if wants_demo else None
        self.answer(as_dict(admin, shown), as_text(admin, shown))

    def _prepare_demo(self) -> demo.Demo:
        try:
            report, shown = demo.prepare(settings.STATE_DIR / "secrets.env")
        except ConfigurationError as error:
            raise CommandError(
                f"The demo clashes with what is in the database:\n{error}\nRun 'manage.py quickstart --no-demo'."
            ) from None
        for change in report.drift:
            self.stderr.write(f"Demo: {change}", self.style.NOTICE)
        return shown


def refuse_demo_in_a_deployment() -> None:
    """The demo's passwords are on the screen, and its clients may ask for tokens."""
    if not settings.IS_LOCAL:
        raise CommandError(
            f"Demo accounts and clients are for loopback only, and IDP_ISSUER is {settings.IDP_ISSUER}. "
            "Run 'manage.py quickstart --no-demo'."
        )
    if settings.IDP_ISSUER_FORGOTTEN:
        raise CommandError(
            "DATABASE_URL names a database, but IDP_ISSUER is not set: the demo is not made where a deployment may be. "
            f"Set IDP_ISSUER, to {settings.IDP_ISSUER} if you want the demo in that database."
        )


def ensure_admin() -> Admin:
    """The first superuser. Once there is one, accounts are left alone."""
    given: str = Environment().str(ADMIN_PASSWORD, default="")
    password = given or (
        get_or_create_secret(settings.STATE_DIR / "secrets.env", ADMIN_PASSWORD) if settings.IS_LOCAL else ""
    )
    superusers = User.objects.filter(is_superuser=True).order_by("pk")
    if password and not superusers.exists():
        try:
            with transaction.atomic():
                User.objects.create_superuser(ADMIN, password=password)
        except IntegrityError:  # another run made it in this very moment
            return ensure_admin()
        except ValidationError as error:
            raise CommandError(
                f"The superuser '{ADMIN}' cannot be made: {' '.join(error.messages)} Make another with createsuperuser."
            ) from None
    user = superusers.filter(username=ADMIN).first() or superusers.first()
    if user is None:
        return Admin(None, None)
    made_here = user.username == ADMIN and not given and user.check_password(password)
    return Admin(user.username, password if made_here else None)


def as_dict(admin: Admin, shown: demo.Demo | None) -> dict[str, object]:
    answer: dict[str, object] = {
        "issuer": settings.IDP_ISSUER,
        "admin": {"url": f"{settings.IDP_ISSUER}/admin/", "username": admin.username, "password": admin.password},
        "demo": None,
    }
    if shown is not None:
        answer["demo"] = {
            "user": {"username": shown.username, "password": shown.password},
            "clients": [
                {"project": project, "client_id": client_id, "client_secret": secret}
                for project, client_id, secret in shown.clients
            ],
            "commands": [{"shows": title, "command": command} for title, command in shown.commands],
        }
    return answer


def as_text(admin: Admin, shown: demo.Demo | None) -> list[str]:
    lines = [
        "",
        f"Issuer     {settings.IDP_ISSUER}",
        f"Console    {settings.IDP_ISSUER}/admin/",
        f"           {_credentials(admin.username, admin.password)}",
    ]
    if shown is not None:
        lines += [f"Demo user  {_credentials(shown.username, shown.password)}", "Clients"]
        for project, client_id, secret in shown.clients:
            lines.append(f"           {_credentials(client_id, secret)}   (project {project})")
        lines += ["", "Paste these while the server runs:"]
        for title, command in shown.commands or [("None: the demo client's secret was changed", "")]:
            lines += ["", f"# {title}", command]
    return [*lines, ""]


def _credentials(name: str | None, password: str | None) -> str:
    if name is None:
        return "nobody yet: run 'manage.py createsuperuser'"
    return f"{name}  {password or '(as you set it)'}"
