"""A site of django-oauth-toolkit moves here: its people, apps, live tokens and key, as often as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from accounts.models import User
from clients.models import Client, SecurityEvent
from common import clock
from idp.moving import apps, destination, scopes, tokens, toolkit_people
from idp.moving.apps import AppReport, Plan, Seen
from idp.moving.people import Outcome, People
from idp.moving.source import Record, Source, Value, identity, moment, text
from idp.moving.tokens import Family, Owners, Refreshing, TokenReport
from idp.moving.toolkit_tables import Options, tables_of
from projects.actors import Actor
from projects.events import record

IMPORTED = "people.imported"
OVERLAP = timedelta(days=1)  # the clocks of two machines differ
LONGEST = 86_400 * 366
APPLICATION = ("id", "client_id", "client_type", "authorization_grant_type", "redirect_uris", "client_secret", "name")
MORE = ("post_logout_redirect_uris", "skip_authorization", "algorithm", "registration_source")


@dataclass(slots=True)
class Report:
    people: Outcome = field(default_factory=Outcome)
    apps: list[AppReport] = field(default_factory=list)
    refresh_tokens: TokenReport = field(default_factory=TokenReport)
    access_tokens: TokenReport = field(default_factory=TokenReport)
    project: dict[str, object] = field(default_factory=dict)
    scopes_left_out: dict[str, str] = field(default_factory=dict)  # and why

    def as_dict(self) -> dict[str, object]:
        return {
            "project": self.project,
            "scopes_left_out": self.scopes_left_out,
            "people": self.people.as_dict(),
            "clients": [one.as_dict() for one in self.apps],
            "refresh_tokens": self.refresh_tokens.as_dict(),
            "access_tokens": self.access_tokens.as_dict(),
        }


class Move:
    """One run, in the transaction of the caller."""

    def __init__(self, source: Source, options: Options, by: Actor, name: str, progress: Callable[[str], None]) -> None:
        self._source, self._options, self._by, self._name = source, options, by, name
        self._progress = progress
        self._tables = tables_of(source, options)
        self._last = _last_run(name)
        self._by_id: dict[str, Record] = {}  # access tokens
        self._by_source: dict[str, Record] = {}
        self.report = Report()

    def __call__(self) -> Report:
        self._take_people()
        seen, everything = self._look_at_tokens()
        project = destination.project(self._options.project, self._applications(), self._by)
        offered = destination.api(self._options.api, project, everything, self._by)
        self.report.scopes_left_out |= destination.without_room(everything, offered)
        plan = Plan(project, self._options.api if offered else "", offered, seen, everything)
        owners = self._take_apps(plan)
        self._take_refresh_tokens(plan, owners)
        self._take_access_tokens(plan, owners)
        self.report.project = {
            "id": project.key,
            "consent_mode": project.consent_mode,
            "api": plan.api,
            "scopes": sorted(offered),
        }
        self._record()
        return self.report

    # --- People --------------------------------------------------------------------------------------------------

    def _take_people(self) -> None:
        people = People()
        for outcome in people.take(toolkit_people.rows(self._source, self._tables.users, self._options)):
            self._progress(f"{outcome.made + outcome.known:,} people")
        self.report.people = people.outcome

    # --- Apps ----------------------------------------------------------------------------------------------------

    def _applications(self) -> list[Record]:
        return list(self._source.rows(self._tables.applications, [*APPLICATION, *MORE]))

    def _look_at_tokens(self) -> tuple[dict[str, Seen], frozenset[str]]:
        """What each app's tokens show: the scopes it asks for, and how long its tokens live."""
        named: dict[str, set[str]] = {}
        lifetimes: dict[str, int] = {}
        wanted = ("id", "application_id", "scope", "created", "expires", "source_refresh_token_id", "resource")
        more = ("token", "token_checksum", "user_id")
        for row in self._source.rows(self._tables.access_tokens, [*wanted, *more]):
            app = text(row["application_id"])
            named.setdefault(app, set()).update(text(row["scope"]).split())
            if (seconds := _lifetime(row)) is not None:
                lifetimes[app] = max(seconds, lifetimes.get(app, 0))
            self._by_id[text(row["id"])] = row
            if row.get("source_refresh_token_id") is not None:
                self._by_source[text(row["source_refresh_token_id"])] = row
        everything = frozenset[str]().union(*named.values(), self._options.scopes)
        self.report.scopes_left_out = scopes.left_out(everything)
        bad = self.report.scopes_left_out.keys()
        return {app: Seen(frozenset(found - bad), lifetimes.get(app)) for app, found in named.items()}, everything - bad

    def _take_apps(self, plan: Plan) -> Owners:
        clients: dict[str, Client] = {}
        new: set[int] = set()
        for key, told, client in apps.take(self._applications(), plan, self._by):
            self.report.apps.append(told)
            if client is not None:
                clients[key] = client
            if client is not None and told.state == "made":
                new.add(client.pk)
        people = self.report.people
        active = User.objects.filter(pk__in=people.accounts.values(), is_active=True).values_list("pk", flat=True)
        return Owners(people.accounts, frozenset(active), frozenset(people.new), clients, frozenset(new))

    # --- Tokens --------------------------------------------------------------------------------------------------

    def _take_refresh_tokens(self, plan: Plan, owners: Owners) -> None:
        refreshing = Refreshing(plan.project)
        self.report.refresh_tokens = refreshing.report
        columns = ("id", "user_id", "token", "token_checksum", "application_id", "access_token_id", "token_family")
        more = ("created", "revoked", "resource")
        families: list[Family] = []
        seen: set[object] = set()
        for row in self._source.rows(self._tables.refresh_tokens, [*columns, *more], "WHERE revoked IS NULL"):
            family = self._family(row, plan, owners, refreshing.report)
            if family is None:
                continue
            if family.authorization in seen:  # two of one family that are both alive
                family = tokens.alone(family)
            seen.add(family.authorization)
            families.append(family)
            if len(families) == 1000:
                refreshing.take(families)
                families = []
                self._progress(f"{refreshing.report.made + refreshing.report.known:,} refresh tokens")
        refreshing.take(families)
        if self._last is not None:
            refreshing.end(self._revoked_since(self._last.at - OVERLAP))

    def _family(self, row: Record, plan: Plan, owners: Owners, report: TokenReport) -> Family | None:
        user = owners.accounts.get(identity(row["user_id"]))
        client = owners.clients.get(text(row["application_id"]))
        if user is None or client is None:
            report.refuse("Its person is not here." if user is None else "Its app is not here.")
            return None
        if user not in owners.active:
            report.refuse("Its person is deactivated.")
            return None
        access = self._by_id.get(text(row["access_token_id"])) or self._by_source.get(text(row["id"]))
        if access is None:
            report.refuse("Nothing tells what it was given: its access token is gone there.")
            return None
        given = scopes.good_scopes(access["scope"])
        return Family(
            authorization=tokens.family_of(row),
            digest=tokens.digest_of(row),
            user=user,
            client=client,
            scopes=given,
            audiences=tokens.audiences_of(row.get("resource"), given, plan.api, plan.offered),
            created=moment(row["created"]) or clock.now(),
            late=not owners.is_new(user, client) and self._was_there(row["id"], "refresh_token"),
        )

    def _revoked_since(self, when: datetime) -> list[str]:
        rows = self._source.rows(
            self._tables.refresh_tokens, ["id", "token", "token_checksum", "revoked"], "WHERE revoked IS NOT NULL"
        )
        return [tokens.digest_of(row) for row in rows if (moment(row["revoked"]) or when) >= when]

    def _take_access_tokens(self, plan: Plan, owners: Owners) -> None:
        taken = tokens.Accessing(plan.project)
        self.report.access_tokens = taken.report
        families = {text(row["access_token_id"]): tokens.family_of(row) for row in self._live_refresh_tokens()}
        now = clock.now()
        for row in self._by_id.values():
            expires = moment(row["expires"])
            if expires is None or expires <= now:
                continue
            client = owners.clients.get(text(row["application_id"]))
            user = owners.accounts.get(identity(row["user_id"])) if row["user_id"] is not None else None
            if client is None or (user is None and row["user_id"] is not None) or (user and user not in owners.active):
                taken.report.refuse("Its person or its app is not here, or deactivated.")
                continue
            if self._was_there(row["id"], "access_token") and not owners.is_new(user or 0, client):
                continue
            given = scopes.good_scopes(row["scope"])
            audiences = tokens.audiences_of(row.get("resource"), given, plan.api, plan.offered)
            taken.add(row, client, user, given, audiences, families.get(text(row["id"])))
        taken.write()

    def _live_refresh_tokens(self) -> Iterator[Record]:
        columns = ["id", "token", "token_checksum", "access_token_id", "token_family"]
        return self._source.rows(self._tables.refresh_tokens, columns, "WHERE revoked IS NULL")

    # --- Again ---------------------------------------------------------------------------------------------------

    def _was_there(self, key: Value, kind: str) -> bool:
        """Whether the last run saw it already. Keys that are no numbers tell nothing."""
        return self._last is not None and isinstance(key, int) and key <= self._last.keys.get(kind, 0)

    def _record(self) -> None:
        keys: dict[str, object] = {
            "refresh_token": self._highest(self._tables.refresh_tokens),
            "access_token": self._highest(self._tables.access_tokens),
        }
        made: dict[str, object] = {
            "people": self.report.people.made,
            "clients": sum(one.state == "made" for one in self.report.apps),
            "refresh_tokens": self.report.refresh_tokens.made + self.report.refresh_tokens.replaced,
            "access_tokens": self.report.access_tokens.made,
        }
        record(self._by, IMPORTED, source=self._name, keys=keys, made=made)

    def _highest(self, table: str) -> int:
        keys = (row["id"] for row in self._source.rows(table, ["id"]))
        return max((key for key in keys if isinstance(key, int)), default=0)


@dataclass(frozen=True, slots=True)
class LastRun:
    at: datetime
    keys: Mapping[str, int]


def _last_run(name: str) -> LastRun | None:
    row = SecurityEvent.objects.filter(kind=IMPORTED, detail__source=name).order_by("-pk").first()
    return LastRun(row.at, row.detail["keys"]) if row is not None else None


def _lifetime(row: Record) -> int | None:
    created, expires = moment(row.get("created")), moment(row.get("expires"))
    if created is None or expires is None:
        return None
    seconds = round((expires - created).total_seconds())
    return seconds if 0 < seconds <= LONGEST else None
