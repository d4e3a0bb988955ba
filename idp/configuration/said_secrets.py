"""What the file says of the secrets of one client, with what its references lead to."""

from __future__ import annotations

from collections.abc import Iterator

from clients import secrets
from clients.models import ClientSecret
from idp.configuration.context import Context
from idp.configuration.problems import Place
from idp.configuration.references import Reference, Unresolved
from idp.configuration.schema import SaidSecret
from idp.configuration.secret_values import KEYS, Said, SaidSecrets
from idp.configuration.shape import Entry
from projects.rules import text_problem

LONGEST_LABEL = ClientSecret._meta.get_field("label").max_length or 0


def said_of(context: Context, entry: Entry) -> SaidSecrets | None:
    """None: nothing, and what there is stays. References are followed once, and their problems told once."""
    where = entry.place.path
    if where not in context.said_secrets:
        context.said_secrets[where] = _read(context, entry)
    return context.said_secrets[where]


def _read(context: Context, entry: Entry) -> SaidSecrets | None:
    given = [key for key in KEYS if key in entry.values]
    if not given:
        return None
    for other in given[1:]:
        context.problems.add(entry.place_of(other), f"Give {given[0]} or {other}, not both.")
    key = given[-1]
    return SaidSecrets(key, tuple(_each(context, entry, key)))


def _each(context: Context, entry: Entry, key: str) -> Iterator[Said]:
    value, place = entry.values[key], entry.place_of(key)
    if isinstance(value, str):
        yield _hashed(context, place, value) if key.endswith("_hash") else Said(value)
    elif isinstance(value, Reference):
        yield Said(resolved(context, place, value))
    elif isinstance(value, tuple):
        seen: set[str] = set()
        for index, one in enumerate(value):
            yield _one(context, entry.place_of(key, index), one, seen)


def _one(context: Context, place: Place, said: SaidSecret | None, seen: set[str]) -> Said:
    if said is None:
        return Said()
    text = resolved(context, place.key("secret_from"), said.source) if said.source else said.secret
    digest = _hashed(context, place.key("secret_hash"), said.digest).digest if said.digest else ""
    if (text or digest) in seen:
        context.problems.add(place, "This secret is listed twice.")
    seen |= {text or digest} - {""}
    if problem := text_problem(said.label or "", LONGEST_LABEL):
        context.problems.add(place.key("label"), problem)
    return Said(text, digest, said.label, said.expires_at)


def _hashed(context: Context, place: Place, digest: str) -> Said:
    if problem := secrets.digest_problem(digest):
        context.problems.add(place, problem)
        return Said()
    return Said(digest=digest)


def resolved(context: Context, place: Place, reference: Reference) -> str:
    """The secret, or an empty text when the reference leads to none: that is told."""
    try:
        return reference.resolved(context.environ)
    except Unresolved as error:
        context.problems.add(place, error)
        return ""
