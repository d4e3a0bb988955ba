"""`manage.py revoke`: end what a person, a client, a project or everybody holds, or every token for an API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from django.core.management.base import CommandError, CommandParser

from accounts.backend import candidates
from accounts.models import User
from clients.models import Client
from clients.reach import apis_named
from common import clock
from common.command import DatabaseCommand, as_name, whoever_runs_this
from projects import api_registration
from projects.actors import Actor
from projects.models import Api, Project
from provider import revocation
from provider.revocation import Ended, Whose

TIME = "a time with its zone, such as 2026-11-29T20:00:00Z"


class Command(DatabaseCommand):
    help = "End sign-ins, authorizations, codes and tokens, at once and for good. Running it again is safe."

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", metavar="NAME", help="of this person: a user name or an e-mail address")
        whose.add_argument("--client", metavar="ID", help="of this client, by its client_id")
        whose.add_argument("--project", metavar="KEY", help="of every client of this project")
        whose.add_argument("--api", metavar="IDENTIFIER", help="access tokens for this API, whoever holds them")
        whose.add_argument("--everything", action="store_true", help="of everybody")
        parser.add_argument("--since", metavar="TIME", help=f"only what was made then or later: {TIME}")
        parser.add_argument(
            "--consents",
            action="store_true",
            help="with --everything: also forget what people allowed, so that every app asks again",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would end, change nothing")
        parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print the answer")

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
        format: str,
        **options: object,
    ) -> None:
        if consents and not everything:
            raise CommandError("--consents goes with --everything. Otherwise consents are forgotten anyway.")
        if api is not None:
            self._end_tokens_for(_api(api), since=since, dry_run=dry_run, as_json=format == "json")
            return
        whose = Whose(
            user=_person(user) if user is not None else None,
            client=_client(client) if client is not None else None,
            project=_project(project) if project is not None else None,
            since=_time(since) if since is not None else None,
            consents=consents or not everything,
        )
        ended = revocation.count(whose) if dry_run else revocation.revoke(whose, _operator())
        if format == "json":
            self.stdout.write(json.dumps({"dry_run": dry_run, "ended": asdict(ended)}))
            return
        for sentence in _sentences(whose, ended, "Would end" if dry_run else "Ended"):
            self.stdout.write(sentence)

    def _end_tokens_for(self, api: Api, *, since: str | None, dry_run: bool, as_json: bool) -> None:
        """A token says when it was issued, and nothing counts those that nobody stored."""
        if since is not None:
            raise CommandError("--since does not go with --api: every token for it that there is ends.")
        if not dry_run:
            api_registration.end_tokens(api, _operator())
        if as_json:
            self.stdout.write(json.dumps({"dry_run": dry_run, "ended": {"api": api.identifier}}))
            return
        self.stdout.write(f"{'Would end' if dry_run else 'Ended'}: every access token for {api.identifier}.")
        self.stdout.write("Refresh tokens go on: whose clients may ask for it get new ones.")


def _operator() -> Actor:
    return Actor.operator("revoke", whoever_runs_this())


def _api(identifier: str) -> Api:
    found = apis_named([as_name(identifier)]).get(as_name(identifier))
    if found is None:
        raise CommandError(f"There is no API {identifier!r}.")
    return found


def _person(name: str) -> User:
    found = candidates(as_name(name), as_name(name))
    if len(found) > 1:
        raise CommandError(f"{len(found)} accounts match {name!r}. Write the user name exactly.")
    if not found:
        raise CommandError(f"There is no account {name!r}.")
    return found[0]


def _client(client_id: str) -> Client:
    found = Client.objects.select_related("project").filter(client_id=as_name(client_id)).first()
    if found is None:
        raise CommandError(f"There is no client {client_id!r}.")
    return found


def _project(key: str) -> Project:
    found = Project.objects.filter(key=as_name(key)).first()
    if found is None:
        raise CommandError(f"There is no project {key!r}.")
    return found


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--since takes {TIME}.") from None
    if moment.tzinfo is None:
        raise CommandError(f"--since takes {TIME}: without a zone nobody knows when that was.")
    if moment > clock.now():
        raise CommandError("--since lies in the future: nothing was made then.")
    return moment


def _sentences(whose: Whose, ended: Ended, verb: str) -> Iterator[str]:
    yield f"{verb}: {ended.sign_ins} sign-ins, {ended.authorizations} authorizations and what came from them."
    if whose.since is None:
        yield "No token that was issued before this moment works any more."
    else:
        yield f"{verb}: {ended.own_tokens} tokens that clients got for themselves."
    if ended.clients:
        yield f"Nobody knows when a client got a JWT for itself, so all tokens end of: {', '.join(ended.clients)}."
    if whose.consents:
        yield f"Forgotten: {ended.consents} consents. Every app of the project asks these people again."
    if whose.first_party:
        yield "The project is first party: people who are signed in get new tokens without being asked."
