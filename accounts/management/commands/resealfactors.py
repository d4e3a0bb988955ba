"""`manage.py resealfactors`: encrypt second factors under the first of IDP_KEY_SECRETS, so that an old one can go."""

from __future__ import annotations

import json

from django.core.management.base import CommandError, CommandParser

from accounts import events, mfa
from accounts.models import AccountEventKind
from common.command import DatabaseCommand, whoever_runs_this
from common.sealing import Unreadable


class Command(DatabaseCommand):
    help = "Encrypt TOTP secrets and recovery codes anew, under the first of IDP_KEY_SECRETS. Running it again is safe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print the answer")

    def handle(self, *args: object, **options: object) -> None:
        try:
            number = mfa.reseal()
        except Unreadable as error:
            raise CommandError(str(error)) from None
        events.record(None, AccountEventKind.FACTORS_RESEALED, None, number=number, by=whoever_runs_this())
        if options["format"] == "json":
            self.stdout.write(json.dumps({"resealed": number}))
        else:
            self.stdout.write(f"{number} secrets are encrypted under the first of IDP_KEY_SECRETS.")
