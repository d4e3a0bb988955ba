"""`manage.py explain CLIENT AUDIENCE`: would it be allowed, by which rule, and what would the token carry?

`manage.py explain ADDRESS`: what each rule says of the document that a client has there.
"""

from __future__ import annotations

from django.core.management.base import CommandParser

from clients.models import Client
from clients.named import client_named, person_called
from common.client_url import is_address
from common.command import DatabaseCommand, Refused, readable, wrong_use
from provider.explain import Explanation, documents, explain
from provider.explain.as_json import as_dict
from provider.explain.table import ROWS
from provider.explain.words import about, about_consent, advice, heading, preview, verdict


class Command(DatabaseCommand):
    help = "Explain whether a client may ask for an audience, and why. Changes nothing. Exits with 1 when it may not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client", metavar="CLIENT", help="the client_id of the app that asks")
        parser.add_argument(
            "audience",
            metavar="AUDIENCE",
            nargs="?",
            help="as the app would send it; several separated by spaces, in quotes. Without it, where CLIENT is the "
            "address of a document: fetch that, and say what each rule says of it",
        )
        parser.add_argument("--user", metavar="USERNAME", help="also: what this person's consent covers")
        parser.add_argument("--grant", choices=ROWS, help="only this grant; without it, every one the client has")
        parser.add_argument("--scope", default="", help="the scopes asked for; without it, all the client registered")
        super().add_arguments(parser)

    def handle(
        self,
        *,
        client: str,
        audience: str | None,
        user: str | None,
        grant: str | None,
        scope: str,
        **options: object,
    ) -> None:
        if audience is None:
            self._document(client)
            return
        who = client_named(client)
        person = person_called(user) if user is not None else None
        rows = [grant] if grant else []
        explained = explain(who, readable(audience), scope=readable(scope), rows=rows, user=person)
        self.answer(as_dict(explained), as_text(explained))
        if not explained.allowed:
            raise Refused("Refused.")

    def _document(self, client_id: str) -> None:
        if not is_address(client_id):
            raise wrong_use("Name an audience, too; only a client whose id is the address of its document needs none.")
        found = documents.report(readable(client_id))
        self.answer(documents.as_dict(found), documents.as_text(found))
        if not found.accepted:
            raise Refused("Refused.")


def _whose(client: Client) -> str:
    return f"project {client.project.key}" if client.project else "a guest app, of no project"


def as_text(explained: Explanation) -> list[str]:
    client = explained.client
    outcome = "allowed" if explained.allowed else "refused"
    lines = [f"{client.client_id} ({_whose(client)}), audience {explained.audience or '(empty)'}: {outcome}"]
    for value in explained.values:
        lines += ["", value.asked, *(f"  {sentence}" for sentence in about(value, explained))]
    lines += ["", *advice(explained)]
    if not explained.attempts:
        lines.append("The client has no grant type: it can ask for nothing.")
    for attempt in explained.attempts:
        lines.append(f"{heading(attempt)}: {verdict(attempt)}")
        lines.append(f"  steps: {', '.join(attempt.steps)}")
        if attempt.token:
            lines += [f"  {name}: {value}" for name, value in preview(attempt.token)]
    if explained.user is not None:
        lines += ["", f"Consent of {explained.user.get_username()}", *_consent_lines(explained)]
    return lines


def _consent_lines(explained: Explanation) -> list[str]:
    lines = (
        about_consent(explained.consent) if explained.consent else ["The request is refused before anybody is asked."]
    )
    if explained.granted_at:
        lines.append(f"Refreshed within what they allowed on {explained.granted_at:%Y-%m-%d %H:%M:%S %Z}.")
    return [f"  {line}" for line in lines]
