"""`manage.py keys`: the signing keys, what each does, when that changes, and which secret opens it."""

from __future__ import annotations

from datetime import datetime

from django.core.management.base import CommandParser

from clients.keys import described
from clients.models import Client, SigningKey
from clients.named import client_named
from common import clock
from common.command import DatabaseCommand, Refused
from common.command_output import ago, columns, told, until
from provider.keys.needed import ordinal
from provider.keys.standing import ENDED, NOTHING, next_change, problems, sealed_under


class Command(DatabaseCommand):
    help = "Show the signing keys: state, age, what comes next, the secret of each. Exits with 1 if one is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="also keys that nothing is believed of any more")
        parser.add_argument("--client", metavar="ID", help="the public keys of this client instead")
        super().add_arguments(parser)

    def handle(self, *, all: bool, client: str | None, **options: object) -> None:
        if client is not None:
            self._of_client(client_named(client))
            return
        now = clock.now()
        keys = list(SigningKey.objects.order_by("algorithm", "state", "created_at", "kid"))
        shown = [one for one in keys if all or one.state not in ENDED or (one.believed_until or now) > now]
        wrong = problems(keys)
        document = {"keys": [_as_dict(one) for one in shown], "problems": wrong}
        self.answer(document, [*columns(_row(one, now) for one in shown), *wrong])
        if wrong:
            raise Refused("Not every algorithm has a key that signs and one that is next.")

    def _of_client(self, client: Client) -> None:
        found = described(client.jwks)
        keys = [str(one) for one in found] if isinstance(found, list) else []
        names = dict(client.columns.certificate_names)
        document = {
            "client_id": client.client_id,
            "token_endpoint_auth_method": client.token_endpoint_auth_method,
            "keys": keys,
            "jwks_uri": client.jwks_uri or None,
            "certificate": names,
        }
        lines = [*keys, *([f"fetched from {client.jwks_uri}"] if client.jwks_uri else [])]
        lines += [f"{name}: {value}" for name, value in names.items()]
        self.answer(document, lines or [f"{client.client_id} has no keys: {client.token_endpoint_auth_method}."])


def _row(key: SigningKey, now: datetime) -> tuple[str, ...]:
    what, when = next_change(key, now)
    number = sealed_under(key)
    since = key.retired_at or key.activated_at or key.created_at
    return (
        key.algorithm,
        key.kid,
        f"{key.state} since {told(since)} ({ago(since, now)})",
        f"{what} {until(when, now)}" if when else what,
        f"opens with the {ordinal(number)} secret" if number else f"opens with {NOTHING}",
    )


def _as_dict(key: SigningKey) -> dict[str, object]:
    what, when = next_change(key, clock.now())
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": key.state,
        "created_at": key.created_at,
        "activated_at": key.activated_at,
        "retired_at": key.retired_at,
        "believed_until": key.believed_until,
        "next_change": what,
        "next_change_at": when,
        "sealed_under": sealed_under(key),
    }
