"""The rows of the page: what happened in words, who did it, to which app, and what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.utils.translation import gettext as _

from accounts.models import AccountEvent, AccountEventKind
from clients.models import Client, RefusedRequest, SecurityEvent
from clients.sectors import shown_detail
from provider.admin.event_words import in_words
from provider.admin.happened import refusals
from provider.admin.happened.asked import Asked, Place
from provider.admin.happened.lines import Line, lines, of_history
from provider.admin.happened.marks import ACCOUNT, CHANGED, REFUSED, SECURITY, Mark
from provider.admin.happened.names import NOBODY, Named, Names
from provider.admin.happened.sources import Raw, read

MOST_CHANGES = 3  # in a row that is not open
SAME_ACT = timedelta(seconds=5)  # the console writes its history a moment after the event


@dataclass(frozen=True, slots=True)
class Entry:
    """`who`: did it. `about`: whom it happened to. `error`: the word of the protocol. `client`: if it is to be seen."""

    place: Place
    mark: Mark
    words: str
    kind: str
    who: Named = NOBODY
    about: Named = NOBODY
    app: Named = NOBODY
    other: Named = NOBODY
    project: Named = NOBODY
    lines: list[Line] = field(default_factory=list)
    count: int = 1
    error: str = ""
    said: str = ""  # what the developer was told, in English
    why: str = ""
    references: tuple[str, ...] = ()
    run_by: str = ""
    address: str = ""
    client: Client | None = None
    refusal: RefusedRequest | None = None

    @property
    def at(self) -> datetime:
        return self.place.at

    @property
    def first_at(self) -> datetime | None:
        return self.refusal.first_at if self.refusal else None

    @property
    def changes(self) -> list[Line]:
        """What stands in the row itself: what became what, as far as there is room."""
        return [one for one in self.lines if one.before is not None][:MOST_CHANGES]

    @property
    def reference(self) -> str:
        return self.references[0] if self.references else ""


def entries(wanted: Asked, after: Place | None, limit: int) -> tuple[list[Entry], Place | None]:
    """The next ones, and where those after them begin: None when there are no more."""
    rows = read(wanted, after, limit + 1)
    shown = rows[:limit]
    names = Names(wanted, shown)
    made = [_entry(raw, names, everything=wanted.everything) for raw in shown]
    return _one_for_each_act(made), shown[-1].place if len(rows) > limit else None


def _entry(raw: Raw, names: Names, *, everything: bool) -> Entry:
    row = raw.row
    if isinstance(row, RefusedRequest):
        return _refused(raw.place, row, names, everything=everything)
    if isinstance(row, AccountEvent):
        return _account(raw.place, row, names)
    if isinstance(row, LogEntry):
        return _history(raw.place, row, names)
    if isinstance(row, SecurityEvent):
        return _event(raw.place, row, names, everything=everything)
    raise TypeError(type(row))


def _refused(place: Place, row: RefusedRequest, names: Names, *, everything: bool) -> Entry:
    client = names.client(row.client_id)
    return Entry(
        place,
        REFUSED,
        refusals.words(row),
        row.error,
        app=names.app(row.client_id),
        project=names.project(client.project if client else None),
        lines=[*_how(row)],
        count=row.count,
        error=row.error,
        said=row.description,
        why=refusals.why(row),
        references=tuple(row.request_ids.split()),
        address=row.network if everything else "",
        client=client,
        refusal=row,
    )


def _how(row: RefusedRequest) -> Sequence[Line]:
    said = ((_("Endpoint"), row.endpoint), (_("Grant type"), row.grant_type), (_("Step"), row.step))
    return [Line(label, value) for label, value in said if value]


def _event(place: Place, row: SecurityEvent, names: Names, *, everything: bool) -> Entry:
    """Members see people by what their project knows them by, and colleagues who changed something by name."""
    project, mark = names.project_of(row), SECURITY.get(row.kind, CHANGED)
    changed = mark is CHANGED
    detail = row.detail if everything or project is None else shown_detail(row.detail, project)
    about = str(row.detail.get("person") or row.detail.get("member") or "")
    who = names.person(row.sub, project, colleague=changed)
    return Entry(
        place,
        mark,
        in_words(row.kind),
        row.kind,
        who=who if who.text else Named(str(row.detail.get("by", ""))),
        about=names.person(about, project, colleague="member" in row.detail),
        app=names.app(row.client_id),
        other=names.app(row.target_client_id),
        project=names.project(project),
        lines=lines(detail),
        run_by=str(row.detail.get("run_by", "")),
        client=names.client(row.client_id),
    )


def _account(place: Place, row: AccountEvent, names: Names) -> Entry:
    """For superusers only. What nobody else did, its person did."""
    by, about = str(row.detail.get("by", "")), names.person(row.sub, None)
    kind = AccountEventKind(row.kind).label if row.kind in AccountEventKind.values else row.kind
    return Entry(
        place,
        ACCOUNT.get(row.kind, CHANGED),
        str(kind),
        row.kind,
        who=names.person(by, None) if by else about,
        about=about if by else NOBODY,
        lines=lines(row.detail),
        run_by=str(row.detail.get("run_by", "")),
        address=row.address,
    )


def _history(place: Place, row: LogEntry, names: Names) -> Entry:
    """What the console did to an account. Its name is not in the logs, and goes with the account."""
    said = {ADDITION: _("Account added in the console"), DELETION: _("Account deleted in the console")}
    by, about = names.user(row.user_id), names.user(row.object_id)
    return Entry(
        place,
        CHANGED,
        said.get(row.action_flag, _("Account changed in the console")),
        "history",
        who=names.person(by.sub, None) if by else NOBODY,
        about=names.person(about.sub, None) if about else Named(row.object_repr),
        lines=of_history(row),
    )


def _one_for_each_act(made: list[Entry]) -> list[Entry]:
    """The console's history says the values, and the events of the account that it was: one row for both."""
    gone: set[Place] = set()
    kept = []
    for one in made:
        if one.kind == "history" and one.about.value:
            same = [other for other in made if _is_of(other, one)]
            gone |= {other.place for other in same}
            told = ", ".join(dict.fromkeys(other.words for other in reversed(same)))
            kept.append(replace(one, words=told or one.words))
        else:
            kept.append(one)
    return [one for one in kept if one.place not in gone]


def _is_of(event: Entry, act: Entry) -> bool:
    if event.kind == "history" or event.mark is not CHANGED or event.app.text or event.project.text:
        return False
    whose = event.about.value or event.who.value
    return whose == act.about.value and timedelta() <= act.place.at - event.place.at <= SAME_ACT
