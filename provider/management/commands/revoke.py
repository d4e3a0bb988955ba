"""`manage.py revoke`: end what a person, a client, a project or everybody holds, or every token for an API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from django.core.management.base import CommandParser

from clients.named import api_named, client_named, person_named, project_named
from common.command import DatabaseCommand, whoever_runs_this, wrong_use
from common.command_arguments import A_TIME, past
from projects import api_registration
from projects.actors import Actor
from projects.models import Api
from provider import revocation
from provider.revocation import Ended, Whose


class Command(DatabaseCommand):
    writes = True
    help = "End sign-ins, authorizations, codes and tokens, at once and for good. Running it again is safe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", metavar="NAME", help="of this person: a user name or an e-mail address")
        whose = parser.add_mutually_exclusive_group()
        whose.add_argument(
            "--client", metavar="ID", help="of this client, by its client_id; with --user: of that person there"
        )
        whose.add_argument(
            "--project", metavar="KEY", help="of every client of this project; with --user: of that person there"
        )
        whose.add_argument("--api", metavar="IDENTIFIER", help="access tokens for this API, whoever holds them")
        whose.add_argument("--everything", action="store_true", help="of everybody")
        parser.add_argument("--since", metavar="TIME", help=f"only what was made then or later: {A_TIME}")
        parser.add_argument(
            "--consents",
            action="store_true",
            help="with --everything: also forget what people allowed, so that every app asks again",
        )
        super().add_arguments(parser)

    def handle(
        self,
        *,
        user: str | None,
        client: str | None,
        project: str | None,
        api: str | None,
        everything: bool,
        since: str | None,
        consents: bool,
        dry_run: bool,
        **options: object,
    ) -> None:
        _require_one(user, {"--client": client, "--project": project, "--api": api, "--everything": everything or None})
        if consents and not everything:
            raise wrong_use("--consents goes with --everything. Otherwise consents are forgotten anyway.")
        if api is not None:
            self._end_tokens_for(api_named(api), since=since, dry_run=dry_run)
            return
        whose = Whose(
            user=person_named(user) if user is not None else None,
            client=client_named(client) if client is not None else None,
            project=project_named(project) if project is not None else None,
            since=past(since, "--since") if since is not None else None,
            consents=consents or not everything,
        )
        ended = revocation.count(whose) if dry_run else revocation.revoke(whose, _operator())
        sentences = _sentences(whose, ended, "Would end" if dry_run else "Ended")
        self.answer({"dry_run": dry_run, "ended": asdict(ended)}, sentences)

    def _end_tokens_for(self, api: Api, *, since: str | None, dry_run: bool) -> None:
        """A token says when it was issued, and nothing counts those that nobody stored."""
        if since is not None:
            raise wrong_use("--since does not go with --api: every token for it that there is ends.")
        if not dry_run:
            api_registration.end_tokens(api, _operator())
        self.answer(
            {"dry_run": dry_run, "ended": {"api": api.identifier}},
            [
                f"{'Would end' if dry_run else 'Ended'}: every access token for {api.identifier}.",
                "Refresh tokens go on: whose clients may ask for it get new ones.",
            ],
        )


def _require_one(user: str | None, others: Mapping[str, object]) -> None:
    named = [option for option, value in others.items() if value is not None]
    if user is None and not named:
        raise wrong_use(f"One of the arguments --user {' '.join(others)} is needed.")
    if user is not None and (refused := [one for one in named if one in ("--api", "--everything")]):
        raise wrong_use(f"{refused[0]} is not allowed with argument --user.")


def _operator() -> Actor:
    return Actor.operator("revoke", whoever_runs_this())


def _sentences(whose: Whose, ended: Ended, verb: str) -> Iterator[str]:
    yield f"{verb}: {ended.sign_ins} sign-ins, {ended.authorizations} authorizations and what came from them."
    if whose.pair:
        yield f"{verb}: {ended.own_tokens} tokens that were passed on. A JWT that was passed on lives for five minutes."
    elif whose.since is None:
        yield "No token that was issued before this moment works any more."
    else:
        yield f"{verb}: {ended.own_tokens} tokens that clients got for themselves."
    if ended.clients:
        yield f"Nobody knows when a client got a JWT for itself, so all tokens end of: {', '.join(ended.clients)}."
    if whose.consents:
        yield f"Forgotten: {ended.consents} consents. Every app of the project asks these people again."
    if whose.first_party:
        yield "The project is first party: people who are signed in get new tokens without being asked."
