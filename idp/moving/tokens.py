"""Live tokens of django-oauth-toolkit go on: each with what it was given there, and never with more.

A refresh token becomes an Authorization whose ceiling is the scope that the token had. The import may be repeated
while apps go on refreshing at the other site: what was rotated or revoked there since is replaced or ended here, as
long as it was not used here.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from clients.models import AccessToken, Authorization, Client, RefreshToken
from common import clock
from idp.moving.source import Record, Value, identity, moment, text
from projects.models import Consent, Project
from provider.facts import client_facts
from provider.keys.mint import digest
from provider.protocol.facts import ClientFacts
from provider.store import generations

ENDED = "revoked before it moved here"
_DIGEST = re.compile("[0-9a-f]{64}")
_NAMES = uuid.UUID("0b0dcb50-3d0e-4c62-8a55-6d5d3ad6d7f2")  # Authorizations of tokens without a family


@dataclass(frozen=True, slots=True)
class Family:
    """A refresh token that is alive there, or none, and what it was given."""

    authorization: uuid.UUID
    digest: str
    user: int
    client: Client
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    created: datetime
    late: bool  # it was there at the last run, and so were its person and app: what is gone here since, ended here


@dataclass(slots=True)
class TokenReport:
    made: int = 0
    known: int = 0
    replaced: int = 0
    ended: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # why, and how many

    def refuse(self, why: str) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1

    def as_dict(self) -> dict[str, object]:
        counts = {name: getattr(self, name) for name in ("made", "known", "replaced", "ended")}
        return {**counts, "refused": dict(self.refused)}


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose tokens may come: accounts by their keys there, clients by theirs; and which of both this run made."""

    accounts: Mapping[str, int]
    active: frozenset[int]
    new_accounts: frozenset[int]
    clients: Mapping[str, Client]
    new_clients: frozenset[int]

    def is_new(self, user: int, client: Client) -> bool:
        return user in self.new_accounts or client.pk in self.new_clients


def digest_of(row: Record) -> str:
    """The toolkit keeps the digest that we keep; before version 3 it kept the token alone."""
    said = text(row.get("token_checksum"))
    return said if _DIGEST.fullmatch(said) else digest(text(row["token"]))


def family_of(row: Record) -> uuid.UUID:
    found = identity(row.get("token_family"))
    return uuid.UUID(found) if found else uuid.uuid5(_NAMES, digest_of(row))


def audiences_of(value: Value, scopes: Iterable[str], api: str, offered: frozenset[str]) -> tuple[str, ...]:
    """The resources that it was given (RFC 8707). A token without any was for the site: that is its API here."""
    try:
        said = json.loads(value) if isinstance(value, str) and value else value
    except ValueError:
        said = None
    named = tuple(one for one in said if isinstance(one, str)) if isinstance(said, list) else ()
    return named or ((api,) if api and offered & set(scopes) else ())


def alone(family: Family) -> Family:
    """The same, with an Authorization of its own."""
    return replace(family, authorization=uuid.uuid5(_NAMES, family.digest))


def authorization_of(one: Family, consent: Consent | None) -> Authorization:
    """Its ceiling is what was given there. It needs no sign-in of here, like all that was allowed for good."""
    return Authorization(
        id=one.authorization,
        client=one.client,
        user_id=one.user,
        consent=consent,
        created_at=one.created,
        auth_time=one.created,
        scopes=list(dict.fromkeys((*one.scopes, "offline_access"))),
        asked_scopes=list(one.scopes),
        audiences=list(one.audiences),
        asked_audiences=list(one.audiences),
        offline=True,
    )


class Refreshing:
    """Takes refresh tokens, in the transaction of the caller."""

    def __init__(self, project: Project) -> None:
        self.report = TokenReport()
        self._project = project
        self._facts: dict[int, ClientFacts] = {}

    def take(self, families: list[Family]) -> None:
        """All that are alive there. Those with an Authorization here are known, or replace the token that it has."""
        digests = {one.digest for one in families}
        known = set(RefreshToken.objects.filter(digest__in=digests).values_list("digest", flat=True))
        self.report.known += len(known)
        new = [one for one in families if one.digest not in known and not one.late]
        for _gone in range(len(families) - len(new) - len(known)):
            self.report.refuse("It ended here since.")
        here = Authorization.objects.in_bulk([one.authorization for one in new])
        self._begin([one for one in new if one.authorization not in here])
        for one in new:
            if one.authorization in here:
                self._replace(here[one.authorization], one)

    def _begin(self, families: list[Family]) -> None:
        consents = self._consents(families)
        Authorization.objects.bulk_create([authorization_of(one, consents.get(one.user)) for one in families])
        RefreshToken.objects.bulk_create([self._token(one) for one in families])
        self.report.made += len(families)

    def _token(self, one: Family) -> RefreshToken:
        facts = self._facts.setdefault(one.client.pk, client_facts(one.client))
        now = clock.now()
        expires = generations.expiry(facts, one.created, now)
        return RefreshToken(
            digest=one.digest, authorization_id=one.authorization, generation=0, created=now, expires=expires
        )

    def _replace(self, authorization: Authorization, one: Family) -> None:
        """It was rotated there since. Once it was used here, what they have there is another story."""
        if authorization.ended_at is not None or authorization.generation != 0:
            self.report.refuse("It was used or ended here since.")
            return
        RefreshToken.objects.filter(authorization=authorization).delete()
        # The toolkit deletes an access token with the refresh token that came with it.
        AccessToken.objects.filter(authorization=authorization, revoked_at=None).update(revoked_at=clock.now())
        RefreshToken.objects.bulk_create([self._token(one)])
        self.report.replaced += 1

    def _consents(self, families: list[Family]) -> dict[int, Consent]:
        """What people allowed there, their project here knows: nobody is asked again for the same."""
        if self._project.consent_mode != "explicit":
            return {}
        wanted: dict[int, tuple[dict[str, None], dict[str, None]]] = {}
        for one in families:
            scopes, audiences = wanted.setdefault(one.user, ({}, {}))
            scopes.update(dict.fromkeys((*one.scopes, "offline_access")))
            audiences.update(dict.fromkeys(one.audiences))
        found = {row.user_id: row for row in Consent.objects.filter(project=self._project, user__in=wanted)}
        new = [Consent(user_id=user, project=self._project) for user in wanted if user not in found]
        found |= {row.user_id: row for row in new}
        for user, (scopes, audiences) in wanted.items():
            row = found[user]
            row.scopes = list(dict.fromkeys([*row.scopes, *scopes]))
            row.audiences = list(dict.fromkeys([*row.audiences, *audiences]))
        Consent.objects.bulk_create(new)
        old = [row for row in found.values() if row not in new]
        Consent.objects.bulk_update(old, ["scopes", "audiences"], batch_size=500)
        return found

    def end(self, digests: Iterable[str]) -> None:
        """What was revoked there, unless it was used here since."""
        ended = Authorization.objects.filter(
            refresh_tokens__digest__in=list(digests), ended_at__isnull=True, generation=0
        )
        ids = list(ended.values_list("pk", flat=True))
        self.report.ended += Authorization.objects.filter(pk__in=ids).update(ended_at=clock.now(), ended_because=ENDED)


class Accessing:
    """Takes access tokens, in the transaction of the caller."""

    def __init__(self, project: Project) -> None:
        self.report = TokenReport()
        self._rows: list[AccessToken] = []
        self._behind: dict[uuid.UUID, Family] = {}

    def add(
        self,
        row: Record,
        client: Client,
        user: int | None,
        scopes: tuple[str, ...],
        audiences: tuple[str, ...],
        family: uuid.UUID | None,
    ) -> None:
        """Of a person it hangs from the Authorization of its refresh token, or from one of its own."""
        own, created = digest_of(row), moment(row["created"]) or clock.now()
        behind = None
        if user is not None:
            behind = family or uuid.uuid5(_NAMES, own)
            self._behind[behind] = Family(behind, own, user, client, scopes, audiences, created, late=False)
        self._rows.append(
            AccessToken(
                digest=own,
                application=client,
                authorization_id=behind,
                created=created,
                expires=moment(row["expires"]) or created,
                scope=" ".join(scopes),
                resource=list(audiences or (client.client_id,)),
            )
        )

    def write(self) -> None:
        digests = [one.digest for one in self._rows]
        known = set(AccessToken.objects.filter(digest__in=digests).values_list("digest", flat=True))
        new = [one for one in self._rows if one.digest not in known]
        needed = {one.authorization_id for one in new if one.authorization_id is not None}
        here = set(Authorization.objects.filter(pk__in=needed).values_list("pk", flat=True))
        begun = [authorization_of(self._behind[one], None) for one in needed - here]
        Authorization.objects.bulk_create(begun)
        AccessToken.objects.bulk_create(new)
        self.report.known, self.report.made = len(known), len(new)
