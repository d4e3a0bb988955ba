"""What the filters show as a file: CSV for tables, JSON for programs. As many rows as a person can use, read page by
page while they are sent, so that a server keeps none of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import get_language, override

from common.json_type import Json
from projects.door import actor_of
from projects.events import Detail, record
from provider.admin.happened.asked import Asked, Place
from provider.admin.happened.entries import Entry, entries

MOST = 10_000  # rows
PER_READ = 500
EXPORTED = "activity.exported"
COLUMNS = (
    *("at", "mark", "what", "kind", "times", "error", "why", "app", "client_id", "other_client_id", "project"),
    *("who", "about", "details", "references", "network"),
)
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # what a table calculator would run, were it the beginning of a cell


class Echo:
    """`csv` writes to it, and gets the line back."""

    def write(self, line: str) -> str:
        return line


def export(request: HttpRequest, wanted: Asked, form: str) -> StreamingHttpResponse:
    """That it was taken is an event itself, of the app or project whose rows they are if it is one. Whom a superuser
    looks into is for superusers: where a person is named, neither an app nor a project is, whose members would read it.
    """
    app = wanted.app if _is_seen(wanted) and wanted.person is None else ""
    record(actor_of(request), EXPORTED, app, format=form, **_about(wanted))
    content_type, lines = FORMS[form]
    answer = StreamingHttpResponse(lines(_all(wanted, get_language() or "en")), content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="activity.{form}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _about(wanted: Asked) -> dict[str, Detail]:
    """Which rows it was. What was searched for may be somebody's address, and is in no event."""
    said = {
        "project": wanted.project.key if wanted.project and wanted.person is None else "",
        "person": wanted.person.sub if wanted.person else "",
        "rows": wanted.sort.key or "all",
        "days": wanted.span.key,
    }
    return {name: value for name, value in said.items() if value}


def _is_seen(wanted: Asked) -> bool:
    """Nobody writes events about an app that is not theirs to look at."""
    return bool(wanted.app) and wanted.projects.filter(clients__client_id=wanted.app).exists()


def _all(wanted: Asked, language: str) -> Iterator[Entry]:
    """In the language of the request, which is over by then."""
    after: Place | None = None
    left = MOST
    while left > 0:
        with override(language):
            found, after = entries(wanted, after, min(PER_READ, left))
        yield from found
        left -= PER_READ
        if after is None:
            return


def _as_csv(rows: Iterable[Entry]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)  # so that table calculators read it as UTF-8
    for one in rows:
        yield writer.writerow([harmless(text) for text in map(_cell, _values(one).values())])


def _as_json(rows: Iterable[Entry]) -> Iterator[str]:
    between = "["
    for one in rows:
        yield between + json.dumps(_values(one), ensure_ascii=False)
        between = ",\n"
    yield "[]\n" if between == "[" else "]\n"


def harmless(text: str) -> str:
    """A text, even where it looks like a formula: apps and people choose their names themselves."""
    return f"'{text}" if text.startswith(FORMULAS) else text


def _cell(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_cell(one)}" for name, one in value.items())
    if isinstance(value, Iterable):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def _values(one: Entry) -> dict[str, Json]:
    details = {line.label: f"{line.before} → {line.after}" if line.before else line.after for line in one.lines}
    values: tuple[Json, ...] = (
        *(one.at.isoformat(timespec="milliseconds"), str(one.mark.key), one.words, one.kind, one.count),
        *(one.error, one.said, one.app.text, one.app.value, one.other.value, one.project.value),
        *(one.who.text, one.about.text, details, list(one.references), one.address),
    )
    return dict(zip(COLUMNS, values, strict=True))


FORMS: Mapping[str, tuple[str, Callable[[Iterable[Entry]], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", _as_csv),
    "json": ("application/json", _as_json),
}
