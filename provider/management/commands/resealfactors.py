"""`manage.py resealfactors`: encrypt second factors under the first of IDP_KEY_SECRETS, so that an old one can go."""

from __future__ import annotations

import json

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from accounts import events, mfa
from accounts.models import AccountEventKind
from common.command import DatabaseCommand, whoever_runs_this
from common.sealing import Unreadable
from provider.keys.needed import needed, ordinal


class Command(DatabaseCommand):
    help = "Encrypt TOTP secrets and recovery codes anew, under the first of IDP_KEY_SECRETS. Running it again is safe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print the answer")

    def handle(self, *args: object, **options: object) -> None:
        try:
            number = mfa.reseal()
            others = {which: what for which, what in sorted(needed().items()) if which > 1}
        except Unreadable as error:
            raise CommandError(str(error)) from None
        events.record(None, AccountEventKind.FACTORS_RESEALED, None, number=number, by=whoever_runs_this())
        if options["format"] == "json":
            more: dict[str, object] = {"still_needed": others} if others else {}
            self.stdout.write(json.dumps({"resealed": number, **more}))
            return
        self.stdout.write(f"{number} secrets are encrypted under the first of IDP_KEY_SECRETS.")
        for sentence in _when_others_may_go(others):
            self.stdout.write(sentence)


def _when_others_may_go(needed: dict[int, list[str]]) -> list[str]:
    if len(settings.IDP_KEY_SECRETS) < 2:
        return []
    if not needed:
        return ["Only the first is needed. Drop the others once every server was restarted with it."]
    return [
        *(f"The {ordinal(number)} is still needed by {', '.join(what)}: keep it." for number, what in needed.items()),
        "rotatekeys makes new keys under the first. Run this again when it has replaced those.",
    ]
