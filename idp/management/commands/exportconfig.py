"""`manage.py exportconfig`: what there is, as a configuration file."""

from __future__ import annotations

from django.core.management.base import CommandParser

from clients.named import project_named
from common.command import DatabaseCommand, wrong_use
from common.command_output import printable
from idp.configuration.export import Exported, What, export
from idp.configuration.export_secrets import SecretsAs
from idp.configuration.reading import MAX_CHARACTERS
from idp.configuration.written import as_json_text, as_yaml


class Command(DatabaseCommand):
    help = "Print projects, APIs and clients as a configuration file. What a file cannot say is on standard error."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--project",
            metavar="ID",
            action="append",
            default=[],
            help="this project alone; may be given several times",
        )
        parser.add_argument("--users", action="store_true", help="with the accounts; of --project, those that it names")
        parser.add_argument(
            "--without-people", action="store_true", help="without members and test users: for another installation"
        )
        parser.add_argument(
            "--secrets-as",
            choices=[one.value for one in SecretsAs],
            default=SecretsAs.LEFT_OUT.value,
            help="secrets of clients: none of them (default), references to variables or files, or their hashes",
        )
        parser.add_argument(
            "--secrets-in", metavar="DIRECTORY", default="/run/secrets", help="of --secrets-as file (%(default)s)"
        )
        parser.add_argument("--format", choices=["yaml", "json"], default="yaml", help="what is printed (%(default)s)")

    def handle(
        self,
        *,
        project: list[str],
        users: bool,
        without_people: bool,
        secrets_as: str,
        secrets_in: str,
        format: str,
        **options: object,
    ) -> None:
        if users and without_people:
            raise wrong_use("--users and --without-people exclude each other.")
        if not secrets_in.startswith("/") or not secrets_in.isprintable():
            raise wrong_use("--secrets-in takes the absolute path of a directory.")
        projects = [project_named(key) for key in dict.fromkeys(project)]
        exported = export(What(projects or None, users, not without_people, SecretsAs(secrets_as), secrets_in))
        text = as_json_text(exported.document) if format == "json" else as_yaml(exported.document)
        self.stdout.write(text, ending="")
        for sentence in _told(exported, text):
            self.stderr.write(printable(sentence))


def _told(exported: Exported, text: str) -> list[str]:
    told = list(exported.left_out)
    if exported.references:
        told.append(f"Has to be there where it is applied: {', '.join(exported.references)}.")
    if len(text) > MAX_CHARACTERS:
        told.append("The file is too large for applyconfig. Export single projects: --project ID.")
    return told
