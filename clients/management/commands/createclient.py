"""`manage.py createclient --type TYPE --project KEY`: a new client that begins as apps of its kind do."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from django.conf import settings
from django.core.management.base import CommandParser

from clients import registration
from clients.document import represent
from clients.metadata import Audience, ClientMetadata
from clients.models import Client, SigningKey
from clients.models.choices import ClientTokenFormat
from clients.named import project_named
from clients.policy import metadata_of
from clients.presets import PRESETS, begun, gaps
from common.command import DatabaseCommand, as_text
from projects.apis import project_facts
from projects.commands import operator, registering

OPTIONS = {
    "client_id": "--id",
    "client_name": "--name",
    "redirect_uris": "--redirect-uri",
    "post_logout_redirect_uris": "--post-logout-redirect-uri",
    "scope": "--scope",
    "audience": "--audience",
    "acts_for": "--acts-for",
}
LISTS = ("redirect_uris", "post_logout_redirect_uris", "acts_for")
NO_KEYS = "There are no signing keys, so no ID token can be made: run quickstart."


class Command(DatabaseCommand):
    help = "Make a client, and say what it still lacks. Its secret is shown once, here."
    writes = True
    formats = ("text", "json", "env")

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = "; ".join(f"{name}: {preset.says}" for name, preset in PRESETS.items())
        parser.add_argument("--type", choices=PRESETS, required=True, help=kinds)
        parser.add_argument("--project", metavar="KEY", required=True, help="the project it belongs to, for ever")
        parser.add_argument("--id", default="", metavar="CLIENT_ID", help="its client_id (default: a random one)")
        parser.add_argument("--name", default="", help="shown to people")
        for field in LISTS:
            parser.add_argument(OPTIONS[field], action="append", dest=field, metavar="URI", help="may be repeated")
        parser.add_argument("--scope", help="what it may ask for, separated by spaces (default: what its type has)")
        parser.add_argument("--audience", action="append", metavar="URI", help="an API it may ask for; may be repeated")
        parser.add_argument("--token-format", choices=ClientTokenFormat.values, help="of its access tokens")
        super().add_arguments(parser)

    def handle(self, *, type: str, project: str, dry_run: bool, **options: object) -> None:
        owner, wanted = project_named(project), begun(type, **_said(options))
        by, secret = operator("createclient"), ""
        with registering(OPTIONS, dry_run=dry_run):
            client = registration.register(wanted, owner, by)
            if wanted.uses_secrets:
                secret = registration.generate_secret(client, by, label="createclient")
            made = metadata_of(client)
        warnings = gaps(made, project_facts(owner)) + ([] if SigningKey.objects.exists() else [NO_KEYS])
        shown = _shown(client, made, "" if dry_run else secret)
        if options["format"] == "env":
            self.answer({}, [f"{name}={shlex.quote(value)}" for name, value in _environment(shown).items()])
            self.stderr.write("\n".join(warnings))
            return
        document = {"dry_run": dry_run, "type": type, **shown, **represent(made), "warnings": warnings}
        self.answer(document, _lines(type, shown, warnings, dry_run=dry_run))


def _said(options: Mapping[str, object]) -> dict[str, object]:
    """What was said, as metadata; whatever was not is for the kind of client."""
    named = {"client_id": "id", "client_name": "name"} | ({"scope": "scope"} if options["scope"] is not None else {})
    said: dict[str, object] = {field: as_text(str(options[name]), OPTIONS[field]) for field, name in named.items()}
    for field in LISTS:
        if given := _texts(options[field], field):
            said[field] = given
    if given := _texts(options["audience"], "audience"):
        said["audience"] = tuple(map(Audience, given))
    if options["token_format"]:
        said["access_token_format"] = options["token_format"]
    return said


def _texts(given: object, field: str) -> tuple[str, ...]:
    return tuple(as_text(str(one), OPTIONS[field]) for one in given) if isinstance(given, list) else ()


def _shown(client: Client, made: ClientMetadata, secret: str) -> dict[str, object]:
    return {
        "issuer": settings.IDP_ISSUER,
        "project": client.home.key,
        "client_id": client.client_id,
        "client_secret": secret or None,
        "token_endpoint_auth_method": made.token_endpoint_auth_method,
        "grant_types": list(made.grant_types),
        "redirect_uris": list(made.redirect_uris),
        "scope": made.scope,
        "audience": [one.value for one in made.audience],
        "acts_for": list(made.acts_for),
        "access_token_format": made.access_token_format,
    }


def _environment(shown: Mapping[str, object]) -> dict[str, str]:
    """As programs of others read it. A public client has no secret to put there."""
    names = {"OIDC_ISSUER": "issuer", "OIDC_CLIENT_ID": "client_id", "OIDC_CLIENT_SECRET": "client_secret"}
    return {name: str(value) for name, field in names.items() if (value := shown[field])}


def _lines(kind: str, shown: Mapping[str, object], warnings: list[str], *, dry_run: bool) -> list[str]:
    verb = "Would make" if dry_run else "Made"
    lines = [f"{verb} client {shown['client_id']} ({kind}) in project {shown['project']}.", ""]
    for name, value in shown.items():
        text = " ".join(map(str, value)) if isinstance(value, list) else str(value or "")
        if text and name != "project":
            lines.append(f"{name:<28}{text}")
    if shown["client_secret"]:
        lines += ["", "Keep the secret: it cannot be shown again."]
    return [*lines, *(["", "What it still lacks:", *(f"- {one}" for one in warnings)] if warnings else [])]
