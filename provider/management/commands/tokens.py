"""`manage.py tokens`: what lives of a person, a client or a project, since when, and when it was last used."""

from __future__ import annotations

from datetime import datetime

from django.core.management.base import CommandParser

from clients.named import client_named, person_named, project_named
from common import clock
from common.command import DatabaseCommand, wrong_use
from common.command_arguments import A_TIME, past
from common.command_output import ago, number, until
from provider.living import COUNTED, Living, Whose, counted, newest

MOST = 10_000


class Command(DatabaseCommand):
    help = "List what lives of a person, a client or a project. With several of them: what belongs to all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", metavar="NAME", help="of this person: a user name or an e-mail address")
        parser.add_argument("--client", metavar="ID", help="of this client, by its client_id")
        parser.add_argument("--project", metavar="KEY", help="of every client of this project")
        parser.add_argument("--since", metavar="TIME", help=f"only what was made then or later: {A_TIME}")
        parser.add_argument("--limit", type=int, default=50, help="how many are listed (%(default)s); all are counted")
        super().add_arguments(parser)

    def handle(
        self,
        *,
        user: str | None,
        client: str | None,
        project: str | None,
        since: str | None,
        limit: int,
        **options: object,
    ) -> None:
        if (user, client, project) == (None, None, None):
            raise wrong_use("Say of whom: --user, --client or --project.")
        if not 1 <= limit <= MOST:
            raise wrong_use(f"--limit is 1 to {MOST:,}.")
        whose = Whose(
            person_named(user) if user is not None else None,
            client_named(client) if client is not None else None,
            project_named(project) if project is not None else None,
            past(since, "--since") if since is not None else None,
        )
        living, own = list(newest(whose, limit)), counted(whose.own_tokens())
        found = len(living) if len(living) < limit else counted(whose.authorizations())
        document = {"authorizations": found, "own_tokens": own, "counted_up_to": COUNTED}
        now = clock.now()
        lines = [line for one in living for line in _lines(one, now)]
        sums = [f"{_about(found, 'authorization')}{f', {len(living):,} shown' if len(living) < found else ''}"]
        if whose.user is None:
            sums.append(f"{_about(own, 'token')} that clients got for themselves; JWTs of that kind are in no list")
        self.answer({**document, "living": [_as_dict(one) for one in living]}, [*lines, *sums])


def _about(count: int, what: str) -> str:
    return number(count, what) if count < COUNTED else f"{COUNTED:,} or more {what}s"


def _lines(one: Living, now: datetime) -> list[str]:
    row = one.row
    refresh = "no refresh token"
    if one.has_refresh_token:
        refresh = f"refresh token ends {until(one.refresh_until, now)}" if one.refresh_until else "refresh token"
    end = f", all of it ends {until(one.ends_at, now)}" if one.ends_at else ""
    return [
        f"{row.user.username} at {row.client.client_id} (project {one.project}), {row.pk}",
        f"  since {ago(row.created_at, now)}, last used {ago(one.last_used, now)}",
        f"  {number(one.access_tokens, 'access token')}, {refresh}{end}",
        f"  scopes {' '.join(row.scopes) or 'none'}; audiences {' '.join(row.audiences) or 'none'}",
    ]


def _as_dict(one: Living) -> dict[str, object]:
    row = one.row
    return {
        "authorization": str(row.pk),
        "username": row.user.username,
        "sub": str(row.user.sub),
        "client_id": row.client.client_id,
        "project": one.project,
        "scopes": row.scopes,
        "audiences": row.audiences,
        "created_at": row.created_at,
        "last_used_at": one.last_used,
        "access_tokens": one.access_tokens,
        "refresh_token": one.has_refresh_token,
        "refresh_token_expires_at": one.refresh_until,
        "ends_at": one.ends_at,
    }
