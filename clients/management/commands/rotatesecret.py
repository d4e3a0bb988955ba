"""`manage.py rotatesecret CLIENT`: a second secret beside the one in use, and an end for that one."""

from __future__ import annotations

from datetime import datetime

from django.core.management.base import CommandParser

from clients import registration
from clients.models import Client, ClientSecret
from clients.named import client_named
from clients.rotation import limit_all, live_secrets, make_room
from clients.secrets import TooManySecrets, is_slow
from common import clock
from common.command import DatabaseCommand, Refused, as_text, wrong_use
from common.command_arguments import A_LENGTH, length
from common.command_output import ago, columns, told, until
from projects.commands import operator, registering

MAX_LABEL = 100  # characters


class Command(DatabaseCommand):
    help = "Make a new secret for a client. The one it has goes on, so that both work while apps change over."
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client", metavar="CLIENT", help="its client_id")
        parser.add_argument(
            "--end-old-after", metavar="LENGTH", help=f"when the secrets it has now end: {A_LENGTH}; 0s: at once"
        )
        parser.add_argument("--expires-after", metavar="LENGTH", help="when the new one ends by itself; else never")
        parser.add_argument("--label", default="", help="what the new one is for, shown in lists")
        parser.add_argument("--end", type=int, choices=[1, 2], metavar="SLOT", help="only end this secret, at once")
        parser.add_argument("--list", action="store_true", help="only show the secrets it has, and when each was used")
        super().add_arguments(parser)

    def handle(self, *, client: str, list: bool, end: int | None, dry_run: bool, **options: object) -> None:
        found = client_named(client)
        made = (options["end_old_after"], options["expires_after"], options["label"] or None)
        if (list or end) and (any(one is not None for one in made) or (list and end)):
            raise wrong_use("--list and --end go alone: they make no secret.")
        if len(str(options["label"])) > MAX_LABEL:
            raise wrong_use(f"--label has {MAX_LABEL} characters at most.")
        if list:
            self._show(found)
        elif end:
            self._end(found, end, dry_run=dry_run)
        else:
            self._rotate(found, options, dry_run=dry_run)

    def _show(self, client: Client) -> None:
        live = live_secrets(client)
        now = clock.now()
        rows = [(str(one.slot), one.label or "-", *_moments(one, now)) for one in live]
        self.answer(
            {"client_id": client.client_id, "secrets": [_as_dict(one) for one in live]},
            columns(rows) or [f"{client.client_id} has no secret."],
        )

    def _end(self, client: Client, slot: int, *, dry_run: bool) -> None:
        secret = next((one for one in live_secrets(client) if one.slot == slot), None)
        if secret is None:
            raise wrong_use(f"{client.client_id} has no secret {slot}: rotatesecret {client.client_id} --list.")
        with registering({}, dry_run=dry_run):
            registration.revoke_secret(secret, operator("rotatesecret"))
        verb = "Would end" if dry_run else "Ended"
        ended = {"dry_run": dry_run, "client_id": client.client_id, "ended": slot}
        self.answer(ended, [f"{verb} secret {slot} of {client.client_id}, last used {told(secret.last_used_at)}."])

    def _rotate(self, client: Client, options: dict[str, object], *, dry_run: bool) -> None:
        by, now = operator("rotatesecret"), clock.now()
        old_end, new_end = (_after(options[one], one, now) for one in ("end_old_after", "expires_after"))
        label = as_text(str(options["label"]), "--label")
        with registering({"client_secret": "CLIENT"}, dry_run=dry_run):
            make_room(client, by, now)
            old = live_secrets(client)
            if old_end is not None:
                limit_all(client, by, old_end)
            try:
                secret = registration.generate_secret(client, by, label=label, expires_at=new_end)
            except TooManySecrets:
                raise Refused(
                    f"{client.client_id} has two secrets. End one first: rotatesecret {client.client_id} --end SLOT; "
                    "--list says when each was used."
                ) from None
            slots = live_secrets(client)
        new = next(one for one in slots if one.pk not in {other.pk for other in old})
        document = {"dry_run": dry_run, "client_id": client.client_id, "slot": new.slot}
        shown = {**document, "client_secret": None if dry_run else secret, "secrets": [_as_dict(one) for one in slots]}
        self.answer(shown, _lines(client, new, slots, "" if dry_run else secret))


def _after(text: object, option: str, now: datetime) -> datetime | None:
    if text is None:
        return None
    name = f"--{option.replace('_', '-')}"
    try:
        return now + length(str(text), name)
    except OverflowError:
        raise wrong_use(f"{name} lies too far ahead.") from None


def _lines(client: Client, new: ClientSecret, live: list[ClientSecret], secret: str) -> list[str]:
    verb = "Made" if secret else "Would make"
    lines = [f"{verb} secret {new.slot} of {client.client_id}, which {_end_of(new)}."]
    lines += [
        f"Secret {one.slot}, last used {told(one.last_used_at)}, {_end_of(one)}." for one in live if one.pk != new.pk
    ]
    return [*lines, *(["", secret, "", "Keep it: it cannot be shown again."] if secret else [])]


def _moments(secret: ClientSecret, now: datetime) -> tuple[str, str, str]:
    end = f"ends {until(secret.expires_at, now)}" if secret.expires_at else "no end"
    return f"made {ago(secret.created_at, now)}", f"used {ago(secret.last_used_at, now)}", end


def _end_of(secret: ClientSecret) -> str:
    return f"ends on {told(secret.expires_at)}" if secret.expires_at else "goes on until somebody ends it"


def _as_dict(secret: ClientSecret) -> dict[str, object]:
    return {
        "slot": secret.slot,
        "label": secret.label,
        "chosen": is_slow(secret.digest),
        "created_at": secret.created_at,
        "last_used_at": secret.last_used_at,
        "expires_at": secret.expires_at,
    }
