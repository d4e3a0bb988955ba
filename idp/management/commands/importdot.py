"""`manage.py importdot --database URL`: a site of django-oauth-toolkit moves here."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from django.core.management.base import CommandError, CommandParser
from jwcrypto import jwk
from jwcrypto.common import JWException

from common.command import DatabaseCommand, kept_unless, whoever_runs_this, wrong_use
from common.command_output import number
from common.sealing import Unreadable
from idp.configuration.references import Reference, Unresolved
from idp.moving.apps import AppReport
from idp.moving.people import Outcome
from idp.moving.source import looked_at
from idp.moving.tokens import TokenReport
from idp.moving.toolkit import Move, Report
from idp.moving.toolkit_tables import Options
from projects.actors import Actor
from provider.keys import registration as keys

ALGORITHM = "RS256"
BITS = 2048
NAMED = 4  # apps of which the same is told
SHOWN = 20  # rows of each list, in words; programs get all


class Command(DatabaseCommand):
    help = "Take over the people, apps, live tokens and key of a site of django-oauth-toolkit. Again and again."
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--database", required=True, metavar="URL", help="its database, which is only read; or env:NAME, file:/PATH"
        )
        parser.add_argument("--project", default="site", metavar="ID", help="where its apps go (%(default)s)")
        parser.add_argument("--api", metavar="IDENTIFIER", help="offers the scopes of the site (urn:PROJECT:api)")
        parser.add_argument(
            "--scopes", default="", help="what apps without tokens may ask for, besides what tokens show"
        )
        parser.add_argument("--user-table", default="", metavar="TABLE", help="of its people, when it is not found")
        parser.add_argument(
            "--user-sub", default="pk", metavar="pk|COLUMN", help="what apps know people by (%(default)s)"
        )
        parser.add_argument("--username", default="username", metavar="COLUMN", help="what people sign in with")
        parser.add_argument("--email", default="email", metavar="COLUMN", help="their address")
        parser.add_argument("--trust-addresses", action="store_true", help="all addresses there were verified")
        parser.add_argument("--with-staff", action="store_true", help="staff and superusers of there are so here, too")
        parser.add_argument("--rsa-key-file", metavar="FILE", help="OIDC_RSA_PRIVATE_KEY (PEM): signs from now on")
        super().add_arguments(parser)

    def handle(self, *args: object, dry_run: bool, **options: str | bool) -> None:
        by = Actor.operator("importdot", run_by=whoever_runs_this())
        database = _address(str(options["database"]))
        with looked_at(database) as source, kept_unless(dry_run):
            move = Move(source, _options(options), by, _name_of(database), self.progress)
            report = move()
            kid = _adopt_key(str(options["rsa_key_file"] or ""), by)
        document = {"dry_run": dry_run, **report.as_dict(), "key": kid}
        self.answer(document, _lines(report, kid, dry_run=dry_run))


def _address(said: str) -> str:
    """The URL, or what it stands in: every user of the machine sees arguments, and it has a password."""
    kind, _colon, where = said.partition(":")
    try:
        if kind == "env":
            return Reference(variable=where).resolved(os.environ)
        return Reference(path=where).resolved(os.environ) if kind == "file" else said
    except Unresolved as error:
        raise wrong_use(str(error)) from None


def _options(said: dict[str, str | bool]) -> Options:
    project = str(said["project"])
    return Options(
        project=project,
        api=str(said["api"] or f"urn:{project}:api"),
        user_table=str(said["user_table"]),
        user_sub=str(said["user_sub"]),
        username=str(said["username"]),
        email=str(said["email"]),
        trust_addresses=bool(said["trust_addresses"]),
        with_staff=bool(said["with_staff"]),
        scopes=tuple(str(said["scopes"]).split()),
    )


def _name_of(url: str) -> str:
    """Tells one site from another, and nothing of the password."""
    parts = urlsplit(url)
    return hashlib.sha256(f"{parts.hostname} {parts.port} {parts.path}".encode()).hexdigest()[:16]


def _adopt_key(name: str, by: Actor) -> str | None:
    """The id of the key that signs from now on; None when no file was named."""
    if not name:
        return None
    try:
        key = jwk.JWK.from_pem(Path(name).read_bytes())
    except OSError as error:
        raise wrong_use(f"{name} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError, JWException):
        raise wrong_use(f"{name} holds no private key in PEM.") from None
    if key["kty"] != "RSA" or not key.has_private or key.get_op_key("sign").key_size < BITS:
        raise wrong_use(f"{name} holds no private RSA key of {BITS} bits or more.")
    try:
        keys.adopt(key, ALGORITHM, by)
    except Unreadable as error:
        raise CommandError(str(error)) from None
    return str(key.thumbprint())


def _lines(report: Report, kid: str | None, *, dry_run: bool) -> Iterator[str]:
    if dry_run:
        yield "Nothing was changed. This is what would come of it."
    yield f"project {report.project['id']} (consent: {report.project['consent_mode']})"
    if report.project["api"]:
        yield f"API {report.project['api']} offers {' '.join(report.project['scopes'])}"  # type: ignore[arg-type]
    for name, why in report.scopes_left_out.items():
        yield f"scope {name} is left out: {why}"
    yield from _people(report.people)
    yield from _apps(report.apps)
    yield from _tokens("refresh token", report.refresh_tokens)
    yield from _tokens("access token", report.access_tokens)
    if kid:
        yield f"key {kid} signs {ALGORITHM} from now on"


def _people(outcome: Outcome) -> Iterator[str]:
    yield f"people: {outcome.made:,} new, {outcome.known:,} known, {len(outcome.refused):,} refused"
    lists = {
        "refused": outcome.refused,
        "without a password": outcome.without_password,
        "without an address": outcome.without_address,
    }
    for what, rows in lists.items():
        yield from (f"  - {what}: {one.where} ({one.name}): {one.why}" for one in rows[:SHOWN])
        if len(rows) > SHOWN:
            yield f"  - {what}: and {len(rows) - SHOWN:,} more (--format json)"


def _apps(found: Sequence[AppReport]) -> Iterator[str]:
    """What will differ, and for which of them; programs get it by app."""
    states = Counter(one.state for one in found)
    yield f"clients: {', '.join(f'{states[state]:,} {state}' for state in ('made', 'known', 'refused'))}"
    notes: dict[str, list[str]] = {}
    for one in found:
        for note in one.differs:
            notes.setdefault(note, []).append(one.client_id)
    for note, names in notes.items():
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        yield f"  - {', '.join(names[:NAMED])}{more}: {note}"


def _tokens(kind: str, report: TokenReport) -> Iterator[str]:
    counts = f"{report.made:,} new, {report.known:,} known, {report.replaced:,} replaced, {report.ended:,} ended"
    yield f"{kind}s: {counts}"
    yield from (f"  - {number(count, kind)} not taken: {why}" for why, count in report.refused.items())
