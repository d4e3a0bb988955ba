"""`manage.py rotatekeys`: take the next step of the signing keys' rotation. Safe to run from a timer.

With `--revoke KID` a key that leaked ends at once instead.
"""

from __future__ import annotations

from django.core.management.base import CommandParser

from common.command import DatabaseCommand, Refused, as_name, whoever_runs_this, wrong_use
from common.jws import ALGORITHMS
from common.sealing import Unreadable
from projects.actors import Actor
from provider.keys import keyring, registration, rounds
from provider.keys.needed import RESTART, next_is_under_another
from provider.keys.rotation import Step

SENTENCES = {
    "publish": "{algorithm}: a next key is published. It signs once every app may know it.",
    "activate": "{algorithm}: {kid} signs now{before}, and a next key is published.",
    "revoke": "{algorithm}: {kid} is revoked. Nothing it signed is believed any more.",
    "wait": "{algorithm}: nothing to do until {at}. Apps may not know the next key yet.",
}


class Command(DatabaseCommand):
    writes = timer = True
    help = "Publish, activate and retire signing keys, each step when it is safe. Run it again for the next step."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--revoke", metavar="KID", help="this key leaked: believe nothing it signed")
        parser.add_argument("--algorithm", choices=list(ALGORITHMS), help="only keys of this algorithm")
        parser.add_argument(
            "--servers-restarted",
            action="store_true",
            help="IDP_KEY_SECRETS changed, and every server was restarted with it since",
        )
        super().add_arguments(parser)

    def handle(
        self,
        *,
        revoke: str | None,
        algorithm: str | None,
        servers_restarted: bool,
        dry_run: bool,
        **options: object,
    ) -> None:
        if revoke:
            steps = [_revoke(as_name(revoke), dry_run=dry_run)]
        else:
            asked = [algorithm] if algorithm else list(ALGORITHMS)
            steps = rounds.take(asked, _operator(), dry_run=dry_run, restarted=servers_restarted)
        self.answer(
            {"dry_run": dry_run, "steps": [_as_dict(one) for one in steps]},
            [f"Would do: {_sentence(one)}" if dry_run else _sentence(one) for one in steps],
        )
        if not revoke:
            self.ran({step.algorithm: step.action for step in steps})
        for step in steps:
            if step.action != "revoke" and next_is_under_another(step.algorithm):
                self.stderr.write(RESTART.format(algorithm=step.algorithm), self.style.WARNING)


def _sentence(step: Step) -> str:
    return SENTENCES[step.action].format(
        algorithm=step.algorithm,
        kid=step.kid,
        at=f"{step.at:%Y-%m-%d %H:%M:%S %Z}" if step.at else "",
        before="; the one before is retired" if step.retires else "",
    )


def _operator() -> Actor:
    return Actor.operator("rotatekeys", whoever_runs_this())


def _revoke(kid: str, *, dry_run: bool) -> Step:
    try:
        key = keyring.revocable(kid) if dry_run else registration.revoke(kid, _operator())
    except Unreadable as error:
        raise Refused(f"{error} Nothing was changed.") from None
    if key is None:
        raise wrong_use("There is no such key, or it is revoked already.")
    return Step(key.algorithm, "revoke", key.kid)


def _as_dict(step: Step) -> dict[str, object]:
    at = step.at.isoformat() if step.at else None
    return {"algorithm": step.algorithm, "action": step.action, "kid": step.kid or None, "not_before": at}
