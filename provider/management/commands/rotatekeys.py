"""`manage.py rotatekeys`: take the next step of the signing keys' rotation. Safe to run from a timer.

With `--revoke KID` a key that leaked ends at once instead.
"""

from __future__ import annotations

from django.core.management.base import CommandParser
from django.db import IntegrityError

from common import clock
from common.command import DatabaseCommand, Refused, as_name, whoever_runs_this, wrong_use
from common.jws import ALGORITHMS
from common.sealing import Unreadable
from projects.actors import Actor
from provider.keys import keyring, registration, rotation
from provider.keys.needed import RESTART, THEN, next_is_under_another
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
            steps = self._rotate(algorithm, dry_run=dry_run, restarted=servers_restarted)
        self.answer(
            {"dry_run": dry_run, "steps": [_as_dict(one) for one in steps]},
            [f"Would do: {_sentence(one)}" if dry_run else _sentence(one) for one in steps],
        )
        if not revoke:
            self.ran({step.algorithm: step.action for step in steps})
        for step in steps:
            if step.action != "revoke" and next_is_under_another(step.algorithm):
                self.stderr.write(RESTART.format(algorithm=step.algorithm), self.style.WARNING)

    def _rotate(self, algorithm: str | None, *, dry_run: bool, restarted: bool) -> list[Step]:
        algorithms = [algorithm] if algorithm else list(ALGORITHMS)
        steps: list[Step] = []
        try:
            for one in algorithms:  # all of them before the first one changes
                rotation.require_opened(one)
                if not restarted:
                    _require_restarted(one)
            for one in algorithms:
                steps.append(self._step(one, dry_run=dry_run))
        except Unreadable as error:  # later than the first: another process made a key meanwhile
            done = ", ".join(f"{step.algorithm} ({step.action})" for step in steps)
            raise Refused(f"{error} {f'Done before: {done}.' if done else 'Nothing was changed.'}") from None
        return steps

    def _step(self, algorithm: str, *, dry_run: bool) -> Step:
        if dry_run:
            return rotation.next_step(algorithm, clock.now())
        try:
            return rotation.rotate(algorithm, by=_operator())
        except IntegrityError:
            # Another rotation published the first next key in the same moment: say where that leaves us.
            return rotation.next_step(algorithm, clock.now())


def _sentence(step: Step) -> str:
    return SENTENCES[step.action].format(
        algorithm=step.algorithm,
        kid=step.kid,
        at=f"{step.at:%Y-%m-%d %H:%M:%S %Z}" if step.at else "",
        before="; the one before is retired" if step.retires else "",
    )


def _operator() -> Actor:
    return Actor.operator("rotatekeys", whoever_runs_this())


def _require_restarted(algorithm: str) -> None:
    """Activating that key on servers that cannot open it would end every signature: at once, and everywhere."""
    step = rotation.next_step(algorithm, clock.now())
    if step.action == "activate" and next_is_under_another(algorithm):
        raise Refused(f"{RESTART.format(algorithm=algorithm)} {THEN} Nothing was changed.")


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
