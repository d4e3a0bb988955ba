"""What a project tells of a person besides the standard claims: by its table (protocol section 31).

Each project tells its own apps, of its own roles. Nothing is told with a token that somebody passed on or that is for
an API of another project, and nothing to guests, whose project has no table (`ProjectFacts.claims`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from projects.claim_table import ATTRIBUTE, GROUPS, MAX_BYTES, MAX_VALUES, ClaimRow, size_of
from projects.facts import ProjectFacts
from provider.protocol.facts import Json, PersonFacts

Claims = dict[str, Json]


def told(
    project: ProjectFacts, person: PersonFacts, place: str, scopes: Iterable[str], requested: Iterable[str] = ()
) -> Claims:
    """What is said in this place: a claim whose scope is granted, or that was asked for by its name.

    An empty list is said. What is too large is left out (`left_out`): half a list would be believed to be all of it.
    """
    if not project.claims:
        return {}
    found = ((row.name, _value(row, project, person)) for row in _rows(project, place, scopes, requested))
    return dict(_fitting((name, value) for name, value in found if _known(value)))


def left_out(
    said: Mapping[str, Json],
    project: ProjectFacts,
    person: PersonFacts,
    place: str,
    scopes: Iterable[str],
    requested: Iterable[str] = (),
) -> tuple[str, ...]:
    """The claims that were too large for this answer."""
    missing = [row for row in _rows(project, place, scopes, requested) if row.name not in said]
    return tuple(row.name for row in missing if _known(_value(row, project, person)))


def scope_of(project: ProjectFacts, name: str) -> str:
    """The scope that stands for this claim; empty: the project tells none of this name."""
    return next((row.needs for row in project.claims if row.name == name), "")


def names_at(project: ProjectFacts, place: str, scopes: Iterable[str]) -> tuple[str, ...]:
    """Those of them that are told in this place."""
    return tuple(row.name for row in _rows(project, place, scopes, ()))


def names_of(project: ProjectFacts, scopes: Iterable[str]) -> tuple[str, ...]:
    """The claims these scopes stand for here."""
    return tuple(row.name for row in project.claims if row.needs in scopes)


def _rows(project: ProjectFacts, place: str, scopes: Iterable[str], requested: Iterable[str]) -> Iterator[ClaimRow]:
    for row in project.claims:
        if place in row.told_in and (row.needs in scopes or row.name in requested):
            yield row


def _value(row: ClaimRow, project: ProjectFacts, person: PersonFacts) -> Json:
    if row.source == ATTRIBUTE:
        return person.facts.get(row.attribute, [] if row.many else None)
    return row.names(person.groups if row.source == GROUPS else person.roles.get(project.id, ()))


def _known(value: Json) -> bool:
    """What is not known is left out (OpenID Connect Core 1.0 section 5.3.2); an empty list is known."""
    return value is not None and value != ""


def _fitting(claims: Iterable[tuple[str, Json]]) -> Iterator[tuple[str, Json]]:
    """Those that have room, in the order of the table."""
    left = MAX_BYTES
    for name, value in claims:
        size = size_of(name, value)
        if size <= left and not (isinstance(value, list) and len(value) > MAX_VALUES):
            left -= size
            yield name, value
