"""`manage.py status`: how things stand, at a glance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from common import clock
from common.command import DatabaseCommand
from common.command_output import ago, number
from idp.status import EXACT, Section, status

WIDTH = 10


class Command(DatabaseCommand):
    help = "Say how things stand: version, keys, people, clients, outboxes, timers. Cheap, however much there is."

    def handle(self, *args: object, **options: object) -> None:
        found = status()
        self.answer(found, _lines(found))


def _lines(found: dict[str, Section]) -> Iterator[str]:
    now = clock.now()
    for name, sentences in {
        "version": _version(found["version"]),
        "keys": _keys(found["keys"], now),
        "people": _people(found["people"]),
        "clients": _clients(found["clients"]),
        "tokens": iter([", ".join(_about(count, name) for name, count in found["tokens"].items())]),
        "outboxes": _outboxes(found["outboxes"]),
        "timers": chain(_timers(found["timers"], now), _workers(found["workers"])),
    }.items():
        for count, sentence in enumerate(sentences):
            yield f"{'' if count else name:<{WIDTH}}{sentence}"


def _version(found: Section) -> Iterator[str]:
    current = found["schema"] == "current"
    yield f"Vestibule {found['version']}, schema {'current' if current else 'outdated: run migrate'}"


def _keys(found: Section, now: datetime) -> Iterator[str]:
    for key in _dicts(found["active"]):
        since = key["since"]
        age = ago(since, now).removesuffix(" ago") if isinstance(since, datetime) else "?"
        yield f"{key['algorithm']} {str(key['kid'])[:8]}… active {age}"
    yield from _texts(found["problems"])


def _people(found: Section) -> Iterator[str]:
    said = f"{found['signed_in_last_hour']} sign-ins in the last hour, {found['refused_last_hour']} refused"
    yield f"{_about(found['accounts'], 'accounts')}; {said}, {found['lock_outs']} locked out now"


def _clients(found: Section) -> Iterator[str]:
    clients, projects = number(_int(found["clients"]), "client"), number(_int(found["projects"]), "project")
    yield f"{clients} of {projects}, {found['disabled']} disabled; {found['failing']} with failures in the last hour"
    for one in _dicts(found["most_failures"]):
        yield f"{one['client_id']}: refused {one['times']} times"
    for one in _dicts(found["locked_out"]):
        yield f"{one['client_id']}: locked out from {one['network']} until {one['until']}"
    for one in _dicts(found["stopped"]):
        ended = number(_int(one["people"]), "person", "people")
        yield f"{one['client_id']}: stopped, for it ended {ended} within an hour (unlock --directory)"


def _about(count: object, name: str) -> str:
    """Large numbers are what the database last estimated."""
    few = _int(count) < EXACT
    return f"{'' if few else 'about '}{number(_int(count), name.removesuffix('s').replace('_', ' '))}"


def _outboxes(found: Section) -> Iterator[str]:
    given_up, mails = found["notices_given_up_last_day"], number(_int(found["mails_due"]), "mail")
    yield f"{number(_int(found['notices_due']), 'notice')} due, {given_up} given up in the last day"
    if found["last_problem"]:
        yield f"the next one was not taken: {found['last_problem']}"
    if found["deliveries_due"] or found["webhooks_disabled"] or found["streams_paused"]:
        waiting = number(_int(found["deliveries_due"]), "delivery", "deliveries")
        yield f"{waiting} to webhooks and event streams due"
        disabled = number(_int(found["webhooks_disabled"]), "webhook")
        paused = number(_int(found["streams_paused"]), "event stream")
        yield f"{disabled} disabled and {paused} paused after a day without success"
    yield f"{mails} waiting{', for too long: does the worker run?' if found['mails_late'] else ''}"


def _timers(found: Section, now: datetime) -> Iterator[str]:
    for name, run in found.items():
        if not isinstance(run, dict):
            yield f"{name}: no run on record"
            continue
        said = ", ".join(f"{one} {value}" for one, value in run["said"].items())
        ended = ago(run["ended_at"], now)
        yield f"{name}: {'failed' if run['failed'] else 'ok'} {ended}{f' ({said})' if said else ''}"


def _workers(found: Section) -> Iterator[str]:
    running = _texts(found["running"])
    yield f"{number(len(running), 'worker')} running{': ' if running else ''}{', '.join(running)}"


def _dicts(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
