"""The statements of the token paths, all of them: what stands behind a code or token, and what using it writes.

Written by hand because building them anew for every request was the largest cost of one. One reads all that can end a
token: the Authorization, the sign-in and the person. The client and its project are not here, but in what the process
remembers (`common.cache`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from common.connection import connection
from common.sql import Guard, Insert, Row, Value, array, clock, hyphenated, known, moment, read, seconds_since
from projects.sign_in import Belongs
from provider.protocol.facts import Json
from provider.store import belonging, person

# --- What stands behind a person's code or token -------------------------------------------------------------------


class AuthorizationRow(NamedTuple):
    """An Authorization, its sign-in and its person: `_AUTHORIZATION`, and the columns of the person's table."""

    id: uuid.UUID
    client_id: int  # the row
    project_id: int | None  # of a guest: the project that let it in
    scopes: list[str]
    audiences: list[str]
    asked_scopes: list[str]
    asked_audiences: list[str]
    default_audiences: list[str]
    amr: list[str]
    claims: dict[str, list[str]]
    offline: bool
    narrowed: bool
    auth_time: datetime
    acr: str
    created_at: datetime
    ended_at: datetime | None
    ends_at: datetime | None
    generation: int
    rotated_from: str
    seed: str
    seed_before: str
    rotated_seconds_ago: float | None
    sign_in_id: str | None
    signed_in: bool  # the sign-in it came from has not ended
    user_id: int
    sub: str
    is_active: bool
    tokens_not_before: datetime | None
    username: str
    facts: dict[str, Json]  # the columns of `provider.store.person.PERSON`
    groups: tuple[str, ...]  # these three by `provider.store.belonging`, where they are read
    roles: dict[int, tuple[str, ...]]
    belongs: Belongs | None


# JSON columns stand in their own tuple: SQLite keeps them as texts.
_JSON = ("a.scopes", "a.audiences", "a.asked_scopes", "a.asked_audiences", "a.default_audiences", "a.amr", "a.claims")
_SINCE_ROTATED = "{since}"  # each database has its own expression of it
_AUTHORIZATION = (
    *("a.id", "a.client_id", "a.project_id", *_JSON, "a.offline", "a.narrowed", "a.auth_time", "a.acr"),
    *("a.created_at", "a.ended_at", "a.ends_at"),
    *("a.generation", "a.rotated_from", "a.seed", "a.seed_before", _SINCE_ROTATED),
    *("a.sign_in_id", "s.sid IS NOT NULL AND s.ended_at IS NULL"),
    *("u.id", "u.sub", "u.is_active", "u.tokens_not_before", "u.username"),
)
_COLUMNS = len(_AUTHORIZATION)  # behind them come those of the person's table
_PERSON = "LEFT JOIN accounts_user u ON u.id = a.user_id LEFT JOIN accounts_signin s ON s.sid = a.sign_in_id"
_CONVERTED: dict[Callable[[Any], object], tuple[str, ...]] = {
    known: ("auth_time", "created_at", "ended_at", "ends_at", "tokens_not_before"),
    uuid.UUID: ("id",),
    hyphenated: ("sign_in_id",),
    bool: ("offline", "narrowed", "signed_in", "is_active"),
}
_CONVERSIONS = [
    (AuthorizationRow._fields.index(name), convert) for convert, names in _CONVERTED.items() for name in names
]


def as_authorization(row: Row) -> AuthorizationRow:
    for place, convert in _CONVERSIONS:
        value = row[place]
        if value is not None:
            row[place] = convert(value)
    end = _COLUMNS + len(person.PERSON)
    facts = person.facts(row[_COLUMNS:end])
    return AuthorizationRow._make([*row[:_COLUMNS], facts, *belonging.of(row[end:])])


@dataclass(frozen=True, slots=True, eq=False)  # each is one of its own: nothing has to be compared to find its text
class _Select:
    """One row at most: these columns, and what stands behind it as the last one."""

    columns: tuple[str, ...]
    rest: str

    def __call__(self, *values: Value) -> Row | None:
        vendor = connection().vendor
        return read(_written(self, vendor, belonging.columns(vendor)), values)


@lru_cache(maxsize=32)
def _written(select: _Select, vendor: str, belonging: tuple[str, ...]) -> str:
    authorization = f"CASE WHEN a.id IS NOT NULL THEN {_whole(vendor, belonging)} END"
    columns = array((*select.columns, authorization), (authorization, "t.resource", "t.cnf", "r.cnf"), vendor)
    return f"SELECT {columns} FROM {select.rest}"  # noqa: S608 - constants


def _whole(vendor: str, belonging: tuple[str, ...]) -> str:
    """The expression of an Authorization, its sign-in and its person, for `as_authorization` to read."""
    facts, json_facts = person.columns(vendor)
    own = [seconds_since("a.rotated_at", vendor) if one is _SINCE_ROTATED else one for one in _AUTHORIZATION]
    return array((*own, *facts, *belonging), (*_JSON, *json_facts, *belonging), vendor)


def behind(column: str, vendor: str, belonging: tuple[str, ...]) -> str:
    """The same for a statement elsewhere: of the Authorization that this column names, or NULL."""
    return f"(SELECT {_whole(vendor, belonging)} FROM clients_authorization a {_PERSON} WHERE a.id = {column})"  # noqa: S608 - constants


class Code(NamedTuple):
    """A code; `used_at` tells a second use from a first."""

    expires: datetime
    created: datetime
    used_at: datetime | None
    redirect_uri: str
    challenge: str
    challenge_method: str
    nonce: str
    dpop_jkt: str
    authorization: AuthorizationRow


def code(digest: str) -> Code | None:
    row = _CODE(digest)
    if row is None:
        return None
    expires, created, used_at, *asked, authorization = row
    return Code._make((known(expires), known(created), moment(used_at), *asked, as_authorization(authorization)))


_CODE = _Select(
    (
        "g.expires",
        "g.created",
        "g.used_at",
        "g.redirect_uri",
        "g.code_challenge",
        "g.code_challenge_method",
        "g.nonce",
        "g.dpop_jkt",
    ),
    f"clients_grant g JOIN clients_authorization a ON a.id = g.authorization_id {_PERSON} WHERE g.digest = %s",
)


class Refresh(NamedTuple):
    """A refresh token; the standing says whether its generation is the current one."""

    created: datetime
    expires: datetime | None
    generation: int
    cnf: dict[str, str]
    authorization: AuthorizationRow


def refresh_token(digest: str) -> Refresh | None:
    row = _REFRESH(digest)
    if row is None:
        return None
    created, expires, *more, authorization = row
    return Refresh._make((known(created), moment(expires), *more, as_authorization(authorization)))


_REFRESH = _Select(
    ("r.created", "r.expires", "r.generation", "r.cnf"),
    f"clients_refreshtoken r JOIN clients_authorization a ON a.id = r.authorization_id {_PERSON} WHERE r.digest = %s",
)


class Access(NamedTuple):
    """An opaque access token that was not revoked. No standing: a client's own.

    One whose Authorization was deleted is not found. No constraint keeps it from being written in that very moment.
    """

    client_id: int  # the row
    created: datetime
    expires: datetime
    scope: str
    audience: list[str]
    cnf: dict[str, str]
    actors: str
    came_from: str
    authorization: AuthorizationRow | None

    @property
    def scopes(self) -> tuple[str, ...]:
        return tuple(self.scope.split())

    @property
    def hands(self) -> tuple[str, ...]:
        """The clients through whose hands it went."""
        return tuple(self.actors.split())

    @property
    def sources(self) -> tuple[str, ...]:
        """The tokens that it was exchanged for."""
        return tuple(self.came_from.split())


def access_token(digest: str) -> Access | None:
    row = _ACCESS(digest)
    if row is None:
        return None
    client_id, created, expires, *what, authorization = row
    behind = as_authorization(authorization) if authorization is not None else None
    return Access._make((client_id, known(created), known(expires), *what, behind))


_ACCESS = _Select(
    ("t.application_id", "t.created", "t.expires", "t.scope", "t.resource", "t.cnf", "t.actors", "t.came_from"),
    f"""clients_accesstoken t LEFT JOIN clients_authorization a ON a.id = t.authorization_id {_PERSON}
    WHERE t.digest = %s AND t.revoked_at IS NULL AND (t.authorization_id IS NULL OR a.id IS NOT NULL)""",
)


def authorization(authorization_id: uuid.UUID) -> AuthorizationRow | None:
    row = _AUTHORIZATION_OF(authorization_id)
    return as_authorization(row[0]) if row is not None else None


_AUTHORIZATION_OF = _Select((), f"clients_authorization a {_PERSON} WHERE a.id = %s")


def behind_jwt(authorization_id: uuid.UUID, jti: str) -> AuthorizationRow | None:
    """What stands behind a person's JWT; None when it is on the deny-list, too."""
    row = _BEHIND_JWT(authorization_id, jti)
    return as_authorization(row[0]) if row is not None else None


_BEHIND_JWT = _Select(
    (),
    f"{_AUTHORIZATION_OF.rest} AND NOT EXISTS (SELECT 1 FROM clients_revokedtoken d WHERE d.jti = %s)",  # noqa: S608 - constants
)


def denied(jti: str) -> bool:
    return read("SELECT '[]' FROM clients_revokedtoken WHERE jti = %s", (jti,)) is not None


def any_revoked(tokens: Sequence[str]) -> bool:
    """Whether one of these access tokens was revoked: opaque ones by digest, JWTs by `jti`."""
    each = ", ".join(["%s"] * len(tokens))
    either = f"""SELECT '[]' WHERE EXISTS (SELECT 1 FROM clients_revokedtoken WHERE jti IN ({each}))
        OR EXISTS (SELECT 1 FROM clients_accesstoken WHERE digest IN ({each}) AND revoked_at IS NOT NULL)"""  # noqa: S608
    return read(either, (*tokens, *tokens)) is not None


class Consent(NamedTuple):
    """What a person allowed a project."""

    scopes: list[str]
    audiences: list[str]
    ends_at: datetime | None


def consent(person_id: int, project_id: int) -> Consent | None:
    columns = array(("c.scopes", "c.audiences", "c.ends_at"), ("c.scopes", "c.audiences"), connection().vendor)
    found = f"SELECT {columns} FROM projects_consent c WHERE c.user_id = %s AND c.project_id = %s"  # noqa: S608
    row = read(found, (person_id, project_id))
    return Consent(row[0], row[1], moment(row[2])) if row is not None else None


def has_refresh_token(authorization_id: uuid.UUID, now: datetime) -> bool:
    """Whether a refresh token of the current generation has not expired."""
    return read(_HAS_REFRESH, (authorization_id, now)) is not None


_HAS_REFRESH = """SELECT '[]' FROM clients_authorization a
    JOIN clients_refreshtoken r ON r.authorization_id = a.id AND r.generation = a.generation
    WHERE a.id = %s AND (r.expires IS NULL OR r.expires > %s) LIMIT 1"""

# --- What using it writes ------------------------------------------------------------------------------------------


# Each names the Authorization, though it finds its row without: the rows that are written with it name that, too, so
# tables that are spread over several databases by it are written in one of them (docs/operations.md, "Growth").


def use_code(digest: str, authorization_id: uuid.UUID, now: datetime) -> Guard:
    update = "UPDATE clients_grant SET used_at = %s WHERE digest = %s AND authorization_id = %s AND used_at IS NULL"
    return Guard(update, (now, digest, authorization_id))


def rotate(authorization_id: uuid.UUID, digest: str, generation: int, seed: str) -> Guard:
    """The first use of this generation: the next one begins, with a seed of its own."""
    update = f"""UPDATE clients_authorization
        SET generation = generation + 1, rotated_at = {clock()}, rotated_from = %s, seed_before = seed, seed = %s
        WHERE id = %s AND ended_at IS NULL AND generation = %s"""  # noqa: S608 - constants
    return Guard(update, (digest, seed, authorization_id, generation))


def prolong(digest: str, authorization_id: uuid.UUID, expires: datetime | None) -> Guard:
    """A refresh token that does not rotate was used."""
    update = "UPDATE clients_refreshtoken SET expires = %s WHERE digest = %s AND authorization_id = %s"
    return Guard(update, (expires, digest, authorization_id))


def new_access_token(**values: Value) -> Insert:
    """The columns of an opaque access token."""
    return Insert("clients_accesstoken", values)


def new_refresh_token(**values: Value) -> Insert:
    return Insert("clients_refreshtoken", values)


def new_event(**values: Value) -> Insert:
    return Insert("clients_securityevent", values)
