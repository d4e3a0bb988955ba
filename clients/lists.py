"""The rows of what a client lists: its allowlist, and the clients and APIs it names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from clients.metadata import Audience, ClientMetadata
from clients.models import AudienceEntry, Client
from clients.reach import apis_named
from projects import matcher
from projects.models import Project

ALL = ("audience_entries", "introspects", "allowed_callers", "acts_for", "administers")
REFERENCES = ("introspects", "allowed_callers", "acts_for", "administers")


def write_new(made: Mapping[Client, ClientMetadata]) -> None:
    """Of clients that have none yet: their allowlists all at once, as every client has one."""
    AudienceEntry.objects.bulk_create(
        AudienceEntry(
            client=client,
            value=one.value,
            canonical=matcher.canonical(one.value),
            mode=one.mode or "",
            default=one.default,
        )
        for client, wanted in made.items()
        for one in wanted.settled().audience
    )
    for client, wanted in made.items():
        _write_references(client, wanted, [name for name in REFERENCES if getattr(wanted, name)])


def write(client: Client, wanted: ClientMetadata, moved: Collection[str]) -> None:
    """Those that moved: each costs several statements."""
    _write_references(client, wanted, moved)
    if "audience" in moved:
        _write_audience(client, wanted.audience)


def _write_references(client: Client, wanted: ClientMetadata, moved: Collection[str]) -> None:
    if "introspects" in moved:
        client.introspects.set(Client.objects.filter(client_id__in=wanted.introspects))
    if "allowed_callers" in moved:
        client.allowed_callers.set(Client.objects.filter(client_id__in=wanted.allowed_callers))
    if "acts_for" in moved:
        client.acts_for.set(apis_named(wanted.acts_for).values())
    if "administers" in moved:
        client.administers.set(Project.objects.filter(key__in=wanted.administers))


def _write_audience(client: Client, wanted: Sequence[Audience]) -> None:
    """The allowlist becomes exactly this, in this order; entries that stay keep their rows."""
    rows = {row.canonical: row for row in client.audience_entries.order_by("pk")}
    entries = [
        AudienceEntry(client=client, value=one.value, mode=one.mode or "", default=one.default) for one in wanted
    ]
    stored = {row.value: row.canonical for row in rows.values()}
    for entry in entries:
        entry.canonical = stored.get(entry.value) or matcher.canonical(entry.value)
    gone = [row.pk for canonical, row in rows.items() if canonical not in {entry.canonical for entry in entries}]
    kept = [entry.canonical for entry in entries if entry.canonical in rows]
    in_order = kept == [one for one in rows if one in set(kept)] == [one.canonical for one in entries[: len(kept)]]
    client.audience_entries.filter(pk__in=gone if in_order else [row.pk for row in rows.values()]).delete()
    new = [entry for entry in entries if not in_order or entry.canonical not in rows]
    AudienceEntry.objects.bulk_create(new)  # not save(): it refuses what was listed before the rules changed
    for entry in entries:
        row = rows.get(entry.canonical) if in_order else None
        if row is not None and (row.value, row.mode, row.default) != (entry.value, entry.mode, entry.default):
            row.value, row.mode, row.default = entry.value, entry.mode, entry.default
            row.save()
