"""`manage.py resealfactors`: encrypt second factors under the first of IDP_KEY_SECRETS, so that an old one can go."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from accounts import events, mfa
from accounts.models import AccountEventKind
from common.command import DatabaseCommand, Refused, whoever_runs_this
from common.sealing import Unreadable
from projects.upstream import connectors
from provider.keys.needed import needed, ordinal


class Command(DatabaseCommand):
    help = (
        "Encrypt TOTP secrets, recovery codes and the secrets of connectors anew, under the first of IDP_KEY_SECRETS. "
        "Running it again is safe."
    )

    def handle(self, *args: object, **options: object) -> None:
        try:
            with transaction.atomic():
                number = mfa.reseal() + connectors.reseal()
            others = {which: what for which, what in sorted(needed().items()) if which > 1}
        except Unreadable as error:
            raise Refused(str(error)) from None
        events.record(None, AccountEventKind.FACTORS_RESEALED, None, number=number, by=whoever_runs_this())
        more: dict[str, object] = {"still_needed": others} if others else {}
        secrets = f"{number} secret is" if number == 1 else f"{number} secrets are"
        said = f"{secrets} encrypted under the first of IDP_KEY_SECRETS."
        self.answer({"resealed": number, **more}, [said, *_when_others_may_go(others)])


def _when_others_may_go(needed: dict[int, list[str]]) -> list[str]:
    if len(settings.IDP_KEY_SECRETS) < 2:
        return []
    if not needed:
        return ["Only the first is needed. Drop the others once every server was restarted with it."]
    return [
        *(f"The {ordinal(number)} is still needed by {', '.join(what)}: keep it." for number, what in needed.items()),
        "rotatekeys makes new keys under the first. Run this again when it has replaced those.",
    ]
